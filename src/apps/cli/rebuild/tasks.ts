/** Rebuilds that the server has the workers make: asked for, listed, called off. */
import { setTimeout as sleep } from 'node:timers/promises';

import { usualPriority } from '../../../flows/ask-for-rebuilds.ts';
import { recordPublications } from '../../../flows/record-publication.ts';
import { cancelRebuildTask } from '../../../flows/rebuild-task.ts';
import { locate } from '../../../history/mod.ts';
import { SheafError } from '../../../kit/error.ts';
import { formatSnapshotRef, formatSuiteRef } from '../../../model/index-history.ts';
import {
  addTasks,
  findTask,
  listTasks,
  viewTask,
  type RebuildTaskView,
  type TaskFilters,
} from '../../../rebuild/mod.ts';
import { nativeArchitecture } from '../../../plumbing/native-architecture.ts';
import type { House } from '../../house.ts';
import { commandLineActor } from '../actor.ts';
import { clean } from '../clean.ts';
import type { Progress } from '../progress.ts';
import { styleState } from '../style.ts';
import { formatTable, text } from '../table.ts';
import { formatUnmatched, noPlace, selectFrom, type QueueFlags } from './queue.ts';

export type AskFlags = QueueFlags & { readonly priority?: number | undefined };

export type AskedTasks = {
  readonly place: string;
  /** Names and patterns that no source package fits. */
  readonly unmatched: readonly string[];
  readonly tasks: readonly RebuildTaskView[];
};

/** One task for each source package that fits; what is asked for already is not asked for twice. */
export async function askWorkers(house: House, patterns: readonly string[], flags: AskFlags): Promise<AskedTasks> {
  const [from, ...rest] = flags.from;
  if (from === undefined) throw noPlace();
  await recordPublications(house.publications);
  const { db, distribution, clock } = house;
  const ref = await locate({ db, distribution }, from);
  const place = formatSnapshotRef(ref);
  const architecture = flags.arch ?? nativeArchitecture();
  const { selected, unmatched } = await selectFrom(house, ref, patterns, flags);
  const { mode, nocheck, plain, experiments, priority = usualPriority } = flags;
  const how = { mode, nocheck: nocheck === true, plain: plain === true, experiments, priority, architecture };
  const where = { suite: formatSuiteRef(ref), place, dependencies: rest.length === 0 ? [] : [place, ...rest] };
  const asked = selected.map(({ source, version }) => ({ source, version, ...how, ...where }));
  const tasks = await addTasks({ db, distribution, now: clock.now }, asked, commandLineActor());
  return { place, unmatched, tasks: tasks.map(viewTask) };
}

/** Answers the tasks when all have ended. */
export async function waitForTasks(
  { db }: Pick<House, 'db'>,
  { place, unmatched, tasks }: AskedTasks,
  progress: Progress,
  signal: AbortSignal,
): Promise<AskedTasks> {
  const ids = tasks.map(({ id }) => id);
  for (;;) {
    signal.throwIfAborted();
    const now = await listTasks(db, { ids }, ids.length);
    const open = now.filter(({ state }) => state === 'waiting' || state === 'running');
    if (open.length === 0) return { place, unmatched, tasks: now.map(viewTask) };
    const shown = open.find(({ state }) => state === 'running') ?? open[0]!;
    progress.at(`${now.length - open.length} of ${now.length}; ${shown.source}: ${shown.reason}`);
    await sleep(500, undefined, { signal });
  }
}

export async function listWaiting({ db }: Pick<House, 'db'>, filters: TaskFilters, limit: number) {
  return { tasks: (await listTasks(db, filters, limit)).map(viewTask) };
}

/** Throws `no-such-task`, `wrong-task-state`. */
export async function cancelTask(house: House, id: number): Promise<RebuildTaskView> {
  const { db } = house;
  const { state } = await findTask(db, id);
  if (state === 'done' || state === 'given-up') {
    throw new SheafError('wrong-task-state', `Cannot cancel rebuild task ${id}: it has ended`);
  }
  await cancelRebuildTask(house, id, commandLineActor());
  return viewTask(await findTask(db, id));
}

export function formatTasks(tasks: readonly RebuildTaskView[]): string[] {
  return tasks.length === 0 ? ['No rebuild waits for the workers.'] : formatTable(tasks, columns);
}

export function formatEnded({ unmatched, tasks }: AskedTasks): string[] {
  return [...formatTasks(tasks), ...formatUnmatched(unmatched)];
}

export function formatAsked({ place, unmatched, tasks }: AskedTasks): string[] {
  if (tasks.length === 0) return [clean(`Nothing of ${place} fits.`)];
  return [
    ...formatTable(tasks, columns),
    '',
    'The server has its workers make them: sheaf rebuild list --waiting',
    ...formatUnmatched(unmatched),
  ];
}

const columns = [
  text<RebuildTaskView>('task', ({ id }) => id),
  text<RebuildTaskView>('source', ({ source }) => source),
  text<RebuildTaskView>('version', ({ version }) => version),
  text<RebuildTaskView>('architecture', ({ architecture }) => architecture),
  text<RebuildTaskView>('place', ({ suite }) => suite),
  { title: 'state', cell: (row: RebuildTaskView) => styleState(row.verdict ?? row.state) },
  text<RebuildTaskView>('why', ({ reason }) => reason),
];
