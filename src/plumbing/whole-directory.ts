/** A directory that a command was told to write: whole, or as it was before. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** What mkfs leaves on an empty disk. */
export const diskOwn = 'lost+found';

/**
 * A new directory has its name when it is whole. One that is there is filled where it is, for it may be a disk's, and is
 * emptied again when that fails.
 */
export async function fillDirectory<T>(directory: string, fill: (directory: string) => Promise<T>): Promise<T> {
  const there = await readdir(directory).catch(() => undefined);
  if (there !== undefined) {
    try {
      return await fill(directory);
    } catch (error) {
      for (const name of await readdir(directory)) {
        if (!there.includes(name)) await rm(join(directory, name), { recursive: true, force: true });
      }
      throw error;
    }
  }
  const building = `${directory}.${randomUUID()}.part`;
  try {
    await mkdir(building, { recursive: true, mode: 0o755 });
    const filled = await fill(building);
    await rename(building, directory);
    return filled;
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    throw error;
  }
}
