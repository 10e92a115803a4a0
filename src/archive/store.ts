/** The archive's tables. */
import { sql, type RawBuilder } from 'kysely';

import type { Db } from '../db/connect.ts';
import { recordEvent, recordEvents } from '../db/events.ts';
import type { Suite } from '../model/distribution.ts';
import type { InputFile, JobSpec } from '../model/job.ts';
import type { Label, SnapshotId, SuiteName } from '../model/names.ts';
import type { BinaryEntry, Content, LiveState, SourceEntry } from './content.ts';
import type { SnapshotTime } from './snapshot-time.ts';

export type { Db };
export { recordEvent, recordEvents };

/** First keys of our advisory locks; the second is the hash of a name. */
const suiteLock = 7301;
const repositoryLock = 7302;

/**
 * Runs with a connection of its own that holds the suite's lock: at most one at a time, whichever process or machine.
 * The lock ends with the connection, so a process that dies leaves none.
 */
export async function withSuiteLock<T>(db: Db, suite: SuiteName, work: (db: Db) => Promise<T>): Promise<T> {
  return db.connection().execute(async (own) => {
    await sql`select pg_advisory_lock(${suiteLock}::int, hashtext(${suite}))`.execute(own);
    try {
      return await work(own);
    } finally {
      // Fails only with the connection, and then the lock is gone too.
      await sql`select pg_advisory_unlock(${suiteLock}::int, hashtext(${suite}))`.execute(own).catch(() => {});
    }
  });
}

/** Ends when nobody publishes the suite: what was committed is in place then, unless its publisher died. */
export async function awaitPublication(db: Db, suite: SuiteName): Promise<void> {
  await withSuiteLock(db, suite, async () => {});
}

/** Acceptances into one repository follow one another: what one has looked at, no other changes meanwhile. */
export async function lockRepository(transaction: Db, repository: Label): Promise<void> {
  await sql`select pg_advisory_xact_lock(${repositoryLock}::int, hashtext(${repository}))`.execute(transaction);
}

export type AskedFor = {
  readonly source: string | null;
  readonly version: string | null;
  readonly suite: string;
};

export async function findTagBuild(db: Db, id: number): Promise<AskedFor | undefined> {
  return db.selectFrom('tag_build').select(['source', 'version', 'suite']).where('id', '=', id).executeTakeFirst();
}

export type JobFacts = {
  readonly architecture: string;
  readonly builds: JobSpec['builds'];
  readonly tag_build: number | null;
  readonly rebuild_task: number | null;
};

export async function findJob(db: Db, id: number): Promise<JobFacts | undefined> {
  const columns = ['architecture', 'builds', 'tag_build', 'rebuild_task'] as const;
  return db.selectFrom('job').select(columns).where('id', '=', id).executeTakeFirst();
}

export type SourceRow = {
  readonly id: number;
  readonly stanza: string;
  readonly files: readonly InputFile[];
};

export async function findSource(
  db: Db,
  repository: Label,
  name: string,
  version: string,
): Promise<SourceRow | undefined> {
  return db
    .selectFrom('source_package')
    .select(['id', 'stanza', 'files'])
    .where('repository', '=', repository)
    .where('name', '=', name)
    .where('version', '=', version)
    .executeTakeFirst();
}

export type PoolPath = { readonly path: string; readonly sha256: string; readonly size: number };

/** Those of the paths that the pool knows already. */
export async function findPoolFiles(db: Db, repository: Label, paths: readonly string[]): Promise<PoolPath[]> {
  if (paths.length === 0) return [];
  return db
    .selectFrom('pool_file')
    .select(['path', 'sha256', 'size'])
    .where('repository', '=', repository)
    .where('path', 'in', paths)
    .execute();
}

export type PublishedThing = { readonly source: number } | { readonly binary: number };

/** Whether the package is in the suite or waits to be. */
export async function hasPublication(db: Db, suite: SuiteName, thing: PublishedThing): Promise<boolean> {
  const state = await lastState(db, suite, thing);
  return state === 'PENDING' || state === 'PUBLISHED';
}

/** A package has at most one publication in a suite that is not ended, and no later one. */
async function lastState(db: Db, suite: SuiteName, thing: PublishedThing): Promise<string | undefined> {
  const query = db.selectFrom('publication').select('state').where('suite', '=', suite);
  const row = await (
    'source' in thing
      ? query.where('source_package', '=', thing.source)
      : query.where('binary_package', '=', thing.binary)
  )
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.state;
}

export async function insertPublication(db: Db, suite: SuiteName, thing: PublishedThing, now: Date): Promise<void> {
  await db
    .insertInto('publication')
    .values({
      suite,
      source_package: 'source' in thing ? thing.source : null,
      binary_package: 'binary' in thing ? thing.binary : null,
      created_at: now,
    })
    .execute();
}

/** What is in a suite or waits to be: everything, or that of some source packages. */
export async function liveContent(db: Db, suite: SuiteName, sources?: readonly string[]): Promise<Content> {
  return {
    sources: await liveSources(db, suite, sources),
    binaries: await liveBinaries(db, suite, sources),
  };
}

/**
 * The source packages that a publication can change: those with something that waits, and those whose binaries have the
 * same names as theirs, and so on.
 */
export async function movingSources(db: Db, suite: SuiteName): Promise<string[]> {
  // Each half has an index of its own that holds only such rows. Names are looked up row by row: the planner, who does not
  // know how few they are, would read all packages.
  const { rows } = await sql<{ source: string }>`
    with moving as materialized (
      select source_package, binary_package from publication where suite = ${suite} and state = 'PENDING'
      union all
      select source_package, binary_package from publication
        where suite = ${suite} and removed and state in ('PENDING', 'PUBLISHED')
    )
    select distinct coalesce(
      (select name from source_package where id = moving.source_package),
      (select source from binary_package where id = moving.binary_package)
    ) as source
    from moving`.execute(db);
  const found = new Set(rows.map((row) => row.source));
  for (let fresh = [...found]; fresh.length > 0;) {
    const sharing = await sql<{ source: string }>`
      select distinct other.source
      from binary_package own
        join binary_package other on other.repository = own.repository and other.name = own.name
        join publication p on p.binary_package = other.id
      where own.source = any(${fresh}) and p.suite = ${suite} and p.state in ('PENDING', 'PUBLISHED')`.execute(db);
    fresh = sharing.rows.map((row) => row.source).filter((source) => !found.has(source));
    for (const source of fresh) found.add(source);
  }
  return [...found];
}

/**
 * Everything that is in a suite or waits to be, with as little text as what a snapshot holds is decided by: of controls
 * the section, of sources the architectures.
 */
export async function liveOutline(db: Db, suite: SuiteName): Promise<Content> {
  const stanza = sql<string>`'Source: ' || s.name || ${textField('s.stanza', 'Architecture')}`;
  const control = sql<string>`'Package: ' || b.name || ${textField('b.control', 'Section')}`;
  return {
    sources: await inParts((after) => liveSources(db, suite, undefined, { text: stanza, after })),
    binaries: await inParts((after) => liveBinaries(db, suite, undefined, { text: control, after })),
  };
}

/** Rows that are read at a time where all are many: what comes of one part is let go before the next. */
const partSize = 4000;

type Outline = { readonly text: RawBuilder<string>; readonly after: number };

async function inParts<T extends { readonly publication: number }>(
  read: (after: number) => Promise<readonly T[]>,
): Promise<T[]> {
  const found: T[] = [];
  for (;;) {
    const part = await read(found.at(-1)?.publication ?? 0);
    for (const each of part) found.push(each);
    if (part.length < partSize) return found;
  }
}

/** The field with a line feed before it, or nothing. */
function textField(column: string, name: string) {
  return sql<string>`coalesce(E'\\n' || substring(${sql.ref(column)} from ${`(?ni)^${name}:.*$(?:\\n[ \\t].*$)*`}), '')`;
}

/** The controls of these publications. */
export async function findControls(db: Db, publications: readonly number[]): Promise<ReadonlyMap<number, string>> {
  const rows = await db
    .selectFrom('publication as p')
    .innerJoin('binary_package as b', 'b.id', 'p.binary_package')
    .select(['p.id', 'b.control'])
    .where(sql<boolean>`p.id = any(${publications}::bigint[])`)
    .execute();
  return new Map(rows.map((row) => [row.id, row.control]));
}

/** The stanzas of these publications' sources. */
export async function findStanzas(db: Db, publications: readonly number[]): Promise<ReadonlyMap<number, string>> {
  const rows = await db
    .selectFrom('publication as p')
    .innerJoin('source_package as s', 's.id', 'p.source_package')
    .select(['p.id', 's.stanza'])
    .where(sql<boolean>`p.id = any(${publications}::bigint[])`)
    .execute();
  return new Map(rows.map((row) => [row.id, row.stanza]));
}

async function liveSources(
  db: Db,
  suite: SuiteName,
  names?: readonly string[],
  outline?: Outline,
): Promise<SourceEntry[]> {
  const rows = await db
    .selectFrom('publication as p')
    .innerJoin('source_package as s', 's.id', 'p.source_package')
    .select(['p.id as publication', 'p.state', 'p.removed', 's.name', 's.version', 's.component', 's.directory'])
    .select(['s.files', 's.tag_build', (outline?.text ?? sql.ref<string>('s.stanza')).as('stanza')])
    .where('p.suite', '=', suite)
    .where('p.state', 'in', ['PENDING', 'PUBLISHED'])
    .$if(names !== undefined, (query) => query.where(sql<boolean>`s.name = any(${names})`))
    .$if(outline !== undefined, (query) => query.where('p.id', '>', outline!.after).limit(partSize))
    .orderBy('p.id')
    .execute();
  return rows.map(({ tag_build, ...row }) => ({
    ...row,
    state: row.state as LiveState,
    tagBuild: tag_build ?? undefined,
  }));
}

async function liveBinaries(
  db: Db,
  suite: SuiteName,
  sources?: readonly string[],
  outline?: Outline,
): Promise<BinaryEntry[]> {
  const rows = await db
    .selectFrom('publication as p')
    .innerJoin('binary_package as b', 'b.id', 'p.binary_package')
    .select(['p.id as publication', 'p.state', 'p.removed', 'b.name', 'b.version', 'b.architecture', 'b.source'])
    .select([
      'b.source_version',
      'b.component',
      (outline?.text ?? sql.ref<string>('b.control')).as('control'),
      'b.filename',
      'b.sha256',
      'b.size',
      'b.job',
    ])
    .where('p.suite', '=', suite)
    .where('p.state', 'in', ['PENDING', 'PUBLISHED'])
    .$if(sources !== undefined, (query) => query.where(sql<boolean>`b.source = any(${sources})`))
    .$if(outline !== undefined, (query) => query.where('p.id', '>', outline!.after).limit(partSize))
    .orderBy('p.id')
    .execute();
  return rows.map(({ source_version, job, ...row }) => ({
    ...row,
    state: row.state as LiveState,
    sourceVersion: source_version,
    job: job ?? undefined,
  }));
}

export type SnapshotRow = SnapshotTime & {
  readonly number: number;
  readonly state: 'staged' | 'published';
  readonly validUntil: Date;
  /** Binary packages in it. */
  readonly packages: number;
};

/** The newest published snapshot, and what a publication that did not end left behind. */
export async function latestSnapshots(
  db: Db,
  suite: SuiteName,
): Promise<{
  readonly published: SnapshotRow | undefined;
  readonly staged: readonly SnapshotRow[];
}> {
  const rows = await db
    .selectFrom('snapshot')
    .select(['number', 'state', 'snapshot_id', 'created_at', 'valid_until', 'packages'])
    .where('suite', '=', suite)
    .orderBy('number', 'desc')
    .limit(100)
    .execute();
  const snapshots = rows.map((row) => ({
    number: row.number,
    state: row.state,
    id: row.snapshot_id as SnapshotId,
    date: row.created_at,
    validUntil: row.valid_until,
    packages: row.packages,
  }));
  return {
    published: snapshots.find((snapshot) => snapshot.state === 'published'),
    staged: snapshots.filter((snapshot) => snapshot.state === 'staged'),
  };
}

/** The number of the snapshot that clients see, and how many binary packages it has. */
export async function newestSnapshot(
  db: Db,
  suite: SuiteName,
): Promise<{ readonly number: number; readonly packages: number } | undefined> {
  return db
    .selectFrom('snapshot')
    .select(['number', 'packages'])
    .where('suite', '=', suite)
    .where('state', '=', 'published')
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export async function insertStaged(
  db: Db,
  suite: Suite,
  snapshot: Omit<SnapshotRow, 'state' | 'packages'>,
): Promise<void> {
  await db
    .insertInto('snapshot')
    .values({
      suite: suite.name,
      number: snapshot.number,
      repository: suite.repository,
      snapshot_id: snapshot.id,
      created_at: snapshot.date,
      valid_until: snapshot.validUntil,
      in_release_sha256: null,
    })
    .execute();
}

export async function deleteStaged(db: Db, suite: SuiteName, number: number): Promise<void> {
  await db
    .deleteFrom('snapshot')
    .where('suite', '=', suite)
    .where('number', '=', number)
    .where('state', '=', 'staged')
    .execute();
}

/** False when the staged row is no longer there: somebody else has taken over. */
export async function markPublished(
  db: Db,
  suite: SuiteName,
  number: number,
  facts: { readonly inRelease: string; readonly packages: number },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('snapshot')
    .set({ state: 'published', in_release_sha256: facts.inRelease, packages: facts.packages })
    .where('suite', '=', suite)
    .where('number', '=', number)
    .where('state', '=', 'staged')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Publications that come in with a snapshot. Returns how many did. */
export async function beginPublications(db: Db, ids: readonly number[], number: number, now: Date): Promise<number> {
  if (ids.length === 0) return 0;
  const { numUpdatedRows } = await db
    .updateTable('publication')
    .set({ state: 'PUBLISHED', published_at: now, first_snapshot: number })
    .where(sql<boolean>`id = any(${ids}::bigint[])`)
    .where('state', '=', 'PENDING')
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

/** Publications that end with a snapshot. Returns how many did. */
export async function endPublications(
  db: Db,
  ids: readonly number[],
  state: 'SUPERSEDED' | 'OBSOLETE' | 'DELETED',
  number: number,
  now: Date,
): Promise<number> {
  if (ids.length === 0) return 0;
  const { numUpdatedRows } = await db
    .updateTable('publication')
    .set({ state, ended_at: now, last_snapshot: number })
    .where(sql<boolean>`id = any(${ids}::bigint[])`)
    .where('state', 'in', ['PENDING', 'PUBLISHED'])
    .executeTakeFirst();
  return Number(numUpdatedRows);
}
