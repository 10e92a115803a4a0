/** What is or will be in a suite: rows of publications with the package each is about. */
import type { InputFile } from '../model/job.ts';

/** Whether somebody has decided that it goes: the next publication is without it. Not said: it stays. */
type Removable = { readonly removed?: boolean };

export type LiveState = 'PENDING' | 'PUBLISHED';

export type SourceEntry = Removable & {
  readonly publication: number;
  readonly state: LiveState;
  readonly name: string;
  readonly version: string;
  readonly component: string;
  /** The stanza of the `.dsc`. */
  readonly stanza: string;
  /** In the pool: `pool/main/h/hello`. */
  readonly directory: string;
  /** The `.dsc` first. */
  readonly files: readonly InputFile[];
  readonly tagBuild: number | undefined;
};

export type BinaryEntry = Removable & {
  readonly publication: number;
  readonly state: LiveState;
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: string;
  readonly sourceVersion: string;
  readonly component: string;
  /** DEBIAN/control. */
  readonly control: string;
  /** In the repository: `pool/main/h/hello/hello_2.10-3_amd64.deb`. */
  readonly filename: string;
  readonly sha256: string;
  readonly size: number;
  readonly job: number | undefined;
};

export type Content = {
  readonly sources: readonly SourceEntry[];
  readonly binaries: readonly BinaryEntry[];
};
