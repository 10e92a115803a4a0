/** Tag builds. */
import { sql, type Selectable } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { TagBuildTable } from '../../db/schema.ts';
import type { TagBuildState } from '../../model/tag-build.ts';

export type TagBuildRow = Selectable<TagBuildTable>;

const openStates: readonly TagBuildState[] = ['RECEIVED', 'ACCEPTED'];

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

/** Of these tag builds the ones whose source package never was in their suite, and waits for it no more. */
export async function readPassedOver(db: Db, ids: readonly number[]): Promise<ReadonlySet<number>> {
  if (ids.length === 0) return new Set();
  const rows = await db
    .selectFrom('tag_build')
    .innerJoin('source_package', 'source_package.tag_build', 'tag_build.id')
    .innerJoin('publication', 'publication.source_package', 'source_package.id')
    .select('tag_build.id')
    .where('tag_build.id', 'in', ids)
    .whereRef('publication.suite', '=', 'tag_build.suite')
    .groupBy('tag_build.id')
    .having(sql<boolean>`bool_and(publication.published_at is null and publication.ended_at is not null)`)
    .execute();
  return new Set(rows.map((row) => row.id));
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
