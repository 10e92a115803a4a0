/** Jobs and their attempts. */
import { sql, type Selectable } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { AttemptTable } from '../../db/schema.ts';
import type { JobSpec, JobState } from '../../model/job.ts';
import { bound } from './bound.ts';

export type AttemptRow = Selectable<AttemptTable>;
/** A job without its whole specification. */
export type JobRow = Awaited<ReturnType<typeof readJobs>>[number];

function jobs(db: Db) {
  return db
    .selectFrom('job')
    .leftJoin('rebuild_task as task', 'task.id', 'job.rebuild_task')
    .select([
      'job.id',
      'job.tag_build',
      'job.kind',
      'job.architecture',
      'job.builds',
      'job.pool',
      'job.priority',
      'job.state',
      'job.reason',
      'job.attempt',
      'job.max_attempts',
      'job.worker',
      'job.lease_expires_at',
      'job.not_before',
      'job.created_at',
      'job.finished_at',
      sql<string>`coalesce(job.spec->>'source', '')`.as('source'),
      sql<string>`coalesce(job.spec->>'version', '')`.as('version'),
      sql<string | null>`job.spec->'origin'->>'suite'`.as('suite'),
      sql<string | null>`job.spec->'origin'->>'place'`.as('place'),
      'job.rebuild_task',
      'task.rebuild',
      sql<string | null>`job.spec->>'lock'`.as('lock'),
      sql<string | null>`job.spec->>'baseLock'`.as('base_lock'),
    ]);
}

export function readJobs(db: Db, ids: readonly number[]) {
  return ids.length === 0 ? Promise.resolve([]) : jobs(db).where('job.id', 'in', ids).orderBy('job.id').execute();
}

export async function readJobsOf(db: Db, tagBuilds: readonly number[]): Promise<JobRow[]> {
  if (tagBuilds.length === 0) return [];
  return jobs(db).where('job.tag_build', 'in', tagBuilds).orderBy('job.id').limit(bound).execute();
}

export type JobFilters = {
  readonly state?: JobState | undefined;
  readonly architecture?: string | undefined;
  readonly source?: string | undefined;
  readonly worker?: string | undefined;
  readonly tagBuild?: number | undefined;
};

/** Newest first. */
export async function listJobs(
  db: Db,
  filters: JobFilters,
  before: number | undefined,
  limit: number,
): Promise<JobRow[]> {
  let query = jobs(db).orderBy('job.id', 'desc').limit(limit);
  if (filters.state !== undefined) query = query.where('job.state', '=', filters.state);
  if (filters.architecture !== undefined) query = query.where('job.architecture', '=', filters.architecture);
  if (filters.worker !== undefined) query = query.where('job.worker', '=', filters.worker);
  if (filters.tagBuild !== undefined) query = query.where('job.tag_build', '=', filters.tagBuild);
  if (filters.source !== undefined) {
    const { source } = filters;
    query = query.where('job.tag_build', 'in', (inner) =>
      inner.selectFrom('tag_build').select('tag_build.id').where('tag_build.source', '=', source),
    );
  }
  if (before !== undefined) query = query.where('job.id', '<', before);
  return query.execute();
}

export async function readRunningJobs(db: Db, limit: number): Promise<JobRow[]> {
  return jobs(db).where('job.state', '=', 'Building').orderBy('job.id').limit(limit).execute();
}

export async function readJobSpec(db: Db, id: number): Promise<JobSpec | undefined> {
  const row = await db.selectFrom('job').select('spec').where('id', '=', id).executeTakeFirst();
  return row?.spec;
}

/** How many jobs wait, by architecture. */
export async function countWaitingJobs(db: Db): Promise<{ architecture: string; count: number }[]> {
  return db
    .selectFrom('job')
    .select(['architecture', (eb) => eb.fn.countAll<number>().as('count')])
    .where('state', '=', 'Needs-Build')
    .groupBy('architecture')
    .orderBy('architecture')
    .execute();
}

export async function readAttempts(db: Db, jobIds: readonly number[]): Promise<AttemptRow[]> {
  if (jobIds.length === 0) return [];
  return db
    .selectFrom('attempt')
    .selectAll()
    .where('job', 'in', jobIds)
    .orderBy('job')
    .orderBy('number')
    .limit(bound)
    .execute();
}

export async function readAttempt(db: Db, job: number, number: number): Promise<AttemptRow | undefined> {
  return db.selectFrom('attempt').selectAll().where('job', '=', job).where('number', '=', number).executeTakeFirst();
}
