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

/** ACCEPTED → DONE: everything it makes is published. A no-op for any other state. */
export async function finishTagBuild(
  db: Db,
  distribution: Pick<Distribution, 'notifiers'>,
  id: TagBuildId,
  now: Date,
): Promise<void> {
  await store.inTransaction(db, async (transaction) => {
    const row = await store.markDone(transaction, id, now);
    if (row === undefined) return;
    await store.recordEvent(transaction, distribution, now, {
      kind: 'tag-done',
      message: `${row.source} ${row.version} is published in ${row.suite} with all its packages.`,
      tagBuild: id,
      suite: row.suite,
      source: row.source!,
    });
  });
}
