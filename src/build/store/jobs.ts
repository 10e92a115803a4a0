/** Jobs as people and the flow see them: added, cancelled, tried again, moved on. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import { notify } from '../../db/notify.ts';
import { inTransaction } from '../../db/transaction.ts';
import { SheafError } from '../../kit/error.ts';
import type { EventKind } from '../../model/event.ts';
import type { JobId, JobSpec, JobState } from '../../model/job.ts';
import type { Label } from '../../model/names.ts';
import type { TagBuildId } from '../../model/tag-build.ts';
import { describeSpec, toSentence } from '../describe.ts';
import { noSuchJob, wrongState } from '../error.ts';
import { isRunning } from './rebuild-jobs.ts';
import { lockJob, makeReady, tell, wakeFlow, type JobRow, type Notifying } from './row.ts';

export type NewJob = {
  readonly tagBuild: TagBuildId | undefined;
  readonly spec: JobSpec;
  readonly pool: Label;
  /** Higher goes first. */
  readonly priority: number;
  readonly maxAttempts: number;
  /** `BD-Uninstallable` when no lock could be solved; calling again with a solved one makes it ready. */
  readonly state: 'Needs-Build' | 'BD-Uninstallable';
  /** One sentence: why it is in this state. */
  readonly reason: string;
};

/** Adds a job, once for each thing that a tag build makes. Returns the id of the new job or of the one there was. */
export async function addJob(db: Db, job: NewJob, now: Date, distribution: Notifying): Promise<JobId> {
  return inTransaction(db, async (trx) => {
    const { spec } = job;
    const added = await sql<{ id: number; fresh: boolean }>`
      insert into job (tag_build, kind, architecture, builds, pool, priority, state, reason, spec, max_attempts, created_at)
      values (${job.tagBuild ?? null}, ${spec.kind}, ${spec.architecture}, ${spec.builds}, ${job.pool}, ${job.priority},
              ${job.state}, ${job.reason}, ${JSON.stringify(spec)}, ${job.maxAttempts}, ${now})
      on conflict (tag_build, kind, architecture, builds) where tag_build is not null
      do update set spec = excluded.spec, state = excluded.state, reason = excluded.reason
      where job.state = 'BD-Uninstallable'
        and (job.state, job.reason, job.spec) is distinct from (excluded.state, excluded.reason, excluded.spec)
      returning id, xmax = 0 as fresh`.execute(trx);
    const row = added.rows[0];
    if (row === undefined) {
      // It was there: nothing to change, nothing to tell.
      const found = await trx
        .selectFrom('job')
        .select('id')
        .where('tag_build', '=', job.tagBuild!)
        .where('kind', '=', spec.kind)
        .where('architecture', '=', spec.architecture)
        .where('builds', '=', spec.builds)
        .executeTakeFirstOrThrow();
      return found.id;
    }
    const what = describeSpec(spec);
    const ready = job.state === 'Needs-Build';
    await tell(
      trx,
      distribution,
      now,
      { id: row.id, tag_build: job.tagBuild ?? null, rebuild_task: null, spec },
      {
        kind: ready ? (row.fresh ? 'job-created' : 'job-requeued') : 'job-uninstallable',
        message: ready ? `${what} waits for a worker` : `${what} cannot be built: ${job.reason}`,
      },
    );
    if (ready) await notify(trx, 'job_ready', spec.architecture);
    return row.id;
  });
}

/** Ends a job that is not finished; its worker hears of it with the next heartbeat. A cancelled job stays as it is. */
export async function cancelJob(db: Db, id: JobId, who: string, now: Date, distribution: Notifying): Promise<void> {
  await inTransaction(db, async (trx) => {
    const job = await lockJob(trx, id);
    if (job === undefined) throw noSuchJob(id, 'cancel');
    if (job.state === 'Cancelled') return;
    if (job.state !== 'Needs-Build' && job.state !== 'Building' && job.state !== 'BD-Uninstallable') {
      throw wrongState(id, 'cancel', job.state, 'Only a job that waits or is being built can be cancelled.');
    }
    const reason = `Cancelled by ${toSentence(who, 100)}`;
    if (job.state === 'Building') {
      await trx
        .updateTable('attempt')
        .set({ finished_at: now, outcome: 'cancelled', reason })
        .where('job', '=', id)
        .where('number', '=', job.attempt)
        .execute();
      await notify(trx, 'log', id);
    }
    await trx
      .updateTable('job')
      .set({ state: 'Cancelled', reason, lease_expires_at: null, not_before: null, finished_at: now })
      .where('id', '=', id)
      .execute();
    await tell(trx, distribution, now, job, {
      kind: 'job-cancelled',
      message: `${describeSpec(job.spec)} was cancelled by ${toSentence(who, 100)}`,
    });
    await notify(trx, 'job_cancelled', id);
  });
}

/**
 * Makes a job that failed or was cancelled ready again, for at most `attempts` further tries; one that was never given
 * its build dependencies is BD-Uninstallable until apt was asked again. Returns which. Throws `task-ended` for one whose
 * rebuild has ended, `tag-done` for one that its tag was done without.
 */
export async function retryJob(
  db: Db,
  id: JobId,
  attempts: number,
  now: Date,
  distribution: Notifying,
  why = 'a person asked for it',
): Promise<'Needs-Build' | 'BD-Uninstallable'> {
  return inTransaction(db, async (trx) => {
    const job = await lockJob(trx, id);
    if (job === undefined) throw noSuchJob(id, 'retry');
    if (job.state === 'Needs-Build') {
      // It waits already: only its pause is cut short.
      await trx.updateTable('job').set({ not_before: null }).where('id', '=', id).execute();
      await notify(trx, 'job_ready', job.architecture);
      return job.state;
    }
    if (job.state === 'BD-Uninstallable') {
      // The flow asks apt again.
      await wakeFlow(trx, job);
      return job.state;
    }
    if (job.state !== 'Build-Attempted' && job.state !== 'Failed' && job.state !== 'Cancelled') {
      throw wrongState(id, 'retry', job.state, 'Only a job that failed or was cancelled can be tried again.');
    }
    if (job.rebuild_task !== null && !(await isRunning(trx, job.rebuild_task))) {
      const hint = 'Ask for the rebuild again: sheaf rebuild queue --workers';
      throw new SheafError('task-ended', `Cannot retry job ${id}: its rebuild has ended, and nobody waits for it`, {
        hint,
      });
    }
    if (job.tag_build !== null && (await isDone(trx, job.tag_build))) {
      const { source, version } = job.spec;
      throw new SheafError('tag-done', `Cannot retry job ${id}: ${source} ${version} was published without it`, {
        hint: `Nothing built would enter its suite. Release the next version of ${source} to have it built.`,
      });
    }
    const change = {
      reason: `Is tried again because ${why}`,
      not_before: null,
      max_attempts: job.attempt + attempts,
    };
    if (isUnsolved(job)) {
      const aside = { ...change, state: 'BD-Uninstallable', finished_at: null } as const;
      await trx.updateTable('job').set(aside).where('id', '=', id).execute();
      await wakeFlow(trx, job);
      return aside.state;
    }
    await makeReady(trx, job, change);
    await tell(trx, distribution, now, job, {
      kind: 'job-requeued',
      message: `${describeSpec(job.spec)} is tried again because ${why}`,
    });
    return 'Needs-Build';
  });
}

/** Held until the transaction ends: no tag is done while a job of it comes back. */
async function isDone(trx: Db, tagBuild: TagBuildId): Promise<boolean> {
  const row = await trx
    .selectFrom('tag_build')
    .select('state')
    .where('id', '=', tagBuild)
    .forShare()
    .executeTakeFirst();
  return row?.state === 'DONE';
}

/**
 * A job that was cancelled while its build dependencies could not be installed has the bare environment in their place:
 * it must not be built in that. For one that needs no more than that, to ask again is no harm.
 */
function isUnsolved({ state, tag_build, spec }: JobRow): boolean {
  return state === 'Cancelled' && tag_build !== null && spec.kind === 'binary' && spec.lock === spec.baseLock;
}

/** Has the flow ask apt again for every job of a suite whose build dependencies could not be installed. */
export async function wakeUninstallable(db: Db, suite: string): Promise<void> {
  const jobs = await db
    .selectFrom('job')
    .select(['tag_build', 'rebuild_task'])
    .distinct()
    .where('state', '=', 'BD-Uninstallable')
    .where('tag_build', 'is not', null)
    .where((eb) => eb(eb.ref('spec', '->>').key('origin').key('suite'), '=', suite))
    .execute();
  for (const job of jobs) await wakeFlow(db, job);
}

/** What the flow may do with a job that no worker holds. */
const transitions: Partial<Record<JobState, readonly JobState[]>> = {
  'Needs-Build': ['BD-Uninstallable'],
  'BD-Uninstallable': ['Needs-Build', 'Failed'],
  Built: ['Uploaded', 'Installed', 'Failed'],
  Uploaded: ['Installed', 'Failed'],
};

/**
 * Moves a job that no worker holds: Built → Uploaded → Installed, or to a failure. In that state already: nothing
 * happens. Throws `wrong-job-state` for a way that does not exist.
 */
export async function setJobState(
  db: Db,
  id: JobId,
  state: JobState,
  reason: string,
  now: Date,
  distribution: Notifying,
): Promise<void> {
  await inTransaction(db, async (trx) => {
    const job = await lockJob(trx, id);
    if (job === undefined) throw noSuchJob(id, `set the state of`);
    if (job.state === state) return;
    if (transitions[job.state]?.includes(state) !== true) throw wrongState(id, `set to ${state} the`, job.state);
    if (state === 'Needs-Build') {
      await makeReady(trx, job, { reason, not_before: null, max_attempts: job.max_attempts });
    } else {
      await trx.updateTable('job').set({ state, reason, finished_at: now }).where('id', '=', id).execute();
    }
    const what = describeSpec(job.spec);
    const kind: EventKind | undefined = (
      { 'Needs-Build': 'job-requeued', 'BD-Uninstallable': 'job-uninstallable', Failed: 'job-failed' } as const
    )[state as string];
    if (kind !== undefined) await tell(trx, distribution, now, job, { kind, message: `${what}: ${reason}` });
    else await wakeFlow(trx, job);
  });
}
