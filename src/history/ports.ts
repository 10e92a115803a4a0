/** What the history of indexes asks of the world: a store that keeps every version of every index, byte for byte. */
import type { Db } from '../db/connect.ts';
import type { Sha256 } from '../kit/digest.ts';
import type { PackageEntry, SnapshotChanges } from '../model/index-history.ts';

/**
 * How an index is taken apart. `stanzas`: after each blank line. `lines`: after some of its lines, chosen by what they
 * say, so that a change moves no other cut. Joined again, the pieces are the file.
 */
export type Split = 'stanzas' | 'lines';

export type PutOptions = {
  /** What the bytes must hash to. Throws `index-mismatch`. */
  readonly sha256: Sha256;
  readonly split: Split;
  /** An index that this one is probably the successor of: only changes speed and size. */
  readonly successorOf?: Sha256 | undefined;
};

export type StoredIndex = {
  readonly sha256: Sha256;
  /** Bytes, uncompressed. */
  readonly size: number;
  readonly split: Split;
  /** How many pieces it has, and how many of them the store did not have before. */
  readonly pieces: number;
  readonly newPieces: number;
};

/** Pieces have numbers, given in the order of their first appearance, which never change and are never given again. */
export interface IndexStore {
  /** Random, made once: facts in the database belong to one store. */
  readonly id: string;
  /** Stores an index, or finds that it is there. On the disk, read back and compared when this returns. */
  put(bytes: Uint8Array, options: PutOptions): Promise<StoredIndex>;
  info(sha256: Sha256): Promise<StoredIndex | undefined>;
  /** The whole file, its hash checked. Throws `index-missing`, `index-corrupt`. */
  read(sha256: Sha256): Promise<Buffer>;
  /** The numbers of its pieces, in order. Throws `index-missing`. */
  pieces(sha256: Sha256): Promise<Uint32Array>;
  /** The bytes of pieces, in the order asked. Throws `piece-missing`, `index-corrupt`. */
  readPieces(numbers: readonly number[] | Uint32Array): Promise<Buffer[]>;
}

export type HistoryDeps = {
  readonly db: Db;
  readonly store: IndexStore;
  /** What changed from entries that left to entries that came: the rule belongs to another room. */
  readonly countChanges: (left: readonly PackageEntry[], came: readonly PackageEntry[]) => SnapshotChanges;
};
