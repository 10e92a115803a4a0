/** Recording what happened, together with what the notifiers are to deliver. */
import { sql } from 'kysely';

import { topicOfEvent, type NewEvent } from '../model/event.ts';
import type { Distribution } from '../model/distribution.ts';
import type { Db } from './connect.ts';
import { notify, notifyAll } from './notify.ts';

/** As `recordEvent`, for many at once, in their order. */
export async function recordEvents(
  db: Db,
  distribution: Pick<Distribution, 'notifiers'>,
  now: Date,
  events: readonly NewEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const { rows } = await sql<{ readonly id: number; readonly kind: NewEvent['kind'] }>`
    insert into event (at, kind, message, tag_build, job, suite, source, actor, upload)
    select ${now}, r.kind, r.message, r.tag_build, r.job, r.suite, r.source, r.actor, r.upload
    from rows from (json_to_recordset(${JSON.stringify(events.map(({ tagBuild, ...rest }) => ({ ...rest, tag_build: tagBuild })))}::json)
      as (kind text, message text, tag_build bigint, job bigint, suite text, source text, actor text, upload bigint))
      with ordinality as r (kind, message, tag_build, job, suite, source, actor, upload, at)
    order by r.at
    returning id, kind`.execute(db);
  const deliveries = rows.flatMap(({ id, kind }) =>
    listeners(distribution, kind).map((notifier) => ({ notifier, event: id, not_before: now, last_error: null })),
  );
  if (deliveries.length > 0) await db.insertInto('delivery').values(deliveries).execute();
  await notifyAll(
    db,
    'event',
    rows.map(({ id }) => id),
  );
}

/** Call it inside the transaction that makes the event true. */
export async function recordEvent(
  db: Db,
  distribution: Pick<Distribution, 'notifiers'>,
  now: Date,
  event: NewEvent,
): Promise<number> {
  const { id } = await db
    .insertInto('event')
    .values({
      at: now,
      kind: event.kind,
      message: event.message,
      tag_build: event.tagBuild ?? null,
      job: event.job ?? null,
      suite: event.suite ?? null,
      source: event.source ?? null,
      actor: event.actor ?? null,
      upload: event.upload ?? null,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  const deliveries = listeners(distribution, event.kind).map((notifier) => {
    return { notifier, event: id, not_before: now, last_error: null };
  });
  if (deliveries.length > 0) await db.insertInto('delivery').values(deliveries).execute();
  await notify(db, 'event', id);
  return id;
}

/** Names of the notifiers that are told of events of this kind. */
function listeners({ notifiers }: Pick<Distribution, 'notifiers'>, kind: NewEvent['kind']) {
  const topic = topicOfEvent[kind];
  return [...notifiers.values()]
    .filter((notifier) => topic !== undefined && notifier.on.includes(topic))
    .map((notifier) => notifier.name);
}
