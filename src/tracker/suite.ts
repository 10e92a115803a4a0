/** Suites: what is in them now, and every snapshot they were published as. */
import { limitOf, numberAfter, toPage, type Page, type PageRequest } from './page.ts';
import * as store from './store.ts';
import type { Db, SnapshotRow } from './store.ts';
import type { Suite } from '../model/distribution.ts';
import { counted } from './words.ts';

export type SnapshotView = {
  readonly suite: string;
  readonly repository: string;
  /** Its running number: `stable@142` is number 142. */
  readonly number: number;
  readonly id: string;
  readonly createdAt: Date;
  readonly validUntil: Date;
  readonly inRelease: string | undefined;
  readonly packages: number;
};

export type SuiteView = {
  readonly name: string;
  readonly repository: string;
  readonly codename: string;
  readonly description: string;
  readonly upstream: string;
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly frozen: boolean;
  readonly sources: number;
  readonly binaries: number;
  readonly snapshot: SnapshotView | undefined;
  /** One plain sentence: how it is now. */
  readonly sentence: string;
};

export type SuitePackageView = {
  readonly name: string;
  readonly version: string;
  readonly component: string;
  readonly state: 'PENDING' | 'PUBLISHED';
  readonly publishedAt: Date | undefined;
  readonly firstSnapshot: number | undefined;
  readonly binaries: readonly SuiteBinaryView[];
};

export type SuiteBinaryView = {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly sha256: string;
};

/** In the order of sheaf.toml. */
export async function listSuites(db: Db, suites: Iterable<Suite>, now: Date): Promise<SuiteView[]> {
  const [counts, snapshots] = await Promise.all([store.countSuitePackages(db), store.readNewestSnapshots(db)]);
  return [...suites].map((suite) => {
    const count = counts.find((row) => row.suite === suite.name);
    const row = snapshots.find((snapshot) => snapshot.suite === suite.name);
    const snapshot = row === undefined ? undefined : viewSnapshot(row);
    return {
      name: suite.name,
      repository: suite.repository,
      codename: suite.codename,
      description: suite.description,
      upstream: suite.upstream,
      components: suite.components,
      architectures: suite.architectures,
      frozen: suite.frozen,
      sources: count?.sources ?? 0,
      binaries: count?.binaries ?? 0,
      snapshot,
      sentence: suiteSentence(suite, snapshot, count?.pending ?? 0, now),
    };
  });
}

function suiteSentence(suite: Suite, snapshot: SnapshotView | undefined, pending: number, now: Date): string {
  const waiting = pending === 0 ? '' : ` ${counted(pending, 'package')} will be in the next snapshot.`;
  const frozen = suite.frozen ? ' It is frozen: no tag is admitted.' : '';
  if (snapshot === undefined) return `Never published yet.${waiting}${frozen}`;
  const expired =
    snapshot.validUntil < now ? ' Its Release has expired: apt will refuse it until it is published again.' : '';
  return `Published as ${suite.name}@${snapshot.number}.${expired}${waiting}${frozen}`;
}

/** Source packages in a suite, by name, with what was built from them. */
export async function listSuitePackages(
  db: Db,
  suite: string,
  request: PageRequest = {},
): Promise<Page<SuitePackageView>> {
  const limit = limitOf(request);
  const rows = await store.listSuiteSources(db, suite, request.after, limit + 1);
  const names = rows.slice(0, limit).map((row) => row.name);
  const binaries = await store.readSuiteBinaries(db, suite, names);
  return toPage(
    rows,
    limit,
    (row) => row.name,
    (row) => ({
      name: row.name,
      version: row.version,
      component: row.component,
      state: row.state === 'PENDING' ? 'PENDING' : 'PUBLISHED',
      publishedAt: row.published_at ?? undefined,
      firstSnapshot: row.first_snapshot ?? undefined,
      binaries: binaries
        .filter((binary) => binary.source === row.name)
        .map(({ name, version, architecture, sha256 }) => ({ name, version, architecture, sha256 })),
    }),
  );
}

/** Newest first. */
export async function listSnapshots(db: Db, suite: string, request: PageRequest = {}): Promise<Page<SnapshotView>> {
  const limit = limitOf(request);
  const rows = await store.listSnapshots(db, suite, numberAfter(request), limit + 1);
  return toPage(rows, limit, (row) => row.number, viewSnapshot);
}

function viewSnapshot(row: SnapshotRow): SnapshotView {
  return {
    suite: row.suite,
    repository: row.repository,
    number: row.number,
    id: row.snapshot_id,
    createdAt: row.created_at,
    validUntil: row.valid_until,
    inRelease: row.in_release_sha256 ?? undefined,
    packages: row.packages,
  };
}
