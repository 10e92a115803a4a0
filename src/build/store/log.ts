/** The log of an attempt, as it comes. */
import { createHash } from 'node:crypto';

import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import { inTransaction } from '../../db/transaction.ts';
import { parseSha256, type Sha256 } from '../../kit/digest.ts';
import type { JobId } from '../../model/job.ts';
import { withoutFlush, type Holder } from './leases.ts';

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
  now: Date,
): Promise<LogAnswer> {
  return inTransaction(db, async (trx) => {
    const attempt = await trx
      .selectFrom('attempt')
      .innerJoin('job', 'job.id', 'attempt.job')
      .select(['attempt.log_bytes', 'attempt.outcome', 'job.state', 'job.attempt', 'job.lease_expires_at', 'job.spec'])
      .where('attempt.job', '=', holder.job)
      .where('attempt.number', '=', holder.attempt)
      .where('attempt.worker', '=', holder.worker)
      .forNoKeyUpdate('attempt')
      .executeTakeFirst();
    if (attempt === undefined) return { kind: 'lost' };
    if (attempt.outcome === 'cancelled') return { kind: 'cancelled' };
    const held =
      attempt.outcome === null &&
      attempt.state === 'Building' &&
      attempt.attempt === holder.attempt &&
      attempt.lease_expires_at !== null &&
      attempt.lease_expires_at > now;
    if (!held) return { kind: 'lost' };

    const stored = attempt.log_bytes;
    if (chunk.position > stored) return { kind: 'gap', position: stored };
    const fresh = chunk.bytes.subarray(Math.min(chunk.bytes.length, stored - chunk.position));
    if (fresh.length === 0) return { kind: 'ok', position: stored };
    const position = stored + fresh.length;
    if (position > attempt.spec.limits.log + logAllowance) return { kind: 'full', position: stored };
    await trx
      .insertInto('log_chunk')
      .values({ job: holder.job, attempt: holder.attempt, position: stored, bytes: Buffer.from(fresh) })
      .execute();
    await trx
      .updateTable('attempt')
      .set({ log_bytes: position })
      .where('job', '=', holder.job)
      .where('number', '=', holder.attempt)
      .execute();
    await sql`select pg_notify('log', ${String(holder.job)}), ${withoutFlush}`.execute(trx);
    return { kind: 'ok', position };
  });
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
