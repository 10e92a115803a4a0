/** The distribution at a glance. */
import { listRefusals, listWorkers, overview } from '../../../tracker/mod.ts';
import type { MovingTagBuild, Overview, SuiteView, TagBuildView, WorkerView } from '../../../tracker/mod.ts';
import { listUnheard, type Unheard } from '../../../notify/mod.ts';
import { countTasks, type TaskCounts } from '../../../rebuild/mod.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { formatTime } from '../output.ts';
import { style, styleState } from '../style.ts';
import { formatSuites, readSuites } from '../suite/show.ts';
import { formatTable, text } from '../table.ts';
import { formatWorkers } from '../worker/list.ts';

export type StatusDocument = Pick<Overview, 'moving' | 'stuck' | 'waiting'> & {
  readonly name: string;
  readonly url: string;
  readonly refusals: readonly TagBuildView[];
  readonly suites: readonly SuiteView[];
  readonly workers: readonly WorkerView[];
  /** How many rebuilds the workers are still to make. */
  readonly rebuilds: readonly (TaskCounts & { readonly suite: string })[];
  readonly unheard: readonly Unheard[];
};

const newestRefusals = 5;

export async function readStatus(house: House): Promise<StatusDocument> {
  const { db, distribution, clock } = house;
  const now = clock.now();
  const [{ moving, stuck, waiting }, refusals, suites, workers, tasks, unheard] = await Promise.all([
    overview(db, now),
    listRefusals(db, { limit: newestRefusals }),
    readSuites(house),
    listWorkers(db, now),
    countTasks(db),
    listUnheard(db, [...distribution.notifiers.keys()]),
  ]);
  const { name, url } = distribution;
  const rebuilds = [...tasks].map(([suite, counts]) => ({ suite, ...counts }));
  return { name, url, moving, stuck, waiting, refusals: refusals.items, suites, workers, rebuilds, unheard };
}

export function formatStatus(status: StatusDocument): string[] {
  return [
    `${style('bold', clean(status.name))}  ${status.url}`,
    ...section('Moving', formatMoving(status.moving), 'Nothing is moving.'),
    ...section('Stuck', formatMoving(status.stuck)),
    ...section('Newest refusals', formatRefusals(status.refusals)),
    ...section('Suites', formatSuites(status.suites)),
    ...section('Rebuilds', status.rebuilds.map(formatRebuilds)),
    ...section('Workers', formatWorkers(status.workers), 'No worker yet: sheaf worker token'),
    ...section('Notifiers that are not heard', formatUnheard(status.unheard)),
  ];
}

function formatRebuilds({ suite, waiting, running }: StatusDocument['rebuilds'][number]): string {
  return clean(`${suite}: ${waiting} waiting, ${running} being made`);
}

function formatUnheard(unheard: readonly Unheard[]): string[] {
  if (unheard.length === 0) return [];
  return formatTable(unheard, [
    text('notifier', (row) => row.notifier),
    { title: 'waiting', cell: (row) => String(row.waiting) },
    { title: 'given up', cell: (row) => String(row.givenUp) },
    text('next', (row) => formatTime(row.next ?? undefined)),
    text('why', (row) => row.error),
  ]);
}

function section(title: string, lines: readonly string[], instead?: string): string[] {
  if (lines.length === 0) return instead === undefined ? [] : ['', instead];
  return ['', style('bold', title), ...lines.map((line) => `  ${line}`)];
}

function formatMoving(tagBuilds: readonly MovingTagBuild[]): string[] {
  if (tagBuilds.length === 0) return [];
  const rows = tagBuilds.flatMap((each) => [
    ...(each.jobs.length === 0 || each.obstacle !== undefined
      ? [{ ...each, job: '-', shown: each.state as string, why: each.sentence }]
      : []),
    ...each.jobs.map((job) => ({ ...each, job: String(job.id), shown: job.state as string, why: job.sentence })),
  ]);
  return formatTable(rows, [
    text('tag', (row) => row.tag),
    text('source', (row) => row.source),
    text('suite', (row) => row.suite),
    text('job', (row) => row.job),
    { title: 'state', cell: (row) => styleState(row.shown) },
    text('why', (row) => row.why),
  ]);
}

function formatRefusals(refusals: readonly TagBuildView[]): string[] {
  if (refusals.length === 0) return [];
  return formatTable(refusals, [
    text('when', (row) => formatTime(row.receivedAt)),
    text('tag', (row) => row.tag),
    text('repository', (row) => row.repository),
    text('why', (row) => row.refusals.map(({ code }) => code).join(', ')),
  ]);
}
