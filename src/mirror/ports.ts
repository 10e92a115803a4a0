/** What pushing to mirrors asks of the world: a target to bring a published tree to, and a memory. */
import type { HashedFile, Held, MirrorEntry, MirrorLink, Remembered } from '../model/mirror.ts';

/** A target that takes one file after the other. Names appear only for whole files; what was there is replaced. */
export interface StoreTarget {
  readonly kind: 'store';
  /** Whether it can hold symbolic links. */
  readonly links: boolean;
  list(): AsyncIterable<Held>;
  /**
   * Brings a file, and makes sure that the target holds these bytes: its new tag. Throws `mirror-full`,
   * `mirror-wrong-bytes`, `mirror-source` (the file here is not what it should be), `mirror-failed`.
   */
  put(file: HashedFile): Promise<string>;
  /** The tag, when the target holds the very bytes of this file under its path. Costs as much as reading it. */
  check(file: HashedFile): Promise<string | undefined>;
  /** Replaces in one step. Only where `links` is true. */
  link(link: MirrorLink): Promise<void>;
  /** A small text. Undefined when it is not there. */
  read(path: string): Promise<string | undefined>;
  remove(path: string): Promise<void>;
}

/** A target whose own program finds out what is missing and checks what it has brought. */
export interface SyncTarget {
  readonly kind: 'sync';
  readonly links: true;
  /** `verify`: compares the bytes of everything, not only sizes and times. */
  bring(entries: readonly MirrorEntry[], options: { readonly verify: boolean; readonly onDone: Done }): Promise<void>;
  /** The targets of the links in this folder. */
  linksIn(folder: string): Promise<ReadonlyMap<string, string>>;
  /** Removes what the tree does not have; how many names that were. */
  prune(): Promise<number>;
}

type Done = (path: string) => void;
export type MirrorTarget = StoreTarget | SyncTarget;

/** The memory of one target. Losing it costs time and nothing else. */
export interface Manifest {
  get(path: string): Remembered | undefined;
  set(path: string, remembered: Remembered): void;
  delete(path: string): void;
}
