/** What the read models ask of the database: rows in, bounded always, nothing written. */
import { sql, type Selectable } from 'kysely';

import type { Db } from '../db/connect.ts';
import type {
  AttemptTable,
  EventTable,
  SnapshotTable,
  StatementTable,
  TagBuildTable,
  WorkerTable,
} from '../db/schema.ts';
import type { JobSpec, JobState } from '../model/job.ts';
import type { TagBuildState } from '../model/tag-build.ts';

export type { Db };

export type TagBuildRow = Selectable<TagBuildTable>;
export type AttemptRow = Selectable<AttemptTable>;
export type EventRow = Selectable<EventTable>;
export type SnapshotRow = Selectable<SnapshotTable>;
export type StatementRow = Selectable<StatementTable>;
export type WorkerRow = Selectable<WorkerTable>;

/** A job without its whole specification. */
export type JobRow = Awaited<ReturnType<typeof readJobs>>[number];
export type PackageFileRow = Awaited<ReturnType<typeof readBinaryPackages>>[number];
export type SourcePackageRow = Awaited<ReturnType<typeof readSourcePackages>>[number];
export type PublicationRow = Awaited<ReturnType<typeof readPublications>>[number];
export type LivePackageRow = Awaited<ReturnType<typeof readLivePackages>>[number];

/** Most rows of one kind that belong to one thing on a page (jobs of a tag build, files of a job). */
const bound = 2000;

const openStates: readonly TagBuildState[] = ['RECEIVED', 'ACCEPTED'];

function jobs(db: Db) {
  return db
    .selectFrom('job')
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
      sql<string>`coalesce(job.spec->'origin'->>'suite', '')`.as('suite'),
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

export async function readTagBuild(db: Db, id: number): Promise<TagBuildRow | undefined> {
  return db.selectFrom('tag_build').selectAll().where('id', '=', id).executeTakeFirst();
}

export type TagBuildFilters = {
  readonly states?: readonly TagBuildState[] | undefined;
  readonly source?: string | undefined;
};

/** Newest first. */
export async function listTagBuilds(
  db: Db,
  filters: TagBuildFilters,
  before: number | undefined,
  limit: number,
): Promise<TagBuildRow[]> {
  let query = db.selectFrom('tag_build').selectAll().orderBy('id', 'desc').limit(limit);
  if (filters.states !== undefined) query = query.where('state', 'in', filters.states);
  if (filters.source !== undefined) query = query.where('source', '=', filters.source);
  if (before !== undefined) query = query.where('id', '<', before);
  return query.execute();
}

export function readOpenTagBuilds(db: Db, limit: number): Promise<TagBuildRow[]> {
  return listTagBuilds(db, { states: openStates }, undefined, limit);
}

/** How often each tag build was asked for again. */
export async function countDuplicates(db: Db, ids: readonly number[]): Promise<Map<number, number>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('tag_build')
    .select(['duplicate_of', (eb) => eb.fn.countAll<number>().as('count')])
    .where('duplicate_of', 'in', ids)
    .groupBy('duplicate_of')
    .execute();
  return new Map(rows.map((row) => [row.duplicate_of!, row.count]));
}

/** The newest tag build of each source and suite in one of these states. */
export async function readNewestTagBuilds(
  db: Db,
  sources: readonly string[],
  states: readonly TagBuildState[],
): Promise<TagBuildRow[]> {
  if (sources.length === 0) return [];
  return db
    .selectFrom('tag_build')
    .selectAll()
    .distinctOn(['source', 'suite'])
    .where('source', 'in', sources)
    .where('state', 'in', states)
    .orderBy('source')
    .orderBy('suite')
    .orderBy('id', 'desc')
    .execute();
}

/** Names of source packages that were ever built or refused by name, in order. `part` must be in the name. */
export async function listSourceNames(
  db: Db,
  part: string | undefined,
  after: string | undefined,
  limit: number,
): Promise<string[]> {
  const pattern = part === undefined ? '%' : `%${part.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  const { rows } = await sql<{ name: string }>`
    select name from (
      select distinct source as name from tag_build where source is not null
      union
      select distinct name from source_package
    ) as every
    where name like ${pattern} and name > ${after ?? ''}
    order by name limit ${limit}`.execute(db);
  return rows.map((row) => row.name);
}

export function readSourcePackages(db: Db, tagBuilds: readonly number[]) {
  return tagBuilds.length === 0
    ? Promise.resolve([])
    : db
        .selectFrom('source_package')
        .select(['id', 'repository', 'name', 'version', 'component', 'directory', 'files', 'tag_build', 'accepted_at'])
        .where('tag_build', 'in', tagBuilds)
        .orderBy('id')
        .limit(bound)
        .execute();
}

export function readBinaryPackages(db: Db, jobIds: readonly number[]) {
  return jobIds.length === 0
    ? Promise.resolve([])
    : db
        .selectFrom('binary_package')
        .select([
          'id',
          'repository',
          'name',
          'version',
          'architecture',
          'filename',
          'sha256',
          'size',
          'job',
          'attempt',
          'accepted_at',
        ])
        .where('job', 'in', jobIds)
        .orderBy('name')
        .orderBy('architecture')
        .limit(bound)
        .execute();
}

export function readPublications(db: Db, sourcePackages: readonly number[], binaryPackages: readonly number[]) {
  if (sourcePackages.length + binaryPackages.length === 0) return Promise.resolve([]);
  return db
    .selectFrom('publication')
    .selectAll()
    .where((eb) =>
      eb.or([
        ...(sourcePackages.length > 0 ? [eb('source_package', 'in', sourcePackages)] : []),
        ...(binaryPackages.length > 0 ? [eb('binary_package', 'in', binaryPackages)] : []),
      ]),
    )
    .orderBy('id')
    .limit(bound * 2)
    .execute();
}

/** Every publication of these source packages and of what was built from them, whatever became of it. */
export function readLivePackages(db: Db, sources: readonly string[]) {
  if (sources.length === 0) return Promise.resolve([]);
  const source = db
    .selectFrom('publication')
    .innerJoin('source_package', 'source_package.id', 'publication.source_package')
    .select([
      'publication.suite',
      'publication.state',
      'publication.created_at',
      'publication.published_at',
      'publication.ended_at',
      'publication.first_snapshot',
      'source_package.name as source',
      'source_package.version',
      sql<string>`'source'`.as('architecture'),
    ])
    .where('source_package.name', 'in', sources);
  const binary = db
    .selectFrom('publication')
    .innerJoin('binary_package', 'binary_package.id', 'publication.binary_package')
    .select([
      'publication.suite',
      'publication.state',
      'publication.created_at',
      'publication.published_at',
      'publication.ended_at',
      'publication.first_snapshot',
      'binary_package.source',
      'binary_package.source_version as version',
      'binary_package.architecture',
    ])
    .where('binary_package.source', 'in', sources);
  return source.unionAll(binary).orderBy('created_at', 'desc').limit(20_000).execute();
}

/** Source packages in a suite now, by name. */
export async function listSuiteSources(db: Db, suite: string, after: string | undefined, limit: number) {
  let query = db
    .selectFrom('publication')
    .innerJoin('source_package', 'source_package.id', 'publication.source_package')
    .select([
      'source_package.name',
      'source_package.version',
      'source_package.component',
      'publication.state',
      'publication.published_at',
      'publication.first_snapshot',
    ])
    .where('publication.suite', '=', suite)
    .where('publication.state', 'in', ['PENDING', 'PUBLISHED'])
    .orderBy('source_package.name')
    .orderBy('publication.id', 'desc')
    .distinctOn('source_package.name')
    .limit(limit);
  if (after !== undefined) query = query.where('source_package.name', '>', after);
  return query.execute();
}

/** Binary packages in a suite now that were built from these sources. */
export async function readSuiteBinaries(db: Db, suite: string, sources: readonly string[]) {
  if (sources.length === 0) return [];
  return db
    .selectFrom('publication')
    .innerJoin('binary_package', 'binary_package.id', 'publication.binary_package')
    .select([
      'binary_package.source',
      'binary_package.name',
      'binary_package.version',
      'binary_package.architecture',
      'binary_package.sha256',
      'publication.state',
    ])
    .where('publication.suite', '=', suite)
    .where('publication.state', 'in', ['PENDING', 'PUBLISHED'])
    .where('binary_package.source', 'in', sources)
    .orderBy('binary_package.name')
    .orderBy('binary_package.architecture')
    .limit(bound * 5)
    .execute();
}

/** Live publications of each suite. */
export async function countSuitePackages(db: Db) {
  return db
    .selectFrom('publication')
    .select([
      'suite',
      (eb) => eb.fn.count<number>('source_package').as('sources'),
      (eb) => eb.fn.count<number>('binary_package').as('binaries'),
      sql<number>`count(*) filter (where state = 'PENDING')`.as('pending'),
    ])
    .where('state', 'in', ['PENDING', 'PUBLISHED'])
    .groupBy('suite')
    .execute();
}

export async function readNewestSnapshots(db: Db): Promise<SnapshotRow[]> {
  return db
    .selectFrom('snapshot')
    .selectAll()
    .distinctOn('suite')
    .where('state', '=', 'published')
    .orderBy('suite')
    .orderBy('number', 'desc')
    .execute();
}

/** Newest first. */
export async function listSnapshots(db: Db, suite: string, before: number | undefined, limit: number) {
  let query = db
    .selectFrom('snapshot')
    .selectAll()
    .where('suite', '=', suite)
    .where('state', '=', 'published')
    .orderBy('number', 'desc')
    .limit(limit);
  if (before !== undefined) query = query.where('number', '<', before);
  return query.execute();
}

export async function readSnapshots(db: Db, suite: string, numbers: readonly number[]): Promise<SnapshotRow[]> {
  if (numbers.length === 0) return [];
  return db.selectFrom('snapshot').selectAll().where('suite', '=', suite).where('number', 'in', numbers).execute();
}

export async function readWorkers(db: Db): Promise<WorkerRow[]> {
  return db.selectFrom('worker').selectAll().orderBy('name').limit(bound).execute();
}

export async function readWorker(db: Db, name: string): Promise<WorkerRow | undefined> {
  return db.selectFrom('worker').selectAll().where('name', '=', name).executeTakeFirst();
}

export type EventFilters = { readonly source?: string | undefined; readonly tagBuild?: number | undefined };

/** Newest first. */
export async function listEvents(
  db: Db,
  filters: EventFilters,
  before: number | undefined,
  limit: number,
): Promise<EventRow[]> {
  let query = db.selectFrom('event').selectAll().orderBy('id', 'desc').limit(limit);
  if (filters.source !== undefined) query = query.where('source', '=', filters.source);
  if (filters.tagBuild !== undefined) query = query.where('tag_build', '=', filters.tagBuild);
  if (before !== undefined) query = query.where('id', '<', before);
  return query.execute();
}

/** Statements about a file, or the rows of one envelope, by SHA-256. */
export async function readStatements(db: Db, sha256: string): Promise<StatementRow[]> {
  return db
    .selectFrom('statement')
    .selectAll()
    .where((eb) => eb.or([eb('sha256', '=', sha256), eb('subject_sha256', '=', sha256)]))
    .orderBy('created_at')
    .orderBy('subject_name')
    .limit(bound)
    .execute();
}

export async function readStatementsOf(db: Db, job: number, envelopes: readonly string[]): Promise<StatementRow[]> {
  if (envelopes.length === 0) return [];
  return db
    .selectFrom('statement')
    .selectAll()
    .where('sha256', 'in', envelopes)
    .where('job', '=', job)
    .orderBy('subject_name')
    .limit(bound)
    .execute();
}

/**
 * A job's log from byte `from`, in the chunks that it came in; the first may begin before `from`. At most `limit`
 * chunks.
 */
export async function readLogChunks(
  db: Db,
  job: number,
  attempt: number,
  from: number,
  limit: number,
): Promise<{ position: number; bytes: Buffer }[]> {
  const { rows } = await sql<{ position: number; bytes: Buffer }>`
    select position, bytes from log_chunk
    where job = ${job} and attempt = ${attempt} and position >= coalesce(
      (select max(position) from log_chunk where job = ${job} and attempt = ${attempt} and position <= ${from}), 0)
    order by position limit ${limit}`.execute(db);
  return rows;
}

export async function readAttempt(db: Db, job: number, number: number): Promise<AttemptRow | undefined> {
  return db.selectFrom('attempt').selectAll().where('job', '=', job).where('number', '=', number).executeTakeFirst();
}
