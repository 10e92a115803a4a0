/**
 * Leases: which worker has which job, until when.
 *
 * Whoever changes a job holds its row's lock. Whatever comes from a worker is fenced: it must name the job, the number
 * of the attempt and itself, and all three must be those of the current lease.
 */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import { notify } from '../../db/notify.ts';
import { inTransaction, withoutFlush } from '../../db/transaction.ts';
import type { JobId, JobSpec, Lease } from '../../model/job.ts';
import type { Label } from '../../model/names.ts';
import { afterFailure, lockJob, selectJob, type JobRow, type Notifying } from './row.ts';

export type Claimer = {
  readonly worker: Label;
  readonly architectures: readonly string[];
  readonly pool: string;
  readonly leaseMs: number;
};

/**
 * Leases the next job to a worker: the highest priority first, then the oldest. One statement, so a job goes to one
 * claimer however many ask: each locks a candidate per architecture that nobody else has locked, and takes the best.
 */
export async function claim(db: Db, claimer: Claimer & { readonly now: Date }): Promise<Lease | undefined> {
  const { worker, architectures, pool, now } = claimer;
  const expiresAt = new Date(now.getTime() + claimer.leaseMs);
  const { rows } = await sql<{ id: number; attempt: number; spec: JobSpec }>`
    with next as (
      select candidate.id
      from unnest(${[...architectures]}::text[]) as wanted (architecture)
      cross join lateral (
        select id, priority from job
        where state = 'Needs-Build' and pool = ${pool} and architecture = wanted.architecture
          and (not_before is null or not_before <= ${now})
        order by priority desc, id
        limit 1
        for no key update skip locked
      ) candidate
      -- A worker may have been disabled while it waited.
      where exists (select from worker where name = ${worker} and state = 'approved')
      order by candidate.priority desc, candidate.id
      limit 1
    ), leased as (
      update job
      set state = 'Building', attempt = job.attempt + 1, worker = ${worker}, lease_expires_at = ${expiresAt},
          not_before = null, reason = 'Worker ' || ${worker}::text || ' builds it'
      from next
      where job.id = next.id
      returning job.id, job.attempt, job.spec, job.tag_build
    ), begun as (
      insert into attempt (job, number, worker, started_at)
      select id, attempt, ${worker}, ${now} from leased
    ), told as (
      -- The same as recordEvent, which no notifier delivers for this kind, without further round trips.
      insert into event (at, kind, message, tag_build, job, suite, source)
      select ${now}, 'job-started',
             (spec ->> 'source') || ' ' || (spec ->> 'version') || ' (' || (spec ->> 'kind') || ', '
               || (spec ->> 'architecture') || ') is being built by worker ' || ${worker}::text
               || ', attempt ' || attempt,
             tag_build, id, spec -> 'origin' ->> 'suite', spec ->> 'source'
      from leased
      returning id
    )
    select leased.id, leased.attempt, leased.spec, pg_notify('event', told.id::text), ${withoutFlush}
    from leased, told`.execute(db);
  const row = rows[0];
  return row === undefined ? undefined : { job: row.id, attempt: row.attempt, expiresAt, spec: row.spec };
}

/** Who speaks about which attempt: the fence that everything from a worker passes. */
export type Holder = { readonly job: JobId; readonly attempt: number; readonly worker: Label };

export type HeartbeatAnswer = 'ok' | 'lost' | 'cancelled';

/**
 * Extends a lease. A lease ends when `expireLeases` takes it away: until then its holder may renew it even late, so
 * that a server that was down for a while does not throw away every running build.
 */
export async function heartbeat(db: Db, holder: Holder, leaseMs: number, now: Date): Promise<HeartbeatAnswer> {
  const expiresAt = new Date(now.getTime() + leaseMs);
  const { rows } = await sql`
    with held as (
      update job set lease_expires_at = ${expiresAt}
      where id = ${holder.job} and attempt = ${holder.attempt} and worker = ${holder.worker} and state = 'Building'
      returning id
    )
    select id, ${withoutFlush} from held`.execute(db);
  return rows.length === 1 ? 'ok' : whyLost(db, holder);
}

async function whyLost(db: Db, holder: Holder): Promise<'lost' | 'cancelled'> {
  const ended = await db
    .selectFrom('attempt')
    .select('outcome')
    .where('job', '=', holder.job)
    .where('number', '=', holder.attempt)
    .where('worker', '=', holder.worker)
    .executeTakeFirst();
  return ended?.outcome === 'cancelled' ? 'cancelled' : 'lost';
}

/**
 * The lease that a worker holds now, or undefined: for serving its inputs and taking its files. One that is over its time
 * is held until it is taken away, as in `heartbeat`: whoever speaks for it is there.
 */
export async function currentLease(db: Db, holder: Holder): Promise<Lease | undefined> {
  const row = await db
    .selectFrom('job')
    .select(['id', 'attempt', 'lease_expires_at', 'spec'])
    .where('id', '=', holder.job)
    .where('attempt', '=', holder.attempt)
    .where('worker', '=', holder.worker)
    .where('state', '=', 'Building')
    .executeTakeFirst();
  return row && { job: row.id, attempt: row.attempt, expiresAt: row.lease_expires_at!, spec: row.spec };
}

/**
 * Takes back every lease that has ended, most at once `limit`, and makes its job ready again. Returns how many.
 * Safe from several servers at once: each takes those that no other has locked.
 */
export async function expireLeases(db: Db, now: Date, distribution: Notifying, limit = 100): Promise<number> {
  return inTransaction(db, async (trx) => {
    const jobs = await selectJob(trx)
      .where('state', '=', 'Building')
      .where('lease_expires_at', '<=', now)
      .orderBy('lease_expires_at')
      .limit(limit)
      .forNoKeyUpdate()
      .skipLocked()
      .execute();
    for (const job of jobs) {
      await takeBack(trx, job, now, distribution, `Worker ${job.worker} was not heard of until its lease ended`);
    }
    return jobs.length;
  });
}

export type Running = { readonly job: JobId; readonly attempt: number };

/**
 * A worker says which attempts it runs; whatever else it holds went missing. A lease of which nothing was logged yet
 * is handed out again (its answer was lost on the way), as long as a lease lasts: a worker that ends each time it hears of
 * the job would have it for ever. One that had begun ended with the worker's last process, and its job is made ready for
 * anybody.
 */
export async function reconcileWorker(
  db: Db,
  claimer: Claimer,
  running: readonly Running[],
  now: Date,
  distribution: Notifying,
): Promise<Lease | undefined> {
  const held = await db
    .selectFrom('job')
    .select(['id', 'attempt'])
    .where('worker', '=', claimer.worker)
    .where('state', '=', 'Building')
    .execute();
  const known = new Set(running.map(({ job, attempt }) => `${job}/${attempt}`));
  const missing = held.filter(({ id, attempt }) => !known.has(`${id}/${attempt}`));
  if (missing.length === 0) return undefined;
  return inTransaction(db, async (trx) => {
    let lease: Lease | undefined;
    for (const { id, attempt } of missing) {
      const job = await lockJob(trx, id);
      if (job?.state !== 'Building' || job.attempt !== attempt || job.worker !== claimer.worker) continue;
      const { log_bytes: logged, started_at: startedAt } = await trx
        .selectFrom('attempt')
        .select(['log_bytes', 'started_at'])
        .where('job', '=', id)
        .where('number', '=', attempt)
        .executeTakeFirstOrThrow();
      const isNew = now.getTime() - startedAt.getTime() < claimer.leaseMs;
      if (logged === 0 && isNew && lease === undefined) {
        const expiresAt = new Date(now.getTime() + claimer.leaseMs);
        await trx.updateTable('job').set({ lease_expires_at: expiresAt }).where('id', '=', id).execute();
        lease = { job: id, attempt, expiresAt, spec: job.spec };
      } else {
        await takeBack(trx, job, now, distribution, `Worker ${claimer.worker} does not run it any more`);
      }
    }
    return lease;
  });
}

/** A worker that stops hands its lease back; the attempt does not count against the job's limit. */
export async function releaseLease(db: Db, holder: Holder, now: Date, distribution: Notifying): Promise<boolean> {
  return inTransaction(db, async (trx) => {
    const job = await lockJob(trx, holder.job);
    if (job?.state !== 'Building' || job.attempt !== holder.attempt || job.worker !== holder.worker) return false;
    await trx
      .updateTable('job')
      .set(({ eb }) => ({ max_attempts: eb('max_attempts', '+', 1) }))
      .where('id', '=', job.id)
      .execute();
    await takeBack(
      trx,
      { ...job, max_attempts: job.max_attempts + 1 },
      now,
      distribution,
      `Worker ${holder.worker} stops and handed it back`,
    );
    return true;
  });
}

/** Takes every lease from a worker that may not build any more. */
export async function takeLeasesFrom(trx: Db, worker: Label, now: Date, distribution: Notifying): Promise<void> {
  const jobs = await selectJob(trx)
    .where('worker', '=', worker)
    .where('state', '=', 'Building')
    .forNoKeyUpdate()
    .execute();
  for (const job of jobs) await takeBack(trx, job, now, distribution, `Worker ${worker} was disabled`);
}

async function takeBack(trx: Db, job: JobRow, now: Date, distribution: Notifying, reason: string): Promise<void> {
  await trx
    .updateTable('attempt')
    .set({ finished_at: now, outcome: 'expired', fault: 'worker', reason })
    .where('job', '=', job.id)
    .where('number', '=', job.attempt)
    .execute();
  await notify(trx, 'log', job.id);
  // At once: the wait for the lease to end was the pause.
  await afterFailure(trx, job, now, distribution, 'worker', reason, 0);
}
