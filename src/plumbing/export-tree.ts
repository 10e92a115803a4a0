/** What exporting an archive asks of folders on local disks: see `treeFiles` for what a call leaves behind. */
import { randomUUID } from 'node:crypto';
import { copyFile, link, mkdir, open, readdir, realpath, rename, rmdir, stat, unlink, utimes } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';

import { SheafError } from '../kit/error.ts';
import { withFileLock } from './file-lock.ts';
import { realNameOf } from './real-name.ts';
import { hasSymbolicLinks, linksHint } from './symbolic-links.ts';
import { treeFiles } from './tree-files.ts';

type TreeEntry = { readonly name: string; readonly kind: 'file' | 'folder' | 'link' };

type Carried = { readonly kind: 'there' | 'linked' | 'copied'; readonly bytes: number };

export type ExportTree = typeof exportTree;

export const exportTree = {
  ...treeFiles,

  unique: (): string => randomUUID(),

  /** Throws `no-links` when the file system of `folder`, a part of `target`, has no symbolic links. */
  checkLinks: async (folder: string, target: string, has = hasSymbolicLinks): Promise<void> => {
    if (await has(folder)) return;
    throw new SheafError('no-links', `Cannot export into ${target}: its file system has no symbolic links`, {
      kind: 'environment',
      place: { file: target },
      hint: linksHint,
    });
  },

  /** Runs `work` while nobody else holds the lock of `file`. Throws `lock-timeout` when it is not free in half an hour. */
  alone: <T>(file: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> =>
    withFileLock(file, work, undefined, signal),

  /** Names in a folder, in order; none when it does not exist. */
  list: async (path: string): Promise<TreeEntry[]> => {
    try {
      const entries = await readdir(path, { withFileTypes: true });
      return entries
        .map((entry): TreeEntry => ({ name: entry.name, kind: kindOf(entry) }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
      throw error;
    }
  },

  /**
   * The file under another name: as a hard link, or else as a copy with the same time. A file that is there already with
   * the same size is that file, since none is ever seen half written: a copy grows in `workshop`, a folder of the same
   * file system. Throws `file-missing`, `file-differs`.
   */
  carry: async (source: string, place: string, workshop: string): Promise<Carried> => {
    for (let attempt = 0; ; attempt++) {
      const bytes = await sizeOf(source);
      try {
        await link(source, place);
        return { kind: 'linked', bytes };
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT' && attempt === 0) await mkdir(dirname(place), { recursive: true });
        else if (code === 'EEXIST') return { kind: 'there', bytes: await checkSize(place, bytes) };
        else if (code === 'EXDEV' || code === 'EMLINK' || code === 'EPERM' || code === 'ENOTSUP') {
          return await copyOver(source, place, bytes, workshop);
        } else throw error;
      }
    }
  },

  /** Whoever comes second leaves what is there: it is the same. */
  renameUnlessThere: async (from: string, to: string): Promise<void> => {
    try {
      await rename(from, to);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    }
  },

  removeIfEmpty: async (path: string): Promise<void> => {
    await rmdir(path).catch((error: NodeJS.ErrnoException) => {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR'].includes(error.code ?? '')) throw error;
    });
  },

  /** Throws `not-an-export` when one of the two folders lies in the other. */
  checkApart: async (archive: string, target: string): Promise<void> => {
    const [a, b] = [await realpath(archive), await realNameOf(target)];
    if (a === b || a.startsWith(b + sep) || b.startsWith(a + sep)) {
      throw new SheafError('not-an-export', `Cannot export into ${target}: the archive itself is there`, {
        kind: 'usage',
        place: { file: target },
        hint: 'Name a folder outside of the distribution.',
      });
    }
  },
};

function kindOf(entry: { isDirectory: () => boolean; isSymbolicLink: () => boolean }): TreeEntry['kind'] {
  if (entry.isDirectory()) return 'folder';
  return entry.isSymbolicLink() ? 'link' : 'file';
}

async function sizeOf(source: string): Promise<number> {
  try {
    return (await stat(source)).size;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new SheafError('file-missing', `Cannot export ${source}: the archive does not have it`, {
      kind: 'environment',
      place: { file: source },
      hint: 'Restore the archive folder from a copy.',
      cause,
    });
  }
}

async function checkSize(place: string, bytes: number): Promise<number> {
  const { size } = await stat(place);
  if (size === bytes) return bytes;
  throw new SheafError(
    'file-differs',
    `Cannot export to ${place}: a file of ${size} bytes is there, ours has ${bytes}`,
    {
      place: { file: place },
      hint: 'A published file never changes: remove the one that is there if it is damaged, and export again.',
    },
  );
}

async function copyOver(source: string, place: string, bytes: number, workshop: string): Promise<Carried> {
  if (await treeFiles.exists(place)) return { kind: 'there', bytes: await checkSize(place, bytes) };
  const temporary = join(workshop, randomUUID());
  try {
    await copyFile(source, temporary);
    const { atime, mtime } = await stat(source);
    await utimes(temporary, atime, mtime);
    const file = await open(temporary, 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, place);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
  return { kind: 'copied', bytes };
}
