/** The environments of builds: which locks there are, and what used them. What is in a lock is a blob's to say. */
import { viewJob, type JobView } from './job.ts';
import { limitOf, numberAfter, toPage, type Page, type PageRequest } from './page.ts';
import * as store from './store.ts';
import type { Db } from './store.ts';

export type LockUse = {
  readonly sha256: string;
  /** The newest job that it was the environment of. */
  readonly job: number;
  readonly source: string;
  readonly version: string;
  readonly architecture: string;
  readonly usedAt: Date;
  /** How many of the newest jobs had it. */
  readonly jobs: number;
};

/** Those used last first. */
export async function listLocks(db: Db, request: PageRequest = {}): Promise<Page<LockUse>> {
  const limit = limitOf(request);
  const rows = await store.listLockRows(db, numberAfter(request), limit + 1);
  return toPage(
    rows,
    limit,
    (row) => row.job,
    ({ used_at: usedAt, ...row }) => ({ ...row, usedAt }),
  );
}

/** The newest jobs first; empty for what no job names. */
export async function jobsOfLock(db: Db, lock: string, limit = 50): Promise<JobView[]> {
  const rows = await store.readJobs(db, await store.readJobsOfLock(db, lock, limit));
  return rows.map(viewJob).reverse();
}
