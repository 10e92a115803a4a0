/** Workers: who builds, and what each is doing. */
import { sha256 } from '../kit/digest.ts';
import type { WorkerState } from '../model/job.ts';
import { viewJob, type JobView } from './job.ts';
import * as store from './store.ts';
import type { Db, WorkerRow } from './store.ts';

/** A worker that was not heard of for this long is said to be silent, in milliseconds. */
export const silentAfter = 120_000;

export type WorkerView = {
  readonly name: string;
  readonly state: WorkerState;
  /** `busy` and `idle` only when approved and heard of lately. */
  readonly activity: 'pending' | 'disabled' | 'busy' | 'idle' | 'silent';
  readonly sentence: string;
  readonly architectures: readonly string[];
  readonly pool: string;
  /** SHA-256 of the public key: what the worker prints when it enrols. */
  readonly fingerprint: string;
  readonly enrolledAt: Date;
  readonly lastSeenAt: Date | undefined;
  readonly jobs: readonly JobView[];
};

export async function listWorkers(db: Db, now: Date): Promise<WorkerView[]> {
  const [workers, running] = await Promise.all([store.readWorkers(db), store.readRunningJobs(db, 2000)]);
  return workers.map((row) =>
    viewWorker(
      row,
      running.filter((job) => job.worker === row.name).map((job) => viewJob(job)),
      now,
    ),
  );
}

export function viewWorker(row: WorkerRow, jobs: readonly JobView[], now: Date): WorkerView {
  const heard = row.last_seen_at !== null && now.getTime() - row.last_seen_at.getTime() < silentAfter;
  const activity = row.state !== 'approved' ? row.state : !heard ? 'silent' : jobs.length > 0 ? 'busy' : 'idle';
  return {
    name: row.name,
    state: row.state,
    activity,
    sentence: workerSentence(activity, row, jobs),
    architectures: row.architectures,
    pool: row.pool,
    fingerprint: sha256(Buffer.from(row.public_key, 'base64')),
    enrolledAt: row.enrolled_at,
    lastSeenAt: row.last_seen_at ?? undefined,
    jobs,
  };
}

function workerSentence(activity: WorkerView['activity'], row: WorkerRow, jobs: readonly JobView[]): string {
  const [job] = jobs;
  switch (activity) {
    case 'pending':
      return `Enrolled, and may do nothing yet. Compare the key, then approve it: sheaf worker approve ${row.name}`;
    case 'disabled':
      return 'Disabled by an administrator: its requests are refused.';
    case 'busy':
      return `Builds ${job!.source} ${job!.version}: ${job!.purpose}.`;
    case 'idle':
      return 'Waits for a job.';
    case 'silent':
      return row.last_seen_at === null
        ? 'Approved, and never asked for a job yet. Start it: sheaf worker run'
        : `Not heard of lately.${job === undefined ? ' Start it again: sheaf worker run' : ' Its job goes to another worker when the lease ends.'}`;
  }
}
