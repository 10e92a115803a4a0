/** Looking for new versions of upstreams. */
import { followUpstream, type FollowProgress, type FollowReport } from '../../../flows/follow-upstream.ts';
import { formatSize } from '../../../kit/bytes.ts';
import { SheafError } from '../../../kit/error.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { interruptible } from '../interrupt.ts';
import { startProgress } from '../progress.ts';
import { style } from '../style.ts';
import { formatTable, text } from '../table.ts';
import { findUpstream } from './find.ts';
import { count, formatChanges, formatSnapshotTime } from './words.ts';

export type UpdateReport = FollowReport & { readonly upstream: string };

export type UpdateOptions = {
  readonly suite?: readonly string[] | undefined;
  readonly trustClock?: true | undefined;
  readonly json: boolean;
};

/** One after the other, so that no server is asked too much. Throws `unknown-upstream`, `unknown-suite`. */
export async function updateUpstreams(
  house: Pick<House, 'distribution' | 'follow'>,
  names: readonly string[],
  { suite, json, trustClock }: UpdateOptions,
): Promise<UpdateReport[]> {
  const all = [...house.distribution.upstreams.values()];
  const chosen = names.length === 0 ? all : [...new Set(names)].map((name) => findUpstream(house, name));
  const plans = chosen.map((upstream) => {
    const suites = suite === undefined ? upstream.suites : upstream.suites.filter((each) => suite.includes(each));
    return { upstream, suites };
  });
  const unknown = suite?.find((each) => !plans.some(({ suites }) => suites.includes(each)));
  if (unknown !== undefined) {
    throw new SheafError(
      'unknown-suite',
      `Cannot find suite "${unknown}" of ${chosen.map(({ name }) => name).join(', ')}`,
      {
        kind: 'usage',
        hint: `Those that are followed: ${chosen.flatMap(({ name, suites }) => suites.map((each) => `${name}/${each}`)).join(', ')}`,
      },
    );
  }
  const progress = startProgress({ json, unit: 'bytes' });
  try {
    return await interruptible(async (signal) => {
      const reports: UpdateReport[] = [];
      for (const { upstream, suites } of plans.filter((plan) => plan.suites.length > 0)) {
        const found = await followUpstream(house.follow, upstream, {
          suites,
          signal,
          ...(trustClock === true ? { trustClock } : {}),
          onProgress: (now) => showProgress(progress.at, upstream.name, now),
        });
        reports.push(...found.map((report) => ({ ...report, upstream: upstream.name })));
      }
      return reports;
    });
  } finally {
    progress.end();
  }
}

function showProgress(
  at: (text: string, done?: number, total?: number) => void,
  upstream: string,
  now: FollowProgress,
) {
  const suite = `${upstream}/${now.suite}`;
  if (now.phase === 'waiting') at(`${suite}: waiting for the mirror, or for another process`);
  else if (now.phase === 'release') at(`${suite}: Release file`);
  else if (now.phase === 'recording') at(`${suite}: writing down what is where`);
  else at(`${suite}: indexes`, now.done, now.total);
}

export function formatReports(reports: readonly UpdateReport[]): string[] {
  const alarms = reports.flatMap((report) => report.alarms);
  return [
    ...formatTable(reports, [
      text('suite', (row) => `${row.upstream}/${row.suite}`),
      { title: 'outcome', cell: (row) => style(colours[row.outcome], row.outcome) },
      text('version of', (row) => formatSnapshotTime(row.snapshotId)),
      text('fetched', (row) => formatSize(row.bytes)),
      { title: 'what came of it', cell: (row) => clean(formatChanges(row.changes) ?? row.message) },
    ]),
    ...formatAlarms(alarms),
  ];
}

const colours = { new: 'green', unchanged: 'dim', refused: 'red', failed: 'red' } as const;
const mostAlarms = 20;

/** Versions that were seen with two files: somebody changed what must never change. */
export function formatAlarms(alarms: FollowReport['alarms']): string[] {
  if (alarms.length === 0) return [];
  return [
    '',
    style('red', `ALARM: ${count(alarms.length, 'version')} with other bytes than before:`),
    ...alarms
      .slice(0, mostAlarms)
      .map(({ name, version, architecture }) =>
        clean(`  ${name} ${version} ${architecture}: sheaf package history ${name} ${version}`),
      ),
    ...(alarms.length > mostAlarms ? [`  and ${alarms.length - mostAlarms} more`] : []),
  ];
}
