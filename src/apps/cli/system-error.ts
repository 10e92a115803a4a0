/** What the system says of files and rights, for people: errors with a `code`, as errno(3) names them. */
import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { isDiskFull } from '../../kit/disk-full.ts';
import { userName } from './actor.ts';

export type SystemTrouble = {
  /** Whether the machine is to blame; else what the command line names is not there, or is of another kind. */
  readonly isEnvironment: boolean;
  readonly message: string;
  readonly hint: string;
};

const verbs: Readonly<Record<string, string>> = {
  mkdir: 'make the folder',
  mkdtemp: 'make a folder as',
  scandir: 'list',
  unlink: 'remove',
  rmdir: 'remove',
  stat: 'look at',
  lstat: 'look at',
};

const absent: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ELOOP', 'ENAMETOOLONG']);

/** Where no code knows better, a path is one that the command line named. Undefined for other errors. */
export function systemTrouble(error: unknown): SystemTrouble | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code = '', path, syscall = '', message } = error as NodeJS.ErrnoException;
  const reason = /^[A-Z]+: (.+?), /.exec(message)?.[1] ?? code;
  const said = path === undefined ? message : `Cannot ${verbs[syscall] ?? 'use'} ${path}: ${reason}`;
  if (isDiskFull(error)) {
    const hint = 'Make room on the disk, then run it again. What was published before stays as it was.';
    return { isEnvironment: true, message, hint };
  }
  if (code === 'EACCES' || code === 'EPERM') {
    const hint = `${userName()} may not do that there: run it as the one that may, or name another place.`;
    return { isEnvironment: true, message: said, hint };
  }
  if (code === 'ERR_MODULE_NOT_FOUND' && message.startsWith('Cannot find package')) {
    const run = resolve(import.meta.dirname, '../../../run');
    return { isEnvironment: true, message, hint: `This checkout has changed since it was set up: run ${run} setup` };
  }
  if (code === 'EROFS') {
    const hint = 'That file system cannot be written: mount it for writing, or name another place.';
    return { isEnvironment: true, message: said, hint };
  }
  if (path === undefined || !absent.has(code)) return undefined;
  const link = brokenLink(path);
  const hint =
    link !== undefined
      ? `${link} is a link to ${readlinkSync(link)}, where nothing is: mount what it leads to, or name another place.`
      : code === 'ENOTDIR'
        ? 'A file is where a folder should be: name another place.'
        : 'See that the path is right, and that the folder which it lies in is there.';
  return { isEnvironment: false, message: said, hint };
}

/** The path itself or a folder on its way: of a disk that is not mounted, mostly. */
function brokenLink(path: string): string | undefined {
  for (let each = resolve(path); each !== dirname(each); each = dirname(each)) {
    try {
      if (lstatSync(each).isSymbolicLink()) return existsSync(each) ? undefined : each;
    } catch {
      // What is not there is no link either.
    }
  }
  return undefined;
}
