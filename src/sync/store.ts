/** Looks at upstreams as rows, the lock of an upstream, and what earlier looks saw. */
import { setTimeout as delay } from 'node:timers/promises';

import { sql } from 'kysely';

import type { Db } from '../db/connect.ts';
import { isSha256, parseSha256, type Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import { parseSnapshotId, type SnapshotId } from '../model/names.ts';
import type { Seen } from './judge-release.ts';

export type CheckOutcome = 'new' | 'unchanged' | 'refused' | 'failed';

/** One look at a suite of an upstream. */
export type UpstreamCheck = {
  readonly id: number;
  readonly upstream: string;
  readonly suite: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly outcome: CheckOutcome;
  /** Why it was refused or failed. */
  readonly code: string | undefined;
  /** For people: what came of it, and what to do about it. */
  readonly message: string;
  /** The version that was looked at; absent when the Release file was refused. */
  readonly snapshotId: SnapshotId | undefined;
  /** The Release file that was looked at, in the store; also when it was refused. */
  readonly release: Sha256 | undefined;
  /** Bytes that came over the wire. */
  readonly bytes: number;
};

export async function recordCheck(db: Db, check: Omit<UpstreamCheck, 'id'>): Promise<void> {
  await db
    .insertInto('upstream_check')
    .values({
      upstream: check.upstream,
      suite: check.suite,
      started_at: check.startedAt,
      finished_at: check.finishedAt,
      outcome: check.outcome,
      code: check.code ?? null,
      message: check.message,
      snapshot_id: check.snapshotId ?? null,
      release_sha256: check.release ?? null,
      bytes: check.bytes,
    })
    .execute();
}

/** The newest first. */
export async function listChecks(
  db: Db,
  filter: { readonly upstream?: string | undefined; readonly suite?: string | undefined; readonly limit: number },
): Promise<UpstreamCheck[]> {
  let query = db.selectFrom('upstream_check').selectAll().orderBy('id', 'desc').limit(filter.limit);
  if (filter.upstream !== undefined) query = query.where('upstream', '=', filter.upstream);
  if (filter.suite !== undefined) query = query.where('suite', '=', filter.suite);
  return (await query.execute()).map((row) => ({
    id: row.id,
    upstream: row.upstream,
    suite: row.suite,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    outcome: row.outcome,
    code: row.code ?? undefined,
    message: row.message,
    snapshotId: row.snapshot_id === null ? undefined : parseSnapshotId(row.snapshot_id),
    release: row.release_sha256 === null ? undefined : parseSha256(row.release_sha256),
    bytes: row.bytes,
  }));
}

/** What speaks against an older Release file. Versions that nobody vouched for (imported ones may be such) do not. */
export async function readSeen(db: Db, upstream: string, suite: string): Promise<Seen> {
  const kept = await db
    .selectFrom('history_snapshot')
    .select((all) => all.fn.max('snapshot_id').as('newest'))
    .where('origin', '=', upstream)
    .where('suite', '=', suite)
    .where(sql<boolean>`cardinality(signed_by) > 0`)
    .executeTakeFirst();
  const looked = await db
    .selectFrom('upstream_check')
    .select((all) => all.fn.max('snapshot_id').as('newest'))
    .where('upstream', '=', upstream)
    .where('suite', '=', suite)
    .where('outcome', '!=', 'refused')
    .executeTakeFirst();
  // Not the latest time but that of the last look: a clock that was once far ahead must not lock us out for ever.
  const last = await db
    .selectFrom('upstream_check')
    .select('finished_at')
    .where('upstream', '=', upstream)
    .where('outcome', 'in', ['new', 'unchanged'])
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  const newest = [kept?.newest, looked?.newest].filter((id) => typeof id === 'string').toSorted();
  const id = newest.at(-1);
  return { newest: id === undefined ? undefined : parseSnapshotId(id), lookedAt: last?.finished_at };
}

/** Of compressed files that were kept or proved: the index in each. */
export async function indexesInside(db: Db, compressed: readonly Sha256[]): Promise<Sha256[]> {
  if (compressed.length === 0) return [];
  const rows = await db
    .selectFrom('compressed_index')
    .select('index_sha256')
    .where('sha256', 'in', [...compressed])
    .execute();
  return rows.map((row) => row.index_sha256).filter(isSha256);
}

/** Any number, the same in every version of this program: it keeps these locks apart from others'. */
const upstreamSpace = 7203;

/**
 * Runs `work` while no other process follows the same upstream; waits until it may. Throws `aborted` when it is called
 * off before. The lock ends with the connection, so it outlives nobody.
 */
export async function withUpstreamLock<T>(
  db: Db,
  upstream: string,
  { signal, onWait }: { readonly signal?: AbortSignal | undefined; readonly onWait: () => void },
  work: () => Promise<T>,
): Promise<T> {
  return db.connection().execute(async (connection) => {
    const key = sql`${upstreamSpace}::int, hashtext(${upstream})`;
    for (;;) {
      const { rows } = await sql<{ free: boolean }>`select pg_try_advisory_lock(${key}) as free`.execute(connection);
      if (rows[0]?.free === true) break;
      onWait();
      await delay(250, undefined, { signal }).catch(() => {
        throw new SheafError('aborted', `Cannot follow upstream ${upstream}: it was called off`);
      });
    }
    try {
      return await work();
    } finally {
      await sql`select pg_advisory_unlock(${key})`.execute(connection);
    }
  });
}
