/** What is moving now. */
import { listEvents, type EventView } from './event.ts';
import { viewJob, type JobView } from './job.ts';
import * as store from './store.ts';
import type { Db } from './store.ts';
import { viewTagBuild, type TagBuildView } from './tag-build.ts';
import { isEnded } from './steps.ts';
import { listWorkers, type WorkerView } from './worker.ts';

export type MovingTagBuild = TagBuildView & { readonly jobs: readonly JobView[] };

export type Overview = {
  /** Under way: received or admitted, and nothing in it has failed. Newest first. */
  readonly moving: readonly MovingTagBuild[];
  /** Admitted, but a job has failed and no newer tag took its place. */
  readonly stuck: readonly MovingTagBuild[];
  readonly running: readonly JobView[];
  readonly waiting: readonly { readonly architecture: string; readonly count: number }[];
  readonly workers: Readonly<Record<WorkerView['activity'], number>>;
  readonly events: readonly EventView[];
};

/** Bounds on what one overview shows. */
const bounds = { tagBuilds: 200, running: 50, events: 20 };

export async function overview(db: Db, now: Date): Promise<Overview> {
  const [open, running, waiting, workers, events] = await Promise.all([
    store.readOpenTagBuilds(db, bounds.tagBuilds),
    store.readRunningJobs(db, bounds.running),
    store.countWaitingJobs(db),
    listWorkers(db, now),
    listEvents(db, {}, { limit: bounds.events }),
  ]);
  const jobs = (
    await store.readJobsOf(
      db,
      open.map((row) => row.id),
    )
  ).map(viewJob);
  const all = open.map((row) => ({ ...viewTagBuild(row, false), jobs: jobs.filter((job) => job.tagBuild === row.id) }));
  const { moving, stuck } = sortOpen(all);
  const newest = await store.readNewestTagBuilds(
    db,
    stuck.flatMap((each) => each.source ?? []),
    ['ACCEPTED', 'DONE'],
  );
  return {
    moving,
    stuck: stuck.filter((each) => newest.some((row) => row.id === each.id)),
    running: running.map(viewJob),
    waiting,
    workers: countActivities(workers),
    events: events.items,
  };
}

/** Pure: a failed job stops its tag build, unless others of its jobs are still under way. */
export function sortOpen<T extends { readonly jobs: readonly JobView[] }>(open: readonly T[]) {
  const isMoving = (each: T) =>
    !each.jobs.some((job) => isEnded(job.state)) ||
    each.jobs.some((job) => ['Needs-Build', 'Building', 'Built'].includes(job.state));
  return { moving: open.filter(isMoving), stuck: open.filter((each) => !isMoving(each)) };
}

function countActivities(workers: readonly WorkerView[]): Record<WorkerView['activity'], number> {
  const counts = { pending: 0, disabled: 0, busy: 0, idle: 0, silent: 0 };
  for (const worker of workers) counts[worker.activity] += 1;
  return counts;
}
