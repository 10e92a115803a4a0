/** What keeping compressed indexes asks of the world. */
import type { Db } from '../db/connect.ts';
import type { Sha256 } from '../kit/digest.ts';
import type { IndexStore } from './ports.ts';

/** Makes a compressed file of an index: the same bytes for the same input, on every machine. */
export interface IndexEncoder {
  /** As it stands in the database: never given to an encoder that makes other bytes. */
  readonly name: string;
  /** False when the file cannot have been made by it, as its first bytes tell: that saves the trying. */
  mayHaveMade(file: Uint8Array): boolean;
  /** Throws `program-missing` (kind environment) where its program is not installed. */
  encode(index: Uint8Array): Promise<Uint8Array>;
}

/** Files that no encoder gives back, by their SHA-256. */
export interface CompressedBlobs {
  /** On the disk when this returns. A file that is there already is no error. */
  putBytes(bytes: Uint8Array): Promise<unknown>;
  /** Throws when it is not there or its bytes have another hash. */
  read(sha256: Sha256): Promise<Uint8Array>;
  /** Where it is missing, what is proved is no longer needed but stays. */
  remove?(sha256: Sha256): Promise<void>;
}

export type CompressedDeps = {
  readonly db: Db;
  readonly store: IndexStore;
  readonly blobs: CompressedBlobs;
  readonly encoders: readonly IndexEncoder[];
};
