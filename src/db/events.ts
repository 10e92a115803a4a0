/** Recording what happened, together with what the notifiers are to deliver. */
import { topicOfEvent, type NewEvent } from '../model/event.ts';
import type { Distribution } from '../model/distribution.ts';
import type { Db } from './connect.ts';
import { notify } from './notify.ts';

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
  const topic = topicOfEvent[event.kind];
  const deliveries = [...distribution.notifiers.values()]
    .filter((notifier) => topic !== undefined && notifier.on.includes(topic))
    .map((notifier) => ({ notifier: notifier.name, event: id, not_before: now, last_error: null }));
  if (deliveries.length > 0) await db.insertInto('delivery').values(deliveries).execute();
  await notify(db, 'event', id);
  return id;
}
