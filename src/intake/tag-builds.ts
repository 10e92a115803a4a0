/** Reading and finishing tag builds. */
import type { Distribution } from '../model/distribution.ts';
import type { TagBuild, TagBuildId } from '../model/tag-build.ts';
import * as store from './store.ts';
import type { Db } from './store.ts';

export async function findTagBuild(db: Db, id: TagBuildId): Promise<TagBuild | undefined> {
  const row = await store.readTagBuild(db, id);
  return row && store.toTagBuild(row);
}

/** Tag builds that are not at their end: what a server looks at when it starts. */
export function listOpenTagBuilds(db: Db): Promise<TagBuildId[]> {
  return store.listOpenTagBuilds(db);
}

/** Writes down why it cannot go on now, and is tried again; undefined once it has gone on. */
export function noteObstacle(db: Db, id: TagBuildId, obstacle: string | undefined): Promise<void> {
  return store.writeObstacle(db, id, obstacle ?? null);
}

/** ACCEPTED → DONE: everything it makes is published. A no-op for any other state. */
export async function finishTagBuild(
  db: Db,
  distribution: Pick<Distribution, 'notifiers'>,
  id: TagBuildId,
  now: Date,
): Promise<void> {
  await finishTagBuilds(db, distribution, [id], now);
}

export async function finishTagBuilds(
  db: Db,
  distribution: Pick<Distribution, 'notifiers'>,
  ids: readonly TagBuildId[],
  now: Date,
): Promise<void> {
  if (ids.length === 0) return;
  await store.inTransaction(db, async (transaction) => {
    const rows = await store.markDone(transaction, ids, now);
    const passedOver = await store.findPassedOver(transaction, ids);
    await store.recordEvents(
      transaction,
      distribution,
      now,
      rows.map((row) => ({
        kind: 'tag-done',
        message: passedOver.has(row.id)
          ? `${row.source} ${row.version} was built and not published: ${row.suite} has a higher version, or it was removed.`
          : `${row.source} ${row.version} is published in ${row.suite} with all its packages.`,
        ...{ tagBuild: row.id, suite: row.suite, source: row.source! },
      })),
    );
  });
}
