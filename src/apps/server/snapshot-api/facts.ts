/** What the API of snapshot.debian.org tells of packages, wherever we know it from. */
import type { Sha256 } from '../../../kit/digest.ts';
import type { SnapshotId } from '../../../model/names.ts';

/** A file under the name and in the folder that an archive has it. */
export type FileFact = {
  readonly sha256: Sha256;
  readonly size: number;
  readonly name: string;
  /** Our repository, or the upstream. */
  readonly archive: string;
  /** `/pool/main/h/hello` */
  readonly path: string;
  /** The first snapshot with it. */
  readonly firstSeen: SnapshotId;
  /** Where it can be had: in our archive's folder, or from the upstream as long as that keeps it. */
  readonly from: { readonly kind: 'ours' } | { readonly kind: 'upstream'; readonly url: string };
};

export type SourceFact = { readonly version: string; readonly files: readonly FileFact[] };

export type BinaryFact = {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: string;
  readonly sourceVersion: string;
  readonly file: FileFact;
};

export type BinaryQuery =
  | { readonly name: string; readonly version?: string }
  | { readonly source: string; readonly sourceVersion: string };

/** A place that knows packages. Nothing is told before it has been published. */
export type FactSource = {
  /** Names of source packages, in any order. */
  readonly sourceNames: () => Promise<readonly string[]>;
  readonly sources: (name: string, version?: string) => Promise<readonly SourceFact[]>;
  readonly binaries: (query: BinaryQuery) => Promise<readonly BinaryFact[]>;
  readonly files: (sha256: Sha256) => Promise<readonly FileFact[]>;
};
