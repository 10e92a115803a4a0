/** Whether a folder's file system has symbolic links: FAT and exFAT have none, and some shares of networks. */
import { randomUUID } from 'node:crypto';
import { symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';

const without: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

export async function hasSymbolicLinks(folder: string, make: typeof symlink = symlink): Promise<boolean> {
  const path = join(folder, `${randomUUID()}.tmp`);
  try {
    await make('nowhere', path);
  } catch (error) {
    if (without.has((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
  await unlink(path);
  return true;
}

export const linksHint = 'FAT and exFAT have none: name a folder on another file system, such as ext4.';
