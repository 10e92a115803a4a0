/** Workers: enrolled with a one-time token, approved by an administrator, known by an Ed25519 key. */

import { sql, type Selectable } from 'kysely';

import type { Db } from '../../db/connect.ts';
import { recordEvent } from '../../db/events.ts';
import { notify } from '../../db/notify.ts';
import type { WorkerTable } from '../../db/schema.ts';
import { inTransaction, withoutFlush } from '../../db/transaction.ts';
import { sha256 } from '../../kit/digest.ts';
import { newSecret } from '../../kit/secret.ts';
import type { Worker } from '../../model/job.ts';
import type { Architecture, Label } from '../../model/names.ts';
import { noSuchWorker } from '../error.ts';
import { takeLeasesFrom } from './leases.ts';
import type { Notifying } from './row.ts';

/** A secret that enrols one worker. Only its hash is stored: it is shown once and cannot be read again. */
export async function createEnrolmentToken(db: Db, lifetime: number, now: Date): Promise<string> {
  const token = newSecret();
  const expiresAt = new Date(now.getTime() + lifetime);
  await db
    .insertInto('enrolment_token')
    .values({ token_sha256: sha256(token), created_at: now, expires_at: expiresAt, used_at: null, used_by: null })
    .execute();
  return token;
}

export type Enrolment = {
  readonly token: string;
  readonly name: Label;
  readonly publicKey: string;
  readonly architectures: readonly Architecture[];
  readonly pool: Label;
};

export type EnrolmentAnswer =
  | { readonly kind: 'enrolled'; readonly state: Worker['state'] }
  | { readonly kind: 'refused'; readonly code: 'bad-token' | 'name-taken' | 'key-taken' };

/** Enrols a worker; it waits for approval. The same enrolment said again answers the same. */
export async function enrolWorker(
  db: Db,
  enrolment: Enrolment,
  now: Date,
  distribution: Notifying,
): Promise<EnrolmentAnswer> {
  const { name, publicKey } = enrolment;
  return inTransaction(db, async (trx): Promise<EnrolmentAnswer> => {
    const token = await trx
      .selectFrom('enrolment_token')
      .selectAll()
      .where('token_sha256', '=', sha256(enrolment.token))
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (token === undefined) return { kind: 'refused', code: 'bad-token' };
    const taken = await trx
      .selectFrom('worker')
      .select(['name', 'public_key', 'state'])
      .where('name', '=', name)
      .executeTakeFirst();
    if (token.used_at !== null) {
      const again = token.used_by === name && taken?.public_key === publicKey;
      return again ? { kind: 'enrolled', state: taken.state } : { kind: 'refused', code: 'bad-token' };
    }
    if (token.expires_at <= now) return { kind: 'refused', code: 'bad-token' };
    if (taken !== undefined) return { kind: 'refused', code: 'name-taken' };
    const added = await trx
      .insertInto('worker')
      .values({
        name,
        public_key: publicKey,
        architectures: [...enrolment.architectures],
        pool: enrolment.pool,
        enrolled_at: now,
        last_seen_at: null,
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (added.numInsertedOrUpdatedRows !== 1n) return { kind: 'refused', code: 'key-taken' };
    await trx
      .updateTable('enrolment_token')
      .set({ used_at: now, used_by: name })
      .where('token_sha256', '=', token.token_sha256)
      .execute();
    await recordEvent(trx, distribution, now, {
      kind: 'worker-enrolled',
      message: `Worker ${name} (${enrolment.architectures.join(', ')}) enrolled for pool ${enrolment.pool} and waits for approval`,
    });
    return { kind: 'enrolled', state: 'pending' };
  });
}

/** Lets a worker build; `pool` moves it to another pool first. Approving a disabled worker enables it again. */
export async function approveWorker(
  db: Db,
  name: string,
  now: Date,
  distribution: Notifying,
  pool?: Label,
): Promise<void> {
  await inTransaction(db, async (trx) => {
    const worker = await trx
      .selectFrom('worker')
      .select(['state', 'pool'])
      .where('name', '=', name)
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (worker === undefined) throw noSuchWorker(name, 'approve');
    if (worker.state === 'approved' && (pool ?? worker.pool) === worker.pool) return;
    await trx
      .updateTable('worker')
      .set({ state: 'approved', pool: pool ?? worker.pool })
      .where('name', '=', name)
      .execute();
    await notify(trx, 'workers', name);
    await recordEvent(trx, distribution, now, {
      kind: 'worker-approved',
      message: `Worker ${name} was approved for pool ${pool ?? worker.pool}`,
    });
  });
}

/** Refuses a worker from now on, whatever it is doing: its leases are taken back at once. */
export async function disableWorker(db: Db, name: string, now: Date, distribution: Notifying): Promise<void> {
  await inTransaction(db, async (trx) => {
    const worker = await trx
      .selectFrom('worker')
      .select('state')
      .where('name', '=', name)
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (worker === undefined) throw noSuchWorker(name, 'disable');
    if (worker.state === 'disabled') return;
    await trx.updateTable('worker').set({ state: 'disabled' }).where('name', '=', name).execute();
    await takeLeasesFrom(trx, name as Label, now, distribution);
    await notify(trx, 'workers', name);
    await recordEvent(trx, distribution, now, { kind: 'worker-disabled', message: `Worker ${name} was disabled` });
  });
}

export async function listWorkers(db: Db): Promise<Worker[]> {
  const rows = await db.selectFrom('worker').selectAll().orderBy('name').execute();
  return rows.map(toWorker);
}

export async function findWorker(db: Db, name: string): Promise<Worker | undefined> {
  const row = await db.selectFrom('worker').selectAll().where('name', '=', name).executeTakeFirst();
  return row === undefined ? undefined : toWorker(row);
}

export type Admittance =
  | { readonly kind: 'admitted'; readonly worker: Worker }
  | { readonly kind: 'replayed' }
  | { readonly kind: 'not-approved'; readonly state: Worker['state'] | undefined };

/**
 * Lets a verified request in: its nonce is new and its worker approved at this very moment. `lastSeenEvery` bounds how
 * often the worker's row is written.
 */
export async function admitRequest(
  db: Db,
  request: { readonly worker: string; readonly nonce: string },
  now: Date,
  lastSeenEvery = 10_000,
): Promise<Admittance> {
  const stale = new Date(now.getTime() - lastSeenEvery);
  const { rows } = await sql<Selectable<WorkerTable> & { fresh: boolean }>`
    with known as (
      select * from worker where name = ${request.worker}
    ), fresh as (
      insert into worker_nonce (worker, nonce, seen_at)
      select name, ${request.nonce}, ${now} from known where state = 'approved'
      on conflict do nothing
      returning worker
    ), seen as (
      update worker set last_seen_at = ${now}
      from fresh, known
      where worker.name = fresh.worker and (known.last_seen_at is null or known.last_seen_at < ${stale})
    )
    select known.*, exists (select from fresh) as fresh, ${withoutFlush} from known`.execute(db);
  const [row] = rows;
  if (row?.state !== 'approved') return { kind: 'not-approved', state: row?.state };
  return row.fresh ? { kind: 'admitted', worker: toWorker(row) } : { kind: 'replayed' };
}

/** Forgets nonces whose signatures are too old to be accepted by now. */
export async function forgetNonces(db: Db, before: Date): Promise<void> {
  await db.deleteFrom('worker_nonce').where('seen_at', '<', before).execute();
}

function toWorker(row: Selectable<WorkerTable>): Worker {
  return {
    name: row.name as Label,
    publicKey: row.public_key,
    architectures: row.architectures as Architecture[],
    pool: row.pool as Label,
    state: row.state,
    enrolledAt: row.enrolled_at,
    lastSeenAt: row.last_seen_at ?? undefined,
  };
}
