/** What the web pages are given: they open nothing by themselves. */
import type { CompareOptions, PlaceComparison } from '../../flows/compare-places.ts';
import type { HistoryDeps } from '../../history/mod.ts';
import type { Sha256 } from '../../kit/digest.ts';
import type { Actions } from '../actions.ts';
import type { Distribution } from '../../model/distribution.ts';
import type { CountLocked } from '../../tracker/mod.ts';
import type { Db } from '../../tracker/store.ts';

/** The channels of db/notify.ts that pages are woken by. */
export type WakeUp = 'event' | 'log' | 'tag_build' | 'job_ready';

/** Wake-ups from the database; a lost one costs time, never correctness. */
export type Listen = (
  channels: readonly WakeUp[],
  onMessage: (channel: string, payload: string) => void,
  onReconnect: () => void,
) => Promise<{ readonly close: () => Promise<void> }>;

export type BlobReader = {
  readonly info: (digest: Sha256) => Promise<{ readonly size: number } | undefined>;
  readonly stream: (digest: Sha256) => AsyncIterable<Uint8Array>;
};

/** A key that a repository's Release files are signed with. */
export type ArchiveKey = {
  readonly fingerprint: string;
  readonly created: Date;
  /** From then on it signs no more; undefined: never. */
  readonly expires: Date | undefined;
};

export type ArchiveTexts = {
  readonly keys: (repository: string) => Promise<readonly ArchiveKey[]>;
  /** All of them in one armored block. */
  readonly publicKey: (repository: string) => Promise<string>;
  /** A deb822 stanza for /etc/apt/sources.list.d, with the key inside. */
  readonly aptSources: (suite: string) => Promise<string>;
};

/** How much the store of indexes holds, and what it takes on the disk. */
export type StoreNumbers = {
  readonly indexes: number;
  readonly pieces: number;
  readonly bytes: number;
  readonly rawBytes: number;
};

export type WebDeps = {
  readonly db: Db;
  readonly distribution: Distribution;
  readonly blobs: BlobReader;
  readonly now: () => Date;
  readonly listen: Listen;
  readonly archive: ArchiveTexts;
  readonly countLocked: CountLocked;
  readonly history: HistoryDeps;
  readonly storeNumbers: () => Promise<StoreNumbers>;
  /** Without `a`, what `b` changed of the snapshot before it. Throws `unknown-place`. */
  readonly compare: (a: string | undefined, b: string, options: CompareOptions) => Promise<PlaceComparison>;
  readonly actions: Actions;
  /** Told of errors that a visitor saw only as "internal error". */
  readonly report: (error: unknown) => void;
};
