/** Jobs of rebuilds: one for each task and thing to build, however often it is asked for. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import { notify } from '../../db/notify.ts';
import { inTransaction } from '../../db/transaction.ts';
import { SheafError } from '../../kit/error.ts';
import type { JobId, JobSpec } from '../../model/job.ts';
import type { Label } from '../../model/names.ts';
import { describeSpec } from '../describe.ts';
import { lockJob, tell, type Notifying } from './row.ts';

export type NewRebuildJob = {
  readonly task: number;
  /** The hash of all that goes into the build. */
  readonly key: string;
  readonly spec: JobSpec;
  readonly pool: Label;
  readonly priority: number;
  readonly maxAttempts: number;
};

/** Whether somebody waits for the jobs of a rebuild task; it stays so until the transaction ends. */
export async function isRunning(trx: Db, task: number): Promise<boolean> {
  const live = trx.selectFrom('rebuild_task').select('id').where('id', '=', task).where('state', '=', 'running');
  return (await live.forShare().executeTakeFirst()) !== undefined;
}

/**
 * Adds a job, or finds the one that the task has under this key, in whatever state that is. Throws `task-ended` when the
 * task was cancelled.
 */
export async function addRebuildJob(db: Db, job: NewRebuildJob, now: Date, distribution: Notifying): Promise<JobId> {
  const { task, key, spec, pool, priority, maxAttempts } = job;
  return inTransaction(db, async (trx) => {
    if (!(await isRunning(trx, task))) {
      throw new SheafError('task-ended', `Cannot go on with the rebuild of ${spec.source}: task ${task} has ended`);
    }
    const added = await trx
      .insertInto('job')
      .values({
        ...{ rebuild_task: task, rebuild_key: key, spec: JSON.stringify(spec), pool, priority },
        ...{ kind: spec.kind, architecture: spec.architecture, builds: spec.builds, state: 'Needs-Build' },
        ...{ reason: 'Waits for a worker', max_attempts: maxAttempts, created_at: now },
        ...{ tag_build: null, worker: null, lease_expires_at: null, not_before: null, finished_at: null },
      })
      .onConflict((conflict) =>
        conflict.columns(['rebuild_task', 'rebuild_key']).where('rebuild_task', 'is not', null).doNothing(),
      )
      .returning('id')
      .executeTakeFirst();
    if (added === undefined) {
      const found = await trx
        .selectFrom('job')
        .select('id')
        .where('rebuild_task', '=', task)
        .where('rebuild_key', '=', key)
        .executeTakeFirstOrThrow();
      return found.id;
    }
    const message = `${describeSpec(spec)} is to be built again and waits for a worker in pool ${pool}`;
    const row = { id: added.id, tag_build: null, rebuild_task: task, spec };
    await tell(trx, distribution, now, row, { kind: 'job-created', message });
    await notify(trx, 'job_ready', spec.architecture);
    return added.id;
  });
}

/** Puts a job that waits into another pool: that of before has nobody any more who could build it. */
export async function moveJob(db: Db, id: JobId, pool: Label): Promise<void> {
  await inTransaction(db, async (trx) => {
    const job = await lockJob(trx, id);
    if (job?.state !== 'Needs-Build') return;
    await trx.updateTable('job').set({ pool }).where('id', '=', id).execute();
    await notify(trx, 'job_ready', job.architecture);
  });
}

/** Has the same be built by another job, whatever became of this one. */
export async function setRebuildJobAside(db: Db, id: JobId): Promise<void> {
  await db
    .updateTable('job')
    .set({ rebuild_key: sql`rebuild_key || ' not ' || id` })
    .where('id', '=', id)
    .execute();
}

/** Those of a task that have not ended, oldest first. */
export async function liveJobsOfRebuild(db: Db, task: number): Promise<JobId[]> {
  const rows = await db
    .selectFrom('job')
    .select('id')
    .where('rebuild_task', '=', task)
    .where('state', 'in', ['Needs-Build', 'Building'])
    .orderBy('id')
    .execute();
  return rows.map(({ id }) => id);
}
