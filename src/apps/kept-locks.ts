/** The environments of builds, for pages and the API: locks that jobs name, out of the blobs. */
import { SheafError } from '../kit/error.ts';
import { isSha256 } from '../kit/digest.ts';
import { parseLock } from '../lock/mod.ts';
import type { Lock } from '../model/lock.ts';
import { jobsOfLock, listLocks, type JobView, type LockUse, type Page, type PageRequest } from '../tracker/mod.ts';
import type { WebDeps } from './web/mod.ts';

type Deps = Pick<WebDeps, 'db' | 'blobs'>;

const largest = 64 * 2 ** 20;

export type KeptLock = LockUse & {
  /** How many; not there when its file is not here, or is none. */
  readonly packages?: number;
  /** Of all of them, in bytes. */
  readonly size?: number;
};

/** Those used last first. */
export async function listKeptLocks(deps: Deps, request: PageRequest): Promise<Page<KeptLock>> {
  const page = await listLocks(deps.db, request);
  const items: KeptLock[] = [];
  for (const use of page.items) items.push({ ...use, ...(await sizeOf(deps, use.sha256)) });
  return { ...page, items };
}

async function sizeOf(deps: Deps, sha256: string): Promise<Pick<KeptLock, 'packages' | 'size'>> {
  try {
    const lock = await readFile(deps, sha256);
    return lock === undefined ? {} : { packages: lock.packages.length, size: downloadSize(lock) };
  } catch (error) {
    if (error instanceof SheafError) return {};
    throw error;
  }
}

export type LockInUse = {
  /** Undefined when its file is not kept here. */
  readonly lock: Lock | undefined;
  /** What uses it, the newest first. */
  readonly jobs: readonly JobView[];
};

/**
 * Undefined for what no job names: other blobs are nobody's to see by a guess. Throws `bad-lock` for a file that is none.
 */
export async function readKeptLock(deps: Deps, sha256: string, mostJobs?: number): Promise<LockInUse | undefined> {
  const jobs = await jobsOfLock(deps.db, sha256, mostJobs);
  return jobs.length === 0 ? undefined : { lock: await readFile(deps, sha256), jobs };
}

async function readFile({ blobs }: Deps, sha256: string): Promise<Lock | undefined> {
  const info = isSha256(sha256) ? await blobs.info(sha256) : undefined;
  if (info === undefined || info.size > largest || !isSha256(sha256)) return undefined;
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of blobs.stream(sha256)) text += decoder.decode(bytes, { stream: true });
  return parseLock(text + decoder.decode(), sha256);
}

/** In bytes, of all its packages together. */
export function downloadSize({ packages }: Lock): number {
  return packages.reduce((sum, { size }) => sum + size, 0);
}
