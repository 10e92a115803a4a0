/** The log of an attempt, as it comes. */
import { createHash } from 'node:crypto';

import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import { withoutFlush } from '../../db/transaction.ts';
import { parseSha256, type Sha256 } from '../../kit/digest.ts';
import type { JobId } from '../../model/job.ts';
import type { Holder } from './leases.ts';

/** What the worker adds around the build's own output, beyond `limits.log`. */
export const logAllowance = 64 * 1024;

export type LogAnswer =
  /** `position`: where the next chunk begins. */
  | { readonly kind: 'ok'; readonly position: number }
  /** The chunk begins after what is stored; send from `position`. */
  | { readonly kind: 'gap'; readonly position: number }
  /** The limit is reached and nothing more is kept. */
  | { readonly kind: 'full'; readonly position: number }
  | { readonly kind: 'lost' }
  | { readonly kind: 'cancelled' };

/**
 * Adds a chunk that begins at byte `position` of the log. What is stored already is skipped, so a chunk sent twice
 * changes nothing.
 */
export async function appendLog(
  db: Db,
  holder: Holder,
  chunk: { readonly position: number; readonly bytes: Uint8Array },
): Promise<LogAnswer> {
  return appendFrom(db, holder, chunk, 3);
}

async function appendFrom(
  db: Db,
  holder: Holder,
  chunk: { readonly position: number; readonly bytes: Uint8Array },
  tries: number,
): Promise<LogAnswer> {
  const { rows } = await append(db, holder, chunk);
  if (rows.length === 1) return { kind: 'ok', position: chunk.position + chunk.bytes.length };
  // It does not simply follow what is stored: see why, and add what is new of it.
  const state = await logState(db, holder);
  if (state.kind !== 'held') return state;
  const { stored } = state;
  if (chunk.position > stored) return { kind: 'gap', position: stored };
  const fresh = chunk.bytes.subarray(Math.min(chunk.bytes.length, stored - chunk.position));
  if (fresh.length === 0) return { kind: 'ok', position: stored };
  if (stored + fresh.length > state.limit) return { kind: 'full', position: stored };
  // Another chunk came between the two looks, or this one overlaps what is stored.
  return tries > 1
    ? appendFrom(db, holder, { position: stored, bytes: fresh }, tries - 1)
    : { kind: 'gap', position: stored };
}

/** One row when the chunk was added. The lock on the attempt makes chunks that come at once wait for one another. */
async function append(db: Db, holder: Holder, chunk: { position: number; bytes: Uint8Array }) {
  const length = chunk.bytes.length;
  return sql`
    with held as (
      select attempt.job, attempt.number, attempt.log_bytes, (job.spec -> 'limits' ->> 'log')::bigint as most
      from attempt join job on job.id = attempt.job
      where attempt.job = ${holder.job} and attempt.number = ${holder.attempt} and attempt.worker = ${holder.worker}
        and attempt.outcome is null and job.state = 'Building' and job.attempt = attempt.number
      for no key update of attempt
    ), fits as (
      select * from held
      where log_bytes = ${chunk.position} and log_bytes + ${length}::int <= most + ${logAllowance}::int and ${length}::int > 0
    ), added as (
      insert into log_chunk (job, attempt, position, bytes)
      select job, number, log_bytes, ${Buffer.from(chunk.bytes)}::bytea from fits
    ), grown as (
      update attempt set log_bytes = fits.log_bytes + ${length}::int
      from fits where attempt.job = fits.job and attempt.number = fits.number
    )
    select pg_notify('log', job::text), ${withoutFlush} from fits`.execute(db);
}

type LogState =
  | { readonly kind: 'held'; readonly stored: number; readonly limit: number }
  | { readonly kind: 'lost' }
  | { readonly kind: 'cancelled' };

async function logState(db: Db, holder: Holder): Promise<LogState> {
  const row = await db
    .selectFrom('attempt')
    .innerJoin('job', 'job.id', 'attempt.job')
    .select(['attempt.log_bytes', 'attempt.outcome', 'job.state', 'job.attempt', 'job.spec'])
    .where('attempt.job', '=', holder.job)
    .where('attempt.number', '=', holder.attempt)
    .where('attempt.worker', '=', holder.worker)
    .executeTakeFirst();
  if (row?.outcome === 'cancelled') return { kind: 'cancelled' };
  const held = row !== undefined && row.outcome === null && row.state === 'Building' && row.attempt === holder.attempt;
  return held ? { kind: 'held', stored: row.log_bytes, limit: row.spec.limits.log + logAllowance } : { kind: 'lost' };
}

export type LogPart = {
  readonly attempt: number;
  /** Where `bytes` begin. */
  readonly position: number;
  readonly bytes: Buffer;
  /** Where the next part begins. */
  readonly next: number;
  /** How long the log is by now. */
  readonly size: number;
  /** Nothing will come after `size`. */
  readonly ended: boolean;
};

/**
 * A part of a job's log from a byte position on, at most about `limit` bytes. Without `attempt`, that of the last one.
 * Undefined when there is no such attempt.
 */
export async function readLog(
  db: Db,
  job: JobId,
  from: { readonly attempt?: number; readonly position: number; readonly limit?: number },
): Promise<LogPart | undefined> {
  const limit = from.limit ?? 256 * 1024;
  const attempt = await db
    .selectFrom('attempt')
    .select(['number', 'log_bytes', 'finished_at'])
    .where('job', '=', job)
    .$if(from.attempt !== undefined, (query) => query.where('number', '=', from.attempt!))
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (attempt === undefined) return undefined;
  const size = attempt.log_bytes;
  const position = Math.min(Math.max(0, from.position), size);
  const parts: Buffer[] = [];
  let next = position;
  while (next < Math.min(size, position + limit)) {
    const chunk = await db
      .selectFrom('log_chunk')
      .select(['position', 'bytes'])
      .where('job', '=', job)
      .where('attempt', '=', attempt.number)
      .where('position', '<=', next)
      .orderBy('position', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (chunk === undefined) break;
    const bytes = chunk.bytes.subarray(next - chunk.position, next - chunk.position + limit - (next - position));
    if (bytes.length === 0) break;
    parts.push(bytes);
    next += bytes.length;
  }
  return {
    attempt: attempt.number,
    position,
    bytes: Buffer.concat(parts),
    next,
    size,
    ended: attempt.finished_at !== null,
  };
}

/** The SHA-256 of a whole log as it is stored. */
export async function digestLog(db: Db, job: JobId, attempt: number): Promise<Sha256> {
  const hash = createHash('sha256');
  let position = -1;
  while (true) {
    const chunks = await db
      .selectFrom('log_chunk')
      .select(['position', 'bytes'])
      .where('job', '=', job)
      .where('attempt', '=', attempt)
      .where('position', '>', position)
      .orderBy('position')
      .limit(64)
      .execute();
    for (const chunk of chunks) {
      hash.update(chunk.bytes);
      position = chunk.position;
    }
    if (chunks.length < 64) return parseSha256(hash.digest('hex'));
  }
}
