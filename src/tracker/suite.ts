/** Suites: what is in them now, and every snapshot they were published as. */
import { limitOf, numberAfter, toPage, type Page, type PageRequest } from './page.ts';
import * as store from './store.ts';
import type { Db, SnapshotRow } from './store.ts';
import { compareVersions } from '../formats/deb/version.ts';
import { order } from '../kit/order.ts';
import { hasPlaceFor, type Suite } from '../model/distribution.ts';
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
  /** By sheaf.toml or by a person. */
  readonly frozen: boolean;
  /** Since when, by whom and why, when a person has frozen it. */
  readonly freeze: { readonly since: Date; readonly by: string; readonly reason: string | undefined } | undefined;
  /** From then on it is neither published nor renewed. */
  readonly endOfLife: Date | undefined;
  /** Which versions of a package its indexes list. */
  readonly versions: 'latest' | 'all';
  readonly sources: number;
  readonly binaries: number;
  readonly snapshot: SnapshotView | undefined;
  /** One plain sentence: how it is now. */
  readonly sentence: string;
};

export type SuitePackageView = {
  readonly name: string;
  /** The highest that is there. */
  readonly version: string;
  readonly component: string;
  readonly state: 'PENDING' | 'PUBLISHED';
  readonly publishedAt: Date | undefined;
  readonly firstSnapshot: number | undefined;
  /** All that are there, the highest first. */
  readonly versions: readonly string[];
  /** Of all these versions. */
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
  const [counts, snapshots, freezes] = await Promise.all([
    store.countSuitePackages(db),
    store.readNewestSnapshots(db),
    store.readFreezes(db),
  ]);
  return [...suites].map((suite) => {
    const own = counts.filter((row) => row.suite === suite.name);
    const listed = own.filter(({ component }) => component !== null && suite.components.includes(component));
    const row = snapshots.find((snapshot) => snapshot.suite === suite.name);
    const snapshot = row === undefined ? undefined : viewSnapshot(row);
    const freeze = freezes.get(suite.name);
    const frozen = suite.frozen || freeze !== undefined;
    return {
      name: suite.name,
      repository: suite.repository,
      codename: suite.codename,
      description: suite.description,
      upstream: suite.upstream,
      components: suite.components,
      architectures: suite.architectures,
      frozen,
      freeze,
      endOfLife: suite.endOfLife,
      versions: suite.versions ?? 'latest',
      sources: sum(listed.map(({ sources }) => sources)),
      // Published ones as the snapshot counts them: those that its indexes have.
      binaries: (snapshot?.packages ?? 0) + sum(own.map(({ pendingBinaries }) => pendingBinaries)),
      snapshot,
      sentence: suiteSentence(suite, frozen, snapshot, sum(own.map(({ pending }) => pending)), now),
    };
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

function suiteSentence(
  suite: Suite,
  isFrozen: boolean,
  snapshot: SnapshotView | undefined,
  pending: number,
  now: Date,
): string {
  const ended = endSentence(suite, now);
  const waiting = pending === 0 || ended.isOver ? '' : ` ${counted(pending, 'package')} will be in the next snapshot.`;
  const frozen = isFrozen && !ended.isOver ? ' It is frozen: it takes no new packages.' : '';
  if (snapshot === undefined) return `Never published yet.${waiting}${frozen}${ended.sentence}`;
  const until = ended.isOver ? 'apt refuses it' : 'apt will refuse it until it is published again';
  const expired = snapshot.validUntil < now ? ` Its Release has expired: ${until}.` : '';
  return `Published as ${suite.name}@${snapshot.number}.${expired}${waiting}${frozen}${ended.sentence}`;
}

function endSentence({ endOfLife }: Suite, now: Date): { readonly isOver: boolean; readonly sentence: string } {
  if (endOfLife === undefined) return { isOver: false, sentence: '' };
  const date = endOfLife.toISOString().slice(0, 10);
  return endOfLife <= now
    ? { isOver: true, sentence: ` Its life ended on ${date}: it is neither published nor renewed any more.` }
    : { isOver: false, sentence: ` Its life ends on ${date}.` };
}

/** Source packages in a suite, by name, with what was built from them; also those that only their binaries tell of. */
export async function listSuitePackages(
  db: Db,
  suite: Pick<SuiteView, 'name' | 'architectures' | 'components'>,
  request: PageRequest = {},
): Promise<Page<SuitePackageView>> {
  const limit = limitOf(request);
  const here = await store.listSuiteSources(db, suite, request.after, limit + 1);
  const range = { after: request.after, before: here[limit]?.name };
  const missing = await store.listMissingSources(db, suite, range, limit + 1);
  const rows = [...here, ...missing].toSorted((a, b) => order(a.name, b.name));
  const names = rows.slice(0, limit).map((row) => row.name);
  const sources = Map.groupBy(await store.readSuiteSources(db, suite, names), (row) => row.name);
  const binaries = await store.readSuiteBinaries(db, suite.name, names);
  return toPage(
    rows,
    limit,
    (row) => row.name,
    (row) => {
      const built = binaries.filter((binary) => binary.source === row.name);
      const own = built.filter((binary) => hasPlaceFor(suite, binary));
      const known = sources.get(row.name) ?? built.map((binary) => ({ ...row, version: binary.source_version }));
      const versions = known.toSorted((a, b) => compareVersions(b.version, a.version));
      const highest = versions[0] ?? row;
      return {
        name: row.name,
        version: highest.version,
        component: highest.component,
        state: highest.state === 'PENDING' ? 'PENDING' : 'PUBLISHED',
        publishedAt: highest.published_at ?? undefined,
        firstSnapshot: highest.first_snapshot ?? undefined,
        versions: [...new Set(versions.map((each) => each.version))],
        binaries: own.map(({ name, version, architecture, sha256 }) => ({ name, version, architecture, sha256 })),
      };
    },
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
