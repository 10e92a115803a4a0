/**
 * What a publication settles: the jobs whose packages clients can now install, and those that waited for such packages.
 * Part of the same transaction.
 */
import type { ArchiveDeps, Published } from '../archive/mod.ts';
import { listJobs, setJobState, wakeUninstallable } from '../build/mod.ts';
import type { Db } from '../db/connect.ts';
import type { Distribution } from '../model/distribution.ts';

export function settlePublication(distribution: Distribution): NonNullable<ArchiveDeps['onPublished']> {
  return async (transaction, published, now) => {
    const { suite, number, passedOver } = published;
    const passed = new Set([...passedOver.jobs, ...(await sourceJobs(transaction, passedOver.tagBuilds))]);
    for (const job of [...published.jobs, ...(await sourceJobs(transaction, published.tagBuilds))]) {
      const reason = passed.has(job)
        ? `Not published: ${suite}@${number} has a higher version, or it was removed`
        : `Published in ${suite}@${number}`;
      await setJobState(transaction, job, 'Installed', reason, now, distribution);
    }
    await wakeUninstallable(transaction, published.suite);
  };
}

async function sourceJobs(transaction: Db, tagBuilds: Published['tagBuilds']): Promise<number[]> {
  const jobs = await Promise.all(tagBuilds.map((tagBuild) => listJobs(transaction, { tagBuild })));
  return jobs.flat().flatMap((job) => (job.kind === 'source' ? [job.id] : []));
}
