/** The wiring of everything that keeps, follows and compares indexes. */
import { readFile } from 'node:fs/promises';

import { countChanges } from '../compare/mod.ts';
import type { Db } from '../db/connect.ts';
import { ComparisonMemory } from '../flows/compare-memory.ts';
import { comparePlaces } from '../flows/compare-places.ts';
import type { FollowDeps } from '../flows/follow-upstream.ts';
import type { RecordPublicationDeps } from '../flows/record-publication.ts';
import type { CompressedDeps } from '../history/compressed-ports.ts';
import type { HistoryDeps } from '../history/mod.ts';
import type { Clock } from '../kit/clock.ts';
import type { Distribution } from '../model/distribution.ts';
import type { Blobs } from '../plumbing/blobs.ts';
import { changelogReader } from '../plumbing/changelogs.ts';
import { gunzip } from '../plumbing/compression.ts';
import { decompressIndex } from '../plumbing/decompress.ts';
import { encoders } from '../plumbing/history/encoders.ts';
import { openIndexStore, type FileIndexStore } from '../plumbing/history/store.ts';
import { createMirrorClient } from '../plumbing/mirror/client.ts';
import { verifyRelease } from '../plumbing/signature/release.ts';
import { version } from './cli/version.ts';
import type { Paths } from './paths.ts';
import type { WebDeps } from './web/mod.ts';

export type HouseHistory = {
  readonly history: HistoryDeps;
  readonly indexStore: FileIndexStore;
  readonly compressed: CompressedDeps;
  readonly follow: FollowDeps;
  readonly publications: RecordPublicationDeps;
  readonly compare: WebDeps['compare'];
};

type Opened = {
  readonly db: Db;
  readonly distribution: Distribution;
  readonly paths: Paths;
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly signer: RecordPublicationDeps['signer'];
  /** How much of the store is kept decoded: a server answers the same questions again. */
  readonly cacheBytes: number | undefined;
};

export async function openHistory(opened: Opened): Promise<HouseHistory> {
  const { db, distribution, paths, blobs, clock, signer, cacheBytes } = opened;
  const indexStore = await openIndexStore(paths.history, cacheBytes === undefined ? {} : { cacheBytes });
  const history = { db, store: indexStore, countChanges };
  const compressed = { db, store: indexStore, blobs, encoders };
  const mirror = createMirrorClient({
    directory: paths.partial,
    version: version(),
    proxies: process.env,
    now: clock.now,
  });
  const compareDeps = {
    history: { ...history, distribution },
    changelogs: changelogReader(blobs),
    memory: new ComparisonMemory(),
  };
  return {
    history,
    indexStore,
    compressed,
    follow: { ...history, ...compressed, mirror, verifyRelease, decompress: decompressIndex, clock },
    publications: { ...history, directory: paths.archive, readFile: (path) => readFile(path), gunzip, signer },
    compare: (a, b, options) => comparePlaces(compareDeps, a, b, options),
  };
}
