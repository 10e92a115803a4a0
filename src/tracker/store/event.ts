/** Events. */
import type { Selectable } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { EventTable } from '../../db/schema.ts';

export type EventRow = Selectable<EventTable>;

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
