/** What the comparison needs of the world, and how much it may take. */
import type { DecompressStream } from '../../formats/deb/deb-stream.ts';

export type DebInput = {
  /** For messages, and as the name in the result. */
  readonly name: string;
  /** The bytes from a place on, up to another and without that; asked for more than once. */
  readonly open: (from: number, to: number) => AsyncIterable<Uint8Array>;
};

export type CompareLimits = {
  /** Most bytes of an archive inside, decompressed. */
  readonly bytes: number;
  readonly entries: number;
  /** Larger files are only compared, not looked into. */
  readonly file: number;
  /** Bytes of files that wait for their like, because the other package has them elsewhere. */
  readonly waiting: number;
  /** Differences that are listed. */
  readonly differences: number;
  /** Of one file. */
  readonly details: number;
};

export const compareLimits: CompareLimits = {
  bytes: 64 * 2 ** 30,
  entries: 1_000_000,
  file: 256 * 2 ** 20,
  waiting: 256 * 2 ** 20,
  differences: 1000,
  details: 20,
};

export type CompareDeps = {
  readonly decompress: DecompressStream;
  /** A piece of .xz that becomes `size` bytes, where that is faster; undefined where it cannot be done. */
  readonly decompressBlock?: (bytes: AsyncIterable<Uint8Array>, size: number) => Promise<Uint8Array | undefined>;
  /** That decompress at the same time; default 1. */
  readonly processors?: number;
  readonly limits?: CompareLimits;
};
