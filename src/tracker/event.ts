/** What happened, newest first. */
import { limitOf, numberAfter, toPage, type Page, type PageRequest } from './page.ts';
import * as store from './store.ts';
import type { Db, EventFilters, EventRow } from './store.ts';

export type EventView = {
  readonly id: number;
  readonly at: Date;
  readonly kind: string;
  readonly message: string;
  readonly tagBuild: number | undefined;
  readonly job: number | undefined;
  readonly suite: string | undefined;
  readonly source: string | undefined;
  /** Whose doing it is, when a person's. */
  readonly actor: string | undefined;
  /** The upload of the NEW queue that it is about. */
  readonly upload: number | undefined;
};

export async function listEvents(db: Db, filters: EventFilters, request: PageRequest = {}): Promise<Page<EventView>> {
  const limit = limitOf(request);
  const rows = await store.listEvents(db, filters, numberAfter(request), limit + 1);
  return toPage(rows, limit, (row) => row.id, viewEvent);
}

export function viewEvent(row: EventRow): EventView {
  return {
    id: row.id,
    at: row.at,
    kind: row.kind,
    message: row.message,
    tagBuild: row.tag_build ?? undefined,
    job: row.job ?? undefined,
    suite: row.suite ?? undefined,
    source: row.source ?? undefined,
    actor: row.actor ?? undefined,
    upload: row.upload ?? undefined,
  };
}
