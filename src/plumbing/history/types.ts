/** The store of every index, as src/history/ports.ts asks for it, and what more it can do. */
import type { Sha256 } from '../../kit/digest.ts';

export type Split = 'stanzas' | 'lines';

export type PutOptions = {
  readonly sha256: Sha256;
  readonly split: Split;
  readonly successorOf?: Sha256 | undefined;
};

export type StoredIndex = {
  readonly sha256: Sha256;
  readonly size: number;
  readonly split: Split;
  readonly pieces: number;
  readonly newPieces: number;
};

export type StoreStats = {
  readonly indexes: number;
  readonly pieces: number;
  /** On the disk. */
  readonly bytes: number;
  /** Of all indexes, uncompressed. */
  readonly rawBytes: number;
};

export type StoreProblem = { readonly sha256?: Sha256; readonly message: string };
export type StoreReport = StoreStats & { readonly problems: readonly StoreProblem[] };

export type OnProgress = (done: number, total: number) => void;
