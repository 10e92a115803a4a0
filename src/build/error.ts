/** Errors of the queue: a caller's mistake, never a worker's. */
import { SheafError } from '../kit/error.ts';
import type { JobId, JobState } from '../model/job.ts';

export function noSuchJob(id: JobId, action: string): SheafError {
  return new SheafError('no-such-job', `Cannot ${action} job ${id}: there is no such job`, {
    kind: 'usage',
    hint: 'See which jobs there are: sheaf job list',
  });
}

export function wrongState(id: JobId, action: string, state: JobState, hint?: string): SheafError {
  return new SheafError(
    'wrong-job-state',
    `Cannot ${action} job ${id}: it is in state ${state}`,
    hint === undefined ? {} : { hint },
  );
}

export function noSuchWorker(name: string, action: string): SheafError {
  return new SheafError('no-such-worker', `Cannot ${action} worker "${name}": there is no such worker`, {
    kind: 'usage',
    hint: 'See which workers there are: sheaf worker list',
  });
}
