/**
 * A rebuild that was asked for: found, built by workers, compared, recorded once. Whatever ends the server in between,
 * the same function goes on: what was built is found again by `runOnWorkers`.
 */
import { cancelJob, liveJobsOfRebuild } from '../build/mod.ts';
import type { Db } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import { describeError, SheafError } from '../kit/error.ts';
import type { JobId } from '../model/job.ts';
import type { RebuildResult } from '../model/rebuild.ts';
import { describeRebuild, finishTask, giveUpTask, putTaskOff, tellTask, type RebuildTask } from '../rebuild/mod.ts';
import { runOnWorkers, type OnWorkersDeps, type Wakes } from './rebuild-on-workers.ts';
import { findPublished } from './rebuild-original.ts';
import type { PlanHouse } from './rebuild-plan.ts';
import { describeEvent, rebuild, type RebuildDeps, type RebuildEvent, type Rebuilt } from './rebuild.ts';

export type RebuildTaskDeps = Pick<
  RebuildDeps,
  'limits' | 'compilers' | 'headers' | 'readFacts' | 'compare' | 'clock' | 'blobs'
> &
  Pick<OnWorkersDeps, 'db' | 'distribution' | 'attempts'> & {
    readonly house: PlanHouse;
    /** Log and difference as blobs, named by the result. */
    readonly keepDocuments: (rebuilt: Rebuilt) => Promise<RebuildResult>;
    /** Signs and records in the transaction; answers the rebuild's id. */
    readonly record: (db: Db, result: RebuildResult, task: RebuildTask, job: JobId | undefined) => Promise<number>;
  };

/** A task that was begun so often and did not come to an end is given up. */
const mostAttempts = 5;
/** What is unknown because something could not be fetched or solved may be known later: so often it is looked at. */
const mostLooks = 3;

/**
 * Works on a task that is running until it has ended or is put off. Throws when `signal` ends, and what nobody expects,
 * once the task is settled.
 */
export async function runRebuildTask(
  deps: RebuildTaskDeps,
  task: RebuildTask,
  wakes: Wakes,
  signal: AbortSignal,
): Promise<void> {
  try {
    await work(deps, task, wakes, signal);
  } catch (error) {
    signal.throwIfAborted();
    await settle(deps, task, error);
    if (!(error instanceof SheafError)) throw error;
  }
}

async function work(deps: RebuildTaskDeps, task: RebuildTask, wakes: Wakes, signal: AbortSignal): Promise<void> {
  const { source, version, place, architecture, mode, dependencies, nocheck, plain, experiments } = task;
  const original = await findPublished(deps.house, { name: source, version, from: place }, architecture);
  const originals = original.files.map((file) => file.sha256);
  const jobs: JobId[] = [];
  const run = runOnWorkers({ ...deps, task, originals, wakes, signal, onJob: (job) => void jobs.push(job) });
  const report = (event: RebuildEvent) => void tellTask(deps.db, task.id, describeEvent(event)).catch(() => {});
  const house = { ...deps.house, signal };
  const request = { original, mode, from: dependencies, nocheck, plain, experiments };
  const rebuilt = await rebuild({ ...deps, house, run, report, signal }, request);
  const { verdict, reason } = rebuilt.result;
  if (verdict === 'unknown' && rebuilt.logs.length === 0 && task.attempts < mostLooks) {
    throw new SheafError('not-yet-known', reason ?? 'It is not known what to build', { kind: 'environment' });
  }
  await record(deps, task, await deps.keepDocuments(rebuilt), jobs[0]);
}

/** With the end of the task, in one transaction. */
async function record(
  deps: RebuildTaskDeps,
  task: RebuildTask,
  result: RebuildResult,
  job: JobId | undefined,
): Promise<void> {
  await inTransaction(deps.db, async (trx) => {
    const id = await deps.record(trx, result, task, job);
    if (await finishTask(trx, task.id, id, describeRebuild(result), deps.clock.now())) return;
    throw new SheafError('task-ended', `Cannot record the rebuild of ${task.source}: task ${task.id} was cancelled`);
  });
}

async function settle(deps: RebuildTaskDeps, task: RebuildTask, error: unknown): Promise<void> {
  const { db, clock, distribution } = deps;
  const reason = describeError(error);
  const code = error instanceof SheafError ? error.code : undefined;
  if (code === 'no-pool') return putTaskOff(db, task.id, reason, 'workers');
  const isFinal = error instanceof SheafError && (error.kind === 'usage' || code === 'job-cancelled');
  if (isFinal || task.attempts >= mostAttempts) {
    return giveUpTask({ db, distribution, now: clock.now }, task.id, reason);
  }
  const pause = Math.min(longestPause, shortestPause * 2 ** (task.attempts - 1));
  await putTaskOff(db, task.id, `Waits for another try: ${reason}`, new Date(clock.now().getTime() + pause));
}

/** Jobs have pauses of their own: what reaches a task lasts longer. */
const shortestPause = 60_000;
const longestPause = 3_600_000;

/** Ends a task and its jobs because a person wants it so; one that has ended stays as it is. */
export async function cancelRebuildTask(
  deps: Pick<RebuildTaskDeps, 'db' | 'clock' | 'distribution'>,
  id: number,
  actor: string,
): Promise<void> {
  const { db, clock, distribution } = deps;
  await giveUpTask({ db, distribution, now: clock.now }, id, `Cancelled by ${actor}`, actor);
  for (const job of await liveJobsOfRebuild(db, id)) await cancelJob(db, job, actor, clock.now(), distribution);
}
