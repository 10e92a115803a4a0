/** One upstream: what is followed, its snapshots, the last looks at it. */
import { indexesAt, listSnapshots, type IndexAt, type SnapshotView } from '../../../history/mod.ts';
import { formatSize } from '../../../kit/bytes.ts';
import { formatDuration } from '../../../kit/duration.ts';
import type { Upstream } from '../../../model/distribution.ts';
import { listChecks, type UpstreamCheck } from '../../../sync/mod.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { formatTime } from '../output.ts';
import { style } from '../style.ts';
import { formatFields, formatTable, text } from '../table.ts';
import { findSuites, findUpstream } from './find.ts';
import { count, formatChanges, formatSnapshotTime } from './words.ts';

export type UpstreamDocument = {
  readonly upstream: Upstream;
  readonly suites: readonly SuiteDocument[];
};

type SuiteDocument = {
  readonly suite: string;
  /** As of the newest snapshot. */
  readonly indexes: readonly IndexAt[];
  /** Newest first. */
  readonly snapshots: readonly SnapshotView[];
  readonly checks: readonly UpstreamCheck[];
};

const lastChecks = 5;

/** Throws `unknown-upstream`, `unknown-suite`. */
export async function readUpstream(
  house: Pick<House, 'db' | 'distribution'>,
  name: string,
  options: { readonly suite?: string | undefined; readonly limit: number },
): Promise<UpstreamDocument> {
  const { db } = house;
  const upstream = findUpstream(house, name);
  const suites = findSuites(upstream, options.suite === undefined ? undefined : [options.suite]);
  return {
    upstream,
    suites: await Promise.all(
      suites.map(async (suite): Promise<SuiteDocument> => {
        const ref = { origin: name, suite };
        const [snapshots, checks] = await Promise.all([
          listSnapshots(db, ref, { limit: options.limit }),
          listChecks(db, { upstream: name, suite, limit: lastChecks }),
        ]);
        const newest = snapshots[0];
        return { suite, snapshots, checks, indexes: newest === undefined ? [] : await indexesAt(db, newest) };
      }),
    ),
  };
}

export function formatUpstream({ upstream, suites }: UpstreamDocument): string[] {
  const also = [
    upstream.sources ? 'sources' : undefined,
    upstream.contents ? 'contents' : undefined,
    ...upstream.translations.map((language) => `translations (${language})`),
  ].filter((part) => part !== undefined);
  return [
    `${style('bold', upstream.name)}: ${clean(upstream.url)}`,
    '',
    ...formatFields([
      ['suites', upstream.suites.join(' ')],
      ['components', upstream.components.join(' ')],
      ['architectures', upstream.architectures.join(' ')],
      ['also', also.length === 0 ? undefined : also.join(', ')],
      ['keyring', upstream.keyring],
      ['expired', upstream.expired === 'accept' ? 'accepted: the archive is frozen' : undefined],
      ['looked at', upstream.every === undefined ? 'only when asked' : `every ${formatDuration(upstream.every)}`],
    ]),
    ...suites.flatMap((suite) => ['', ...formatSuite(upstream, suite)]),
  ];
}

function formatSuite({ name }: Upstream, { suite, indexes, snapshots, checks }: SuiteDocument): string[] {
  const size = indexes.reduce((sum, each) => sum + each.size, 0);
  return [
    style('bold', `${name}/${suite}`),
    ...(snapshots.length === 0 ? [`No snapshot yet: sheaf upstream update ${name}`] : []),
    ...(indexes.length === 0
      ? []
      : formatFields([
          [
            `${count(indexes.length, 'index', 'indexes')}, ${formatSize(size)}`,
            indexes.map(({ path }) => path).join(' '),
          ],
        ])),
    ...(snapshots.length === 0 ? [] : ['', ...formatSnapshots(snapshots)]),
    ...(checks.length === 0 ? [] : ['', ...formatChecks(checks)]),
  ];
}

function formatSnapshots(snapshots: readonly SnapshotView[]): string[] {
  return formatTable(snapshots, [
    text('snapshot', (row) => row.snapshotId),
    text('dated', (row) => formatSnapshotTime(row.snapshotId)),
    text('seen', (row) => formatTime(row.seenAt)),
    text('valid until', (row) => formatTime(row.validUntil)),
    text('vouched for by', (row) => (row.signedBy.length === 0 ? 'nobody' : row.signedBy.map(shortKey).join(' '))),
    text('changes', (row) => formatChanges(row.changes) ?? 'the first'),
  ]);
}

/** The key id: the last 16 digits. */
function shortKey(fingerprint: string): string {
  return fingerprint.slice(-16);
}

function formatChecks(checks: readonly UpstreamCheck[]): string[] {
  return formatTable(checks, [
    text('looked at', (row) => formatTime(row.finishedAt)),
    text('fetched', (row) => formatSize(row.bytes)),
    {
      title: 'what came of it',
      cell: (row) =>
        row.outcome === 'refused' || row.outcome === 'failed'
          ? `${style('red', row.outcome)}: ${clean(row.message)}`
          : clean(row.message),
    },
  ]);
}
