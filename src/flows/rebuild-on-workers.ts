/**
 * Builds of a rebuild as jobs of the ordinary workers. A job is found again by what it builds, so that a server that was
 * killed goes on with the jobs that ran or run already.
 */
import {
  addRebuildJob,
  moveJob,
  readLog,
  retryJob,
  setRebuildJobAside,
  showJob,
  type JobAttempt,
  type JobDetails,
  type Notifying,
} from '../build/mod.ts';
import type { Db } from '../db/connect.ts';
import type { Clock } from '../kit/clock.ts';
import type { Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { BuildSpec, JobId } from '../model/job.ts';
import type { Label } from '../model/names.ts';
import type { Blobs } from '../plumbing/blobs.ts';
import { choosePools, readPools, type RebuildTask } from '../rebuild/mod.ts';
import { keyOfBuild, type Built, type BuiltFile, type RunBuild } from './rebuild.ts';

/** Tells when something may have happened; a wake-up that comes between looking and waiting is not lost. */
export type Wakes = {
  readonly count: () => number;
  /** Resolves once there were more than `count`. Throws when `signal` ends. */
  readonly beyond: (count: number, signal: AbortSignal) => Promise<void>;
};

export type OnWorkersDeps = {
  readonly db: Db;
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly distribution: Notifying;
  /** Most attempts of a job. */
  readonly attempts: number;
  readonly task: Pick<RebuildTask, 'id' | 'suite' | 'askedBy' | 'priority'>;
  /** The published files: whose pool built one of them has no part in it. */
  readonly originals: readonly Sha256[];
  readonly wakes: Wakes;
  readonly onJob: (job: JobId) => void;
  readonly signal: AbortSignal;
};

/**
 * Throws `no-pool` when no worker may do it, `job-cancelled` when a person has cancelled it, and `build-interrupted` for
 * a failure that is not the package's: the job can be tried again later.
 */
export function runOnWorkers(deps: OnWorkersDeps): RunBuild {
  const asked = new Set<JobId>();
  return async (spec, round) => {
    const job = await ask(deps, spec, round);
    deps.onJob(job);
    // What failed passingly before this run is tried once more; what does so now ends the run.
    const before = asked.has(job) ? undefined : await showJob(deps.db, job);
    asked.add(job);
    if (before?.state === 'Failed') {
      const why = 'its rebuild goes on';
      await retryJob(deps.db, job, deps.attempts, deps.clock.now(), deps.distribution, why);
    }
    const done = await ended(deps, job);
    await refuseBuilder(deps, done);
    return toBuilt(deps, done);
  };
}

async function ask(deps: OnWorkersDeps, spec: BuildSpec, round: number): Promise<JobId> {
  const { db, task, clock, distribution, attempts } = deps;
  const [pool] = await poolsFor(deps, spec.architecture);
  const origin = { rebuild: task.id, place: task.suite, signer: task.askedBy.slice(0, 200) };
  const job = {
    ...{ task: task.id, key: keyOfBuild(spec, round), pool, priority: task.priority },
    ...{ spec: { ...spec, origin }, maxAttempts: attempts },
  };
  return addRebuildJob(db, job, clock.now(), distribution);
}

async function poolsFor({ db, originals }: OnWorkersDeps, architecture: string): Promise<readonly [Label, ...Label[]]> {
  const choice = choosePools(await readPools(db, architecture, originals), architecture);
  if (choice.kind === 'pools') return choice.pools;
  throw new SheafError('no-pool', choice.reason, { kind: 'environment' });
}

async function ended(deps: OnWorkersDeps, id: JobId): Promise<JobDetails> {
  for (;;) {
    deps.signal.throwIfAborted();
    const count = deps.wakes.count();
    const job = (await showJob(deps.db, id))!;
    if (job.state !== 'Needs-Build' && job.state !== 'Building') return job;
    if (job.state === 'Needs-Build') await keepPool(deps, job);
    await deps.wakes.beyond(count, deps.signal);
  }
}

/** A pool whose last worker has gone builds nothing any more. */
async function keepPool(deps: OnWorkersDeps, job: JobDetails): Promise<void> {
  const pools = await poolsFor(deps, job.architecture);
  if (!pools.some((pool) => pool === job.pool)) await moveJob(deps.db, job.id, pools[0]);
}

/** While the job waited, who built the original may have been moved into its pool. */
async function refuseBuilder({ db, originals }: OnWorkersDeps, { id, pool, architecture }: JobDetails): Promise<void> {
  const { builders } = await readPools(db, architecture, originals);
  if (!builders.includes(pool)) return;
  await setRebuildJobAside(db, id);
  throw new SheafError('build-interrupted', `Cannot use job ${id}: by now pool ${pool} has who built the original`, {
    kind: 'environment',
  });
}

async function toBuilt(deps: OnWorkersDeps, job: JobDetails): Promise<Built> {
  const what = `job ${job.id} of the rebuild`;
  if (job.state === 'Cancelled') throw new SheafError('job-cancelled', `Cannot go on: ${what} was cancelled`);
  if (job.state === 'Failed') {
    throw new SheafError('build-interrupted', `Cannot go on: ${what} failed: ${job.reason}`, { kind: 'environment' });
  }
  const attempt = job.attempts.at(-1)!;
  const about = { seconds: secondsOf(attempt), log: await keepLog(deps, job.id, attempt.number) };
  if (job.state === 'Build-Attempted') return { outcome: 'failed', reason: job.reason, ...about };
  const files: BuiltFile[] = [];
  for (const file of attempt.files) files.push({ ...file, path: await deps.blobs.bring(file.sha256) });
  return { outcome: 'built', files, ...about };
}

function secondsOf({ startedAt, finishedAt }: JobAttempt): number {
  return finishedAt === undefined ? 0 : Math.round((finishedAt.getTime() - startedAt.getTime()) / 100) / 10;
}

/** As a blob, whose path is given. */
async function keepLog({ db, blobs }: OnWorkersDeps, job: JobId, attempt: number): Promise<string> {
  const { sha256: digest } = await blobs.put(logOf(db, job, attempt));
  return blobs.bring(digest);
}

async function* logOf(db: Db, job: JobId, attempt: number): AsyncGenerator<Uint8Array> {
  for (let position = 0; ;) {
    const part = await readLog(db, job, { attempt, position });
    if (part === undefined || part.bytes.length === 0) return;
    yield part.bytes;
    position = part.next;
  }
}
