/** Locks that jobs name: the environments of builds. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';

export type LockRow = {
  readonly sha256: string;
  /** The newest job that names it, and how many of those looked at do. */
  readonly job: number;
  readonly architecture: string;
  readonly source: string;
  readonly version: string;
  readonly used_at: Date;
  readonly jobs: number;
};

/** So many jobs are looked at: older environments are history. */
const mostJobs = 5000;

/** Of the newest jobs, each environment once, those used last first; from jobs older than `before` on. */
export async function listLockRows(db: Db, before: number | undefined, limit: number): Promise<LockRow[]> {
  const { rows } = await sql<LockRow>`
    with newest as (
      select id, created_at, architecture, spec->>'lock' as lock,
        coalesce(spec->>'source', '') as source, coalesce(spec->>'version', '') as version
      from job order by id desc limit ${mostJobs}
    ), locks as (
      select distinct on (lock) lock as sha256, id as job, architecture, source, version, created_at as used_at,
        count(*) over (partition by lock)::int as jobs
      from newest where lock is not null order by lock, id desc
    )
    select * from locks where ${before ?? null}::bigint is null or job < ${before ?? null}::bigint
    order by job desc limit ${limit}`.execute(db);
  return rows;
}

/** The newest jobs that name a lock as their environment or as what that was built on. */
export async function readJobsOfLock(db: Db, lock: string, limit: number): Promise<number[]> {
  const { rows } = await sql<{ id: number }>`
    select id from job where spec->>'lock' = ${lock} or spec->>'baseLock' = ${lock}
    order by id desc limit ${limit}`.execute(db);
  return rows.map(({ id }) => id);
}
