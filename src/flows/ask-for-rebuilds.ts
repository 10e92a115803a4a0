/** Suites with `rebuild = true`: what is published there and has no verdict of this house is to be rebuilt. */
import type { Db } from '../db/connect.ts';
import { locate } from '../history/mod.ts';
import type { Clock } from '../kit/clock.ts';
import type { Distribution } from '../model/distribution.ts';
import { formatSnapshotRef } from '../model/index-history.ts';
import { usualExperiments } from '../model/rebuild.ts';
import { addTasks, findUnjudged } from '../rebuild/mod.ts';

export type AskForRebuildsDeps = { readonly db: Db; readonly clock: Clock; readonly distribution: Distribution };

/** Everything else goes first. */
export const usualPriority = -10;

/**
 * To be called after publications have entered the history; it looks only at suites that are in another snapshot than
 * before. Each thing is asked for once, whatever comes of it.
 */
export function rebuildsAsker({ db, clock, distribution }: AskForRebuildsDeps): () => Promise<void> {
  const asked = new Map<string, string>();
  return async () => {
    for (const { name, archAll, rebuild } of distribution.suites.values()) {
      if (rebuild !== true) continue;
      const place = formatSnapshotRef(await locate({ db, distribution }, name));
      if (asked.get(name) === place) continue;
      const how = { dependencies: [], nocheck: false, plain: false, experiments: usualExperiments };
      const where = { suite: name, place, priority: usualPriority };
      const tasks = (await findUnjudged(db, name, archAll)).map((each) => ({ ...each, ...how, ...where }));
      await addTasks({ db, distribution, now: clock.now }, tasks, 'sheaf.toml');
      asked.set(name, place);
    }
  };
}
