/** Rebuilds that are known: one, those about a file or a package, and the newest of every published file. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { CauseKind, RebuildResult, Verdict } from '../../model/rebuild.ts';

/** Most rebuilds of one thing that are shown. */
const bound = 200;

export type Rebuild = {
  readonly id: number;
  /** The envelope's blob. */
  readonly statement: string;
  /** `foreign`: a rebuilder that sheaf.toml names. */
  readonly origin: 'own' | 'foreign';
  readonly rebuilder: string;
  /** Of another rebuilder, by which its statement was taken; none of what was taken before keys were written down. */
  readonly key: string | undefined;
  readonly job: number | undefined;
  readonly recordedAt: Date;
  /** Where its files are published, by the names of here; what another rebuilder calls it stands in the result. */
  readonly place: string | undefined;
  readonly result: RebuildResult;
};

/** What rebuilds are looked for by; each narrows. */
export type RebuildQuery = {
  readonly id?: number | undefined;
  /** Of a published or a rebuilt file, of an envelope, or of anything that a result names. */
  readonly sha256?: string | undefined;
  /** Of a source package, or of one of its binary packages. */
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  readonly architecture?: string | undefined;
  readonly place?: string | undefined;
};

/** Newest first, at most some hundred. */
export async function findRebuilds(db: Db, by: RebuildQuery): Promise<Rebuild[]> {
  let query = db
    .selectFrom('rebuild')
    .select(['id', 'statement', 'origin', 'rebuilder', 'key', 'job', 'recorded_at', 'place', 'result'])
    .orderBy('id', 'desc')
    .limit(bound);
  if (by.id !== undefined) query = query.where('id', '=', by.id);
  if (by.place !== undefined) query = query.where('place', '=', by.place);
  if (by.architecture !== undefined) query = query.where('architecture', '=', by.architecture);
  if (by.sha256 !== undefined) {
    const { sha256 } = by;
    query = query.where((eb) =>
      eb.or([
        eb('statement', '=', sha256),
        eb(
          'id',
          'in',
          eb
            .selectFrom('rebuild_file')
            .select('rebuild')
            .where((file) => file.or([file('sha256', '=', sha256), file('rebuilt_sha256', '=', sha256)])),
        ),
        ...(['lock', 'buildinfo', 'log', 'difference', 'diffoscope'] as const).map((blob) =>
          eb(sql<string>`result->>${sql.lit(blob)}`, '=', sha256),
        ),
      ]),
    );
  }
  for (const [column, value] of [
    ['name', by.name],
    ['version', by.version],
  ] as const) {
    if (value === undefined) continue;
    query = query.where((eb) =>
      eb.or([
        eb(column === 'name' ? 'source' : 'version', '=', value),
        eb('id', 'in', eb.selectFrom('rebuild_file').select('rebuild').where(column, '=', value)),
      ]),
    );
  }
  const rows = await query.execute();
  return rows.map(({ recorded_at, key, job, place, result, ...same }) => ({
    ...{ ...same, key: key ?? undefined, job: job ?? undefined, recordedAt: recorded_at },
    ...{ place: place ?? undefined, result },
  }));
}

/** What came of each of these rebuilds, by its id. */
export async function findResults(db: Db, ids: readonly number[]): Promise<ReadonlyMap<number, RebuildResult>> {
  const rows = await db
    .selectFrom('rebuild')
    .select(['id', 'result'])
    .where(sql<boolean>`id = any(${[...ids]}::bigint[])`)
    .execute();
  return new Map(rows.map(({ id, result }) => [id, result]));
}

/** Whose words count beside our own: rebuilders of sheaf.toml that are not revoked, their names by their keys. */
export type Believed = { readonly foreign: ReadonlyMap<string, string> };

export type StatusFilters = {
  readonly verdict?: Verdict | undefined;
  readonly cause?: CauseKind | undefined;
  readonly place?: string | undefined;
  readonly architecture?: string | undefined;
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  /** Names that have this in them. */
  readonly contains?: string | undefined;
  /** Only those of which rebuilders say different things. */
  readonly disputed?: boolean | undefined;
};

/**
 * A published file and its status: of what the rebuilders who are believed say of it, the best verdict. One who made the
 * same bytes has shown that they can be made; that another did not is told beside it.
 */
export type FileStatus = Awaited<ReturnType<typeof listStatuses>>[number];

/** By package name; `after` is the last key of the page before. */
export async function listStatuses(
  db: Db,
  filters: StatusFilters,
  believed: Believed,
  page: { readonly after?: string | undefined; readonly limit: number },
) {
  const status = statusOfFiles(db, believed).as('status');
  let query = db.selectFrom(status).selectAll().orderBy('key').limit(page.limit);
  for (const column of ['verdict', 'architecture', 'name', 'version'] as const) {
    const value = filters[column];
    if (value !== undefined) query = query.where(column, '=', value);
  }
  if (filters.place !== undefined) query = query.where('sha256', 'in', filesOf(db, filters.place));
  if (filters.contains !== undefined) query = query.where(sql<boolean>`strpos(name, ${filters.contains}) > 0`);
  if (filters.disputed === true) {
    const words = wordsOnFiles(db, believed).as('word');
    const disputed = db.selectFrom(words).select('sha256').where('verdict', '<>', 'unknown').groupBy('sha256');
    query = query.where('sha256', 'in', disputed.having(sql<boolean>`count(distinct verdict) > 1`));
  }
  if (filters.cause !== undefined) {
    query = query.where(sql<boolean>`causes @> ${JSON.stringify([{ kind: filters.cause, confirmed: true }])}::jsonb`);
  }
  if (page.after !== undefined) query = query.where('key', '>', page.after);
  return query.execute();
}

/** The status of each of these files that anybody has said something of. */
export async function statusOfHashes(db: Db, sha256: readonly string[], believed: Believed): Promise<FileStatus[]> {
  return statusOfFiles(db, believed, sha256).execute();
}

/** What another rebuilder says of a file than the one whose verdict is its status. */
export type OtherWord = { readonly rebuilder: string; readonly verdict: Verdict; readonly rebuild: number };

/** The words of all others who are believed, by the SHA-256 of the file; what they could not try is none. */
export async function otherWords(
  db: Db,
  statuses: readonly Pick<FileStatus, 'sha256' | 'rebuild'>[],
  believed: Believed,
): Promise<ReadonlyMap<string, readonly OtherWord[]>> {
  const hashes = statuses.map(({ sha256 }) => sha256);
  const chosen = new Set(statuses.map(({ sha256, rebuild }) => `${sha256} ${rebuild}`));
  const rows = await wordsOnFiles(db, believed, hashes).execute();
  const others = rows.filter(
    ({ sha256, rebuild, verdict }) => verdict !== 'unknown' && !chosen.has(`${sha256} ${rebuild}`),
  );
  const word = ({ rebuilder, verdict, rebuild }: FileStatus): OtherWord => ({ rebuilder, verdict, rebuild });
  return new Map([...Map.groupBy(others, ({ sha256 }) => sha256)].map(([sha256, group]) => [sha256, group.map(word)]));
}

/** One row for each published file of which anybody who is believed has said something; or of `hashes` alone. */
export function statusOfFiles(db: Db, believed: Believed, hashes?: readonly string[]) {
  return (
    db
      .selectFrom(wordsOnFiles(db, believed, hashes).as('word'))
      .distinctOn('sha256')
      .selectAll()
      .orderBy('sha256')
      .orderBy(sql`array_position(array['reproduced', 'differs', 'failed'], verdict)`)
      // Of two who say the same, one who knows why, and before a stranger's word our own, which has its log and difference.
      .orderBy(sql`verdict = 'differs' and causes @> '[{"confirmed": true}]'::jsonb`, 'desc')
      .orderBy(sql`origin = 'own'`, 'desc')
      .orderBy('rebuild', 'desc')
  );
}

/** The newest that each rebuilder who is believed says of each published file. What could not be tried takes nothing back. */
function wordsOnFiles(db: Db, believed: Believed, hashes?: readonly string[]) {
  const words = wordsOf(db, believed)
    .distinctOn(['f.sha256', who])
    .select([
      ...(['f.sha256', 'f.file', 'f.name', 'f.version', 'f.architecture', 'f.verdict', 'f.rebuilt_sha256'] as const),
      ...(['r.id as rebuild', 'r.origin', 'r.place', 'r.source', 'r.finished_at'] as const),
      sql<string>`coalesce(known.value, r.rebuilder)`.as('rebuilder'),
      ...(['r.version as source_version', 'r.architecture as rebuilt_for'] as const),
      sql<RebuildResult['causes']>`case when ${isOfOthers} then '[]'::jsonb else r.result->'causes' end`.as('causes'),
      sql<string | null>`case when ${isOfOthers} then null else r.result->>'reason' end`.as('reason'),
      sql<string>`(f.name || '/' || f.version || '/' || f.architecture || '/' || f.sha256) collate "C"`.as('key'),
    ])
    .orderBy('f.sha256')
    .orderBy(who)
    .orderBy(sql`f.verdict = 'unknown'`)
    .orderBy('f.rebuild', 'desc');
  return hashes === undefined ? words : words.where(sql<boolean>`f.sha256 = any(${[...hashes]}::text[])`);
}

/** Why a rebuild was not reproduced says nothing of those of its files that were. */
const isOfOthers = sql`f.verdict = 'reproduced' and r.verdict <> 'reproduced'`;

/** The files of a place, by what anybody has rebuilt there: of two rebuilders of one file, one may know another place. */
export function filesOf(db: Db, place: string) {
  return db
    .selectFrom('rebuild_file as o')
    .innerJoin('rebuild as q', 'q.id', 'o.rebuild')
    .select('o.sha256')
    .where('q.place', '=', place);
}

/** Whose word it is, by the name of today. We ourselves are one, by whatever name; no other is called so. */
export const who = sql<string>`case r.origin when 'own' then '' else coalesce(known.value, r.rebuilder) end`;

/** Every word of those who are believed, and the rebuild that it is of. */
export function wordsOf(db: Db, { foreign }: Believed) {
  const names = JSON.stringify(Object.fromEntries(foreign));
  return db
    .selectFrom('rebuild_file as f')
    .innerJoin('rebuild as r', 'r.id', 'f.rebuild')
    .leftJoin(
      sql<{ readonly key: string; readonly value: string }>`jsonb_each_text(${names}::jsonb)`.as('known'),
      'known.key',
      'r.key',
    )
    .where((eb) =>
      eb.or([
        eb('r.origin', '=', 'own'),
        eb('known.key', 'is not', null),
        eb('r.key', 'is', null).and(sql<boolean>`r.rebuilder = any(${[...foreign.values()]}::text[])`),
      ]),
    );
}

/** The same for as long as nothing is recorded: no rebuild is ever changed or taken out. */
export async function stateOfRebuilds(db: Db, { foreign }: Believed): Promise<string> {
  const state = await db
    .selectFrom('rebuild')
    .select((eb) => [eb.fn.countAll<number>().as('count'), eb.fn.max('id').as('newest')])
    .executeTakeFirstOrThrow();
  return JSON.stringify([state, [...foreign]]);
}

/**
 * Where most of these files are published: a place of which we have rebuilt them, a suite of ours, or one that is
 * followed, also if it has them no more.
 */
export async function placeOfFiles(db: Db, sha256: readonly string[]): Promise<string | undefined> {
  const { rows } = await sql<{ readonly place: string }>`
    with wanted as (select unnest(${[...sha256]}::text[]) as sha256)
    select place from (
      select f.sha256, r.place, 0 as rank
      from wanted join rebuild_file f using (sha256) join rebuild r on r.id = f.rebuild
      where r.origin = 'own' and r.place is not null
      union
      select b.sha256, p.suite, 1
      from wanted join binary_package b using (sha256) join publication p on p.binary_package = b.id
      union
      select s.sha256, l.place, 2
      from wanted join stanza s using (sha256)
      -- Kept apart, for the planner would begin at all that is published.
      cross join lateral (
        select i.origin || '/' || i.suite as place
        from presence r join history_index i on i.id = r.index and i.origin <> '' and i.kind = 'packages'
        where r.piece = s.piece
        offset 0
      ) l
      where s.kind = 'binary'
    ) as known
    group by place, rank order by rank, count(distinct sha256) desc, place limit 1`.execute(db);
  return rows[0]?.place;
}

/** Whether a followed suite is called so. */
export async function isFollowed(db: Db, place: string): Promise<boolean> {
  const found = await db
    .selectFrom('history_index')
    .select('id')
    .where('origin', '<>', '')
    .where(sql<boolean>`origin || '/' || suite = ${place}`)
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

/** The hashes under which a binary package is known, here or in a followed upstream. */
export async function knownDigests(db: Db, name: string, version: string, architecture: string): Promise<string[]> {
  const { rows } = await sql<{ sha256: string }>`
    select sha256 from binary_package where name = ${name} and version = ${version} and architecture = ${architecture}
    union
    select sha256 from stanza
    where kind = 'binary' and name = ${name} and version = ${version} and architecture = ${architecture}
    order by 1 limit 20`.execute(db);
  return rows.map((row) => row.sha256);
}
