/** `sheaf rebuild tidy`: room on the disk that builds of rebuilds take. */
import { join } from 'node:path';

import { formatSize } from '../../../kit/bytes.ts';
import { SheafError } from '../../../kit/error.ts';
import { withFileLock } from '../../../plumbing/file-lock.ts';
import { tidyBuilds, type BuildCounts, type TidiedBuilds } from '../../rebuild/tidy-builds.ts';
import { interruptible } from '../interrupt.ts';
import { startProgress } from '../progress.ts';
import { count } from '../upstream/words.ts';
import { lockOfBuilds } from './workshop.ts';

/** `directory`: of a workshop. Throws `rebuild-running`. */
export async function tidy(
  directory: string,
  { before, json }: { readonly before: Date; readonly json: boolean },
): Promise<TidiedBuilds> {
  const progress = startProgress({ json });
  const onProgress = (done: number, total: number) => progress.at('Looking through kept builds', done, total);
  const work = () => interruptible((signal) => tidyBuilds(join(directory, 'builds'), { before, signal, onProgress }));
  try {
    return await withFileLock(lockOfBuilds(directory), work, 1000);
  } catch (error) {
    if (!(error instanceof SheafError) || error.code !== 'lock-timeout') throw error;
    throw new SheafError('rebuild-running', 'Cannot remove kept builds: a rebuild is running that may use them', {
      kind: 'environment',
      hint: 'Wait for its end, or stop it: the same command goes on later with what is kept.',
      cause: error,
    });
  } finally {
    progress.end();
  }
}

export function formatTidied({ removed, kept }: TidiedBuilds): string[] {
  return [`Removed ${formatCounts(removed)}; kept ${formatCounts(kept)}.`];
}

function formatCounts({ count: builds, bytes }: BuildCounts): string {
  return `${count(builds, 'build')} (${formatSize(bytes)})`;
}
