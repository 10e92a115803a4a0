/** Events. */
import type { Selectable } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { EventTable } from '../../db/schema.ts';

export type EventRow = Selectable<EventTable>;

export type EventFilters = {
  readonly source?: string | undefined;
  readonly tagBuild?: number | undefined;
  readonly suite?: string | undefined;
  /** Only what this person did; `*`: what any person did. */
  readonly actor?: string | undefined;
};

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
  if (filters.suite !== undefined) query = query.where('suite', '=', filters.suite);
  if (filters.actor === '*') query = query.where('actor', 'is not', null);
  else if (filters.actor !== undefined) query = query.where('actor', '=', filters.actor);
  if (before !== undefined) query = query.where('id', '<', before);
  return query.execute();
}
