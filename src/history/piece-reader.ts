/** The sets of pieces of indexes, each read once while one question is answered. */
import type { Sha256 } from '../kit/digest.ts';
import { noPieces, toPieceSet, type PieceSet } from './piece-set.ts';
import type { IndexStore } from './ports.ts';

export type PieceReader = (sha256: Sha256 | undefined) => Promise<PieceSet>;

/** An index that is not there has no pieces. */
export function pieceReader(store: IndexStore): PieceReader {
  const read = new Map<Sha256, Promise<PieceSet>>();
  return async (sha256) => {
    if (sha256 === undefined) return noPieces;
    const found = read.get(sha256) ?? store.pieces(sha256).then(toPieceSet);
    read.set(sha256, found);
    return found;
  };
}
