/** The outbox: rows of `delivery`, written together with their events by db/events.ts. */
import { sql } from 'kysely';

import type { Db } from '../db/connect.ts';
import type { EventKind } from '../model/event.ts';
import type { News } from './news.ts';

export type Due = News & {
  readonly notifier: string;
  /** This attempt counts already. */
  readonly attempts: number;
};

/**
 * Takes a notifier's deliveries that are due, the oldest first. They are due again at `until`, should this process end before it
 * says how they went.
 */
export async function takeDue(db: Db, notifier: string, now: Date, until: Date, most: number): Promise<Due[]> {
  const taken = await db
    .updateTable('delivery')
    .set({ attempts: sql`attempts + 1`, not_before: until })
    .where('id', 'in', (query) =>
      query
        .selectFrom('delivery')
        .select('id')
        .where('state', '=', 'waiting')
        .where('notifier', '=', notifier)
        .where('not_before', '<=', now)
        .orderBy('id')
        .limit(most)
        .forUpdate()
        .skipLocked(),
    )
    .returning('id')
    .execute();
  if (taken.length === 0) return [];
  const rows = await db
    .selectFrom('delivery')
    .innerJoin('event', 'event.id', 'delivery.event')
    .leftJoin('tag_build', 'tag_build.id', 'event.tag_build')
    .select(['delivery.id as delivery', 'delivery.notifier', 'delivery.attempts'])
    .select(['event.id', 'event.at', 'event.kind', 'event.message', 'event.tag_build', 'event.job', 'event.suite'])
    .select(['event.actor', 'event.upload'])
    .select(['event.source', 'tag_build.repository', 'tag_build.tag', 'tag_build.refusals'])
    .where(
      'delivery.id',
      'in',
      taken.map(({ id }) => id),
    )
    .orderBy('delivery.id')
    .execute();
  return rows.map((row) => ({
    delivery: row.delivery,
    notifier: row.notifier,
    attempts: row.attempts,
    event: {
      id: row.id,
      at: row.at,
      kind: row.kind as EventKind,
      message: row.message,
      tagBuild: row.tag_build ?? undefined,
      job: row.job ?? undefined,
      suite: row.suite ?? undefined,
      source: row.source ?? undefined,
      actor: row.actor ?? undefined,
      upload: row.upload ?? undefined,
    },
    tag:
      row.repository === null || row.tag === null
        ? undefined
        : { repository: row.repository, tag: row.tag, refusals: row.refusals ?? [] },
  }));
}

export async function markDelivered(db: Db, delivery: number): Promise<void> {
  await db.updateTable('delivery').set({ state: 'delivered', last_error: null }).where('id', '=', delivery).execute();
}

export async function markFailed(db: Db, delivery: number, error: string, again: Date | undefined): Promise<void> {
  await db
    .updateTable('delivery')
    .set(again === undefined ? { state: 'given-up', last_error: error } : { not_before: again, last_error: error })
    .where('id', '=', delivery)
    .execute();
}

/** Gives deliveries back that were taken but not tried. */
export async function putBack(db: Db, deliveries: readonly number[], again: Date): Promise<void> {
  if (deliveries.length === 0) return;
  await db
    .updateTable('delivery')
    .set({ attempts: sql`attempts - 1`, not_before: again })
    .where('id', 'in', [...deliveries])
    .execute();
}

/** When a notifier's next waiting delivery is due. */
export async function nextDue(db: Db, notifier: string): Promise<Date | undefined> {
  const row = await db
    .selectFrom('delivery')
    .select((query) => query.fn.min('not_before').as('next'))
    .where('state', '=', 'waiting')
    .where('notifier', '=', notifier)
    .executeTakeFirst();
  return row?.next ?? undefined;
}

/** Gives up what waits for notifiers that are none of these. */
export async function giveUpGone(db: Db, notifiers: readonly string[]): Promise<void> {
  await db
    .updateTable('delivery')
    .set({ state: 'given-up', last_error: 'sheaf.toml has no such notifier any more' })
    .where('state', '=', 'waiting')
    .where(sql<boolean>`notifier <> all(${[...notifiers]})`)
    .execute();
}

export type Unheard = {
  readonly notifier: string;
  /** How many are tried again. */
  readonly waiting: number;
  /** How many were given up since the last one that arrived. */
  readonly givenUp: number;
  /** What became of the last attempt. */
  readonly error: string;
  readonly next: Date | null;
};

/** Notifiers whose last attempt failed. */
export async function listUnheard(db: Db, notifiers: readonly string[]): Promise<Unheard[]> {
  if (notifiers.length === 0) return [];
  const { rows } = await sql<Unheard>`
    select notifier,
      (count(*) filter (where state = 'waiting'))::int as waiting,
      (count(*) filter (where state = 'given-up'))::int as "givenUp",
      (array_agg(last_error order by id desc) filter (where last_error is not null))[1] as error,
      min(not_before) filter (where state = 'waiting') as next
    from delivery
    where state <> 'delivered' and notifier = any(${notifiers})
      and (state = 'waiting' or not exists (
        select from delivery later
        where later.notifier = delivery.notifier and later.id > delivery.id and later.state = 'delivered'))
    group by notifier
    having count(last_error) > 0
    order by notifier`.execute(db);
  return rows;
}
