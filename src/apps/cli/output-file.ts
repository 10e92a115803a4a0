/** Files that a command is told to write: whole or not at all, and a plain word where one cannot be written. */
import { constants } from 'node:fs';
import { access, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { SheafError } from '../../kit/error.ts';
import { treeFiles } from '../../plumbing/tree-files.ts';

const reasons: Readonly<Record<string, (path: string) => string>> = {
  ENOENT: (path) => `there is no folder ${dirname(path)}`,
  ENOTDIR: (path) => `${dirname(path)} is no folder`,
  EISDIR: () => 'it is a folder',
  EACCES: (path) => `this user may not write to ${dirname(path)}`,
  EPERM: (path) => `this user may not write to ${dirname(path)}`,
  EROFS: (path) => `${dirname(path)} can only be read`,
  ENAMETOOLONG: () => 'its name is too long',
};

/** Before what takes long. Throws `output-unwritable`. */
export async function checkOutputFile(file: string): Promise<void> {
  const path = resolve(file);
  try {
    const there = await stat(path).catch(() => undefined);
    if (there?.isDirectory() === true) throw coded('EISDIR');
    if (there !== undefined && !there.isFile()) return;
    if (!(await stat(dirname(path))).isDirectory()) throw coded('ENOTDIR');
    await access(dirname(path), constants.W_OK | constants.X_OK);
  } catch (error) {
    throw tellUnwritable(path, error);
  }
}

/**
 * Whether anything changed: a file that has these bytes is left alone. Links are followed, and what is no plain file, such
 * as /dev/stdout, is written to. Throws `output-unwritable`.
 */
export async function writeOutputFile(file: string, content: Uint8Array | string): Promise<boolean> {
  const path = resolve(file);
  try {
    const there = await stat(path).catch(() => undefined);
    if (there?.isDirectory() === true) throw coded('EISDIR');
    if (there?.isFile() === true) {
      if ((await readFile(path)).equals(Buffer.from(content as string))) return false;
      await treeFiles.place(await realpath(path), content);
    } else if (there === undefined) await treeFiles.place(path, content);
    else await writeFile(path, content);
    return true;
  } catch (error) {
    throw tellUnwritable(path, error);
  }
}

/** The same words for what something else found when it wrote there; any other error as it is. */
export function tellUnwritable(path: string, error: unknown): unknown {
  const reason = error instanceof SheafError ? undefined : reasons[(error as NodeJS.ErrnoException).code ?? ''];
  if (reason === undefined) return error;
  return new SheafError('output-unwritable', `Cannot write ${path}: ${reason(path)}`, { kind: 'usage', cause: error });
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}
