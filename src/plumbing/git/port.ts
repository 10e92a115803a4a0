/** What intake asks of git. Every byte that comes through here was checked against its object id. */
import type { ObjectType } from '../../formats/git/mod.ts';
import type { ObjectId } from '../../model/names.ts';
import type { RefusalCode } from '../../model/tag-build.ts';

export type FetchRefusal = {
  readonly code: Extract<
    RefusalCode,
    'bad-address' | 'fetch-failed' | 'tag-not-found' | 'commit-not-found' | 'over-limit'
  >;
  readonly message: string;
  readonly hint: string;
};

export type FetchOutcome =
  /** What the tag's name points at: a tag object, or a commit for a lightweight tag. */
  | { readonly kind: 'fetched'; readonly object: ObjectId }
  | { readonly kind: 'refused'; readonly refusal: FetchRefusal }
  /** The network's or the host's trouble, worth another try. */
  | { readonly kind: 'unreachable'; readonly reason: string };

export type ObjectInfo = { readonly type: ObjectType; readonly size: number };

export type GitObject = ObjectInfo & { readonly bytes: Uint8Array };

export interface GitObjects {
  /** Undefined when the object is not here. */
  info(id: ObjectId): Promise<ObjectInfo | undefined>;
  /** Throws `git-object-missing`, `git-object-too-large` (more bytes than `limit`) or `git-object-corrupt`. */
  read(id: ObjectId, limit: number): Promise<GitObject>;
  /** A blob's bytes as they come; throws `git-object-corrupt` at the end when they do not fit the id. */
  stream(id: ObjectId): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export interface GitFetcher {
  /** Fetches one tag and the one commit it names, with its files and without its history. */
  fetchTag(address: string, tag: string): Promise<FetchOutcome>;
  /** What was fetched from an address until now. Close it. */
  open(address: string): Promise<GitObjects>;
}

/** A directory as a commit of it would have it now. */
export type WorkingTree = {
  readonly tree: ObjectId;
  /** Those of its repository, and what is new. Close them. */
  readonly objects: GitObjects;
  /** What the name of a tag points at; always undefined where there is no repository. */
  readonly findTag: (name: string) => Promise<ObjectId | undefined>;
};
