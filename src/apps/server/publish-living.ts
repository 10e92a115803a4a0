/** All suites at once: at the start of the server, and now and then for Release files that have to be renewed. */
import { hasEnded, newestSnapshot, publishSuite, type ArchiveDeps } from '../../archive/mod.ts';
import type { Suite } from '../../model/distribution.ts';

export type LivingDeps = {
  readonly archive: ArchiveDeps;
  readonly now: () => Date;
  /** Told of a suite that cannot be published. The others are, and what was published of this one stays. */
  readonly onError: (suite: Suite, error: unknown) => void;
  readonly signal?: AbortSignal | undefined;
};

/** Every suite that has a reason for a new snapshot, apart from those that have come to the end of their life. */
export async function publishLiving(deps: LivingDeps): Promise<void> {
  await publishEach(deps, () => true);
}

/** A suite without packages is a suite all the same: clients find it from the start. */
export async function publishNew(deps: LivingDeps): Promise<void> {
  const { db } = deps.archive;
  await publishEach(deps, async ({ name }) => (await newestSnapshot(db, name)) === undefined);
}

async function publishEach(
  { archive, now, onError, signal }: LivingDeps,
  chosen: (suite: Suite) => boolean | Promise<boolean>,
): Promise<void> {
  for (const suite of archive.distribution.suites.values()) {
    if (signal?.aborted === true) return;
    const moment = now();
    if (hasEnded(suite, moment)) continue;
    try {
      if (await chosen(suite)) await publishSuite(archive, suite.name, moment);
    } catch (error) {
      onError(suite, error);
    }
  }
}
