/** One job's row under its lock, and the changes that every part of the queue makes alike. */
import type { Db } from '../../db/connect.ts';
import { recordEvent } from '../../db/events.ts';
import { notify } from '../../db/notify.ts';
import type { Distribution } from '../../model/distribution.ts';
import type { EventKind } from '../../model/event.ts';
import type { Fault, JobId } from '../../model/job.ts';
import { backoffAfter } from '../backoff.ts';
import { describeSpec } from '../describe.ts';

/** Whom a change may have to tell. */
export type Notifying = Pick<Distribution, 'notifiers'>;

export type JobRow = Awaited<ReturnType<ReturnType<typeof selectJob>['executeTakeFirstOrThrow']>>;

export function selectJob(trx: Db) {
  return trx
    .selectFrom('job')
    .select([
      'id',
      'tag_build',
      'rebuild_task',
      'architecture',
      'state',
      'spec',
      'attempt',
      'max_attempts',
      'worker',
      'lease_expires_at',
    ]);
}

export async function lockJob(trx: Db, id: JobId): Promise<JobRow | undefined> {
  return selectJob(trx).where('id', '=', id).forNoKeyUpdate().executeTakeFirst();
}

/** Where a job goes after a failed attempt: only the package's own fault, or too many tries, end it. */
export async function afterFailure(
  trx: Db,
  job: JobRow,
  now: Date,
  distribution: Notifying,
  fault: Fault,
  reason: string,
  pause = backoffAfter(job.attempt),
): Promise<void> {
  const what = describeSpec(job.spec);
  if (fault === 'package' || job.attempt >= job.max_attempts) {
    const state = fault === 'package' ? 'Build-Attempted' : 'Failed';
    await trx
      .updateTable('job')
      .set({ state, reason, lease_expires_at: null, finished_at: now })
      .where('id', '=', job.id)
      .execute();
    const tries = fault === 'package' ? '' : ` (the ${fault}'s fault, ${job.attempt} attempts)`;
    await tell(trx, distribution, now, job, { kind: 'job-failed', message: `${what} failed: ${reason}${tries}` });
    return;
  }
  const notBefore = pause === 0 ? null : new Date(now.getTime() + pause);
  await makeReady(trx, job, {
    reason: `Waits for another try: ${reason}`,
    not_before: notBefore,
    max_attempts: job.max_attempts,
  });
  await tell(trx, distribution, now, job, {
    kind: 'job-requeued',
    message: `${what} will be tried again after the ${fault}'s fault: ${reason}`,
  });
}

export async function makeReady(
  trx: Db,
  job: JobRow,
  change: { readonly reason: string; readonly not_before: Date | null; readonly max_attempts: number },
): Promise<void> {
  await trx
    .updateTable('job')
    .set({ ...change, state: 'Needs-Build', worker: null, lease_expires_at: null, finished_at: null })
    .where('id', '=', job.id)
    .execute();
  await notify(trx, 'job_ready', job.architecture);
}

export type Told = { readonly kind: EventKind; readonly message: string };

export async function tell(
  trx: Db,
  distribution: Notifying,
  now: Date,
  job: Pick<JobRow, 'id' | 'tag_build' | 'rebuild_task' | 'spec'>,
  event: Told,
): Promise<void> {
  await recordEvent(trx, distribution, now, {
    ...event,
    job: job.id,
    source: job.spec.source,
    ...('suite' in job.spec.origin ? { suite: job.spec.origin.suite } : {}),
    ...(job.tag_build === null ? {} : { tagBuild: job.tag_build }),
  });
  await wakeFlow(trx, job);
}

export async function wakeFlow(trx: Db, job: Pick<JobRow, 'tag_build' | 'rebuild_task'>): Promise<void> {
  if (job.tag_build !== null) await notify(trx, 'tag_build', job.tag_build);
  if (job.rebuild_task !== null) await notify(trx, 'rebuild_task', job.rebuild_task);
}
