/** Nouns of mirrors: what a published tree has, and what a mirror says it has. */
import type { Sha256 } from '../kit/digest.ts';

/** One name of a published tree, as src/archive/layout.ts describes it; paths have no slash in front. */
export type TreeEntry =
  | { readonly kind: 'file'; readonly path: string; readonly source: string; readonly size: number }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

export type MirrorFile = {
  readonly kind: 'file';
  /** Where it belongs in the target. */
  readonly path: string;
  /** Where it is read from, absolute. */
  readonly source: string;
  readonly size: number;
  /** What its bytes must hash to, where that is written down somewhere. */
  readonly sha256: Sha256 | undefined;
};

export type MirrorLink = Extract<TreeEntry, { kind: 'link' }>;
export type MirrorEntry = MirrorFile | MirrorLink;

/** A file whose hash is known: by the archive, or because it was just read. */
export type HashedFile = MirrorFile & { readonly sha256: Sha256 };

/** What a target says it has. The tag changes when the bytes do (an entity tag, a time): it proves nothing alone. */
export type Held =
  | { readonly kind: 'file'; readonly path: string; readonly size: number; readonly tag: string }
  | MirrorLink;

/** What was last seen under a path: only a memory, to be compared with what the target says. */
export type Remembered = { readonly sha256: Sha256; readonly tag: string };
