/** All followed suites at a glance. */
import { listTrackedSuites } from '../../../history/mod.ts';
import type { SnapshotId } from '../../../model/names.ts';
import { listChecks, type UpstreamCheck } from '../../../sync/mod.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { formatTime } from '../output.ts';
import { style } from '../style.ts';
import { formatTable, text } from '../table.ts';
import { formatSnapshotTime } from './words.ts';

export type FollowedSuite = {
  readonly upstream: string;
  readonly suite: string;
  /** Absent where it was once followed and no longer stands in sheaf.toml. */
  readonly url?: string;
  readonly codename?: string | undefined;
  readonly snapshotId?: SnapshotId;
  readonly snapshots: number;
  readonly binaries: number;
  readonly sources: number;
  /** Of the last look at it. */
  readonly checkedAt?: Date;
  readonly outcome?: UpstreamCheck['outcome'];
  readonly code?: string | undefined;
  readonly message?: string;
};

/** In the order of sheaf.toml; what is only in the history comes last. */
export async function listUpstreams({
  db,
  distribution,
}: Pick<House, 'db' | 'distribution'>): Promise<FollowedSuite[]> {
  const tracked = (await listTrackedSuites(db)).filter(({ origin }) => origin !== '');
  const keyOf = (origin: string, suite: string) => `${origin}/${suite}`;
  const known = new Map(tracked.map((each) => [keyOf(each.origin, each.suite), each]));
  const named = [...distribution.upstreams.values()].flatMap(({ name, url, suites }) =>
    suites.map((suite) => ({ upstream: name as string, suite, url })),
  );
  const keys = new Set(named.map(({ upstream, suite }) => keyOf(upstream, suite)));
  const former = tracked
    .filter(({ origin, suite }) => !keys.has(keyOf(origin, suite)))
    .map(({ origin, suite }) => ({ upstream: origin, suite }));
  return Promise.all(
    [...named, ...former].map(async (each): Promise<FollowedSuite> => {
      const found = known.get(keyOf(each.upstream, each.suite));
      const [check] = await listChecks(db, { upstream: each.upstream, suite: each.suite, limit: 1 });
      return {
        ...each,
        ...(found === undefined ? {} : { codename: found.codename, snapshotId: found.newest }),
        ...{ snapshots: found?.snapshots ?? 0, binaries: found?.binaries ?? 0, sources: found?.sources ?? 0 },
        ...(check === undefined
          ? {}
          : { checkedAt: check.finishedAt, outcome: check.outcome, code: check.code, message: check.message }),
      };
    }),
  );
}

export function formatUpstreams(suites: readonly FollowedSuite[]): string[] {
  if (suites.length === 0) return ['No upstream is followed. Add one with: sheaf upstream add NAME URL --suite SUITE'];
  return formatTable(suites, [
    text('upstream', (row) => `${row.upstream}/${row.suite}`),
    text('newest', (row) => formatSnapshotTime(row.snapshotId)),
    text('snapshots', (row) => row.snapshots),
    text('binaries', (row) => row.binaries),
    text('sources', (row) => row.sources),
    text('checked', (row) => formatTime(row.checkedAt)),
    { title: 'last look', cell: formatLast },
  ]);
}

function formatLast(row: FollowedSuite): string {
  if (row.url === undefined) return style('dim', 'not in sheaf.toml any more');
  if (row.outcome === undefined) return `never looked at: sheaf upstream update ${row.upstream}`;
  const message = clean(row.message ?? row.outcome);
  return row.outcome === 'refused' || row.outcome === 'failed' ? style('red', message) : message;
}
