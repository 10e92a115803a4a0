/** Kept builds that were not used for long. */
import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export type BuildCounts = { readonly count: number; readonly bytes: number };
export type TidiedBuilds = { readonly removed: BuildCounts; readonly kept: BuildCounts };

export type TidyOptions = {
  /** Builds last used before are removed. */
  readonly before: Date;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
};

/**
 * Removes from a directory of `createRunner` what was last used before a time, and all rests of builds that failed or
 * were killed. Nobody may use the directory meanwhile. Called off, it has removed a part.
 */
export async function tidyBuilds(
  directory: string,
  { before, signal, onProgress }: TidyOptions,
): Promise<TidiedBuilds> {
  const counts = { removed: { count: 0, bytes: 0 }, kept: { count: 0, bytes: 0 } };
  // Below the first two digits of their hash.
  const folders = await readdir(directory).catch(() => []);
  for (const [index, digits] of folders.entries()) {
    onProgress(index, folders.length);
    const folder = join(directory, digits);
    for (const name of await readdir(folder)) {
      signal.throwIfAborted();
      const build = join(folder, name);
      const used = await stat(join(build, 'result.json')).catch(() => undefined);
      const isOld = used === undefined || used.mtime < before;
      const sum = counts[isOld ? 'removed' : 'kept'];
      sum.count++;
      sum.bytes += await bytesOf(build);
      if (isOld) await rm(build, { recursive: true });
    }
    if ((await readdir(folder)).length === 0) await rmdir(folder);
  }
  return counts;
}

async function bytesOf(build: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(build, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}
