/** What the archive asks of the world. Implemented in plumbing; tests put faults between. */
import type { Db } from '../db/connect.ts';
import type { GzipMember } from '../formats/container/gzip-members.ts';
import type { XzBlock } from '../formats/container/xz-stream.ts';
import type { DecompressStream } from '../formats/deb/deb-stream.ts';
import type { Distribution } from '../model/distribution.ts';
import type { Label, SnapshotId, SuiteName } from '../model/names.ts';
import type { Blobs } from '../plumbing/blobs.ts';

export type ArchiveDeps = {
  readonly db: Db;
  readonly distribution: Distribution;
  readonly blobs: Blobs;
  readonly files: TreeFiles;
  readonly compression: Compression;
  readonly packBlock: PackBlock;
  /** For the data of packages, whose files Contents lists. */
  readonly decompressStream: DecompressStream;
  /** The folder that holds one archive tree for each repository. */
  readonly directory: string;
  readonly signer: (repository: Label) => Promise<ReleaseSigner>;
  /** Called inside the transaction that makes a publication true; what it writes is true together with it. */
  readonly onPublished?: (transaction: Db, published: Published, now: Date) => Promise<void>;
};

/** A publication, and what it settles. */
export type Published = {
  readonly suite: SuiteName;
  readonly repository: Label;
  /** The running number: `stable@142`. */
  readonly number: number;
  readonly snapshotId: SnapshotId;
  readonly validUntil: Date;
  /** Binary packages in the snapshot. */
  readonly packages: number;
  /** Jobs whose packages have just left PENDING: all packages of a job do so together. */
  readonly jobs: readonly number[];
  /** Tag builds whose source package has just left PENDING. */
  readonly tagBuilds: readonly number[];
  /** Of those the ones of which nothing came in: the suite has higher versions, or somebody has removed them. */
  readonly passedOver: { readonly jobs: readonly number[]; readonly tagBuilds: readonly number[] };
  /** Packages that have just come in, whose files cannot be read for Contents. */
  readonly unlisted?: readonly UnlistedPackage[];
};

/** `package`: `hello_2.10-3_amd64`. */
export type UnlistedPackage = { readonly package: string; readonly problem: string };

/** A block as one gzip member and as one .xz block with CRC-32; the same bytes for the same block. */
export type PackBlock = (bytes: Uint8Array) => Promise<{ readonly gzip: GzipMember; readonly xz: XzBlock }>;

/** Decoders throw rather than give more than `limit` bytes. */
export interface Compression {
  gunzip(bytes: Uint8Array, limit: number): Uint8Array;
  unxz(bytes: Uint8Array, limit: number): Uint8Array;
  unzstd(bytes: Uint8Array, limit: number): Uint8Array;
}

export interface ReleaseSigner {
  readonly publicKeyArmored: string;
  readonly publicKeyBinary: Uint8Array;
  clearsign(text: string, now: Date): Promise<string>;
  detach(bytes: Uint8Array, now: Date): Promise<string>;
}

/**
 * A folder of published files. Every path is absolute. What a call has changed survives a power cut once the directory
 * that holds the name is synced; a file never exists under its name with half its bytes.
 */
export interface TreeFiles {
  /** With all its parents; no error when it exists. */
  makeDirectory(path: string): Promise<void>;
  /** Puts a file with these bytes, or these parts one behind the other, at the path, replacing one that is there. */
  place(path: string, bytes: Uint8Array | string | readonly Uint8Array[], modified?: Date): Promise<void>;
  /**
   * Writes the parts from `position` on into the file, which ends behind them; it and its directory are made when they are
   * missing. For what may be lost or torn with the power.
   */
  keep(path: string, position: number, parts: readonly Uint8Array[]): Promise<void>;
  /** To read pieces of it; undefined when it does not exist. */
  open(path: string): Promise<OpenFile | undefined>;
  /**
   * Makes the path hold the same bytes as `source`, as a hard link where possible. One that is there already must hold
   * the same bytes: otherwise throws `file-differs`.
   */
  link(source: string, path: string): Promise<void>;
  /** Makes the path a symbolic link, replacing in one step one that is there. */
  symlink(target: string, path: string): Promise<void>;
  /** The target must not exist. */
  rename(from: string, to: string): Promise<void>;
  /** A file or a whole directory; no error when it does not exist. */
  remove(path: string): Promise<void>;
  sync(directory: string): Promise<void>;
  /** Bytes of the file, or undefined when it does not exist. */
  size(path: string): Promise<number | undefined>;
  exists(path: string): Promise<boolean>;
  /** Where a symbolic link points, or undefined when it does not exist. */
  readLink(path: string): Promise<string | undefined>;
  read(path: string): Promise<string | undefined>;
  readBytes(path: string): Promise<Buffer | undefined>;
}

export interface OpenFile {
  readonly size: number;
  /** Fills `into` from there on; fewer bytes only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}
