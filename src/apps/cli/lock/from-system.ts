/** `sheaf lock from-system`: what dpkg says is installed, as a lock. */
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';

import { lockFromSystem, type UnfinishedPackage } from '../../../flows/lock-from-system.ts';
import { SheafError } from '../../../kit/error.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { style } from '../style.ts';
import { count } from '../upstream/words.ts';
import { formatKnown, writeKnown, type KnownDocument } from './known.ts';

export type FromSystemOptions = {
  readonly root?: string | undefined;
  readonly output?: string | undefined;
  readonly partial?: true | undefined;
};

export type SystemDocument = KnownDocument & {
  readonly root: string;
  readonly configFiles: readonly string[];
  readonly unfinished: readonly UnfinishedPackage[];
};

const statusPath = 'var/lib/dpkg/status';
/** A system with every package of Debian has less. */
const largest = 256 * 2 ** 20;

/** Throws `no-dpkg-status`, `bad-path` where the root's file is not in the root, and what reading it throws. */
export async function fromSystem(
  { history, distribution }: Pick<House, 'history' | 'distribution'>,
  { root = '/', output = 'system.lock', partial }: FromSystemOptions,
): Promise<SystemDocument> {
  const file = join(root, statusPath);
  const status = await readInRoot(root, statusPath);
  if (status === undefined) {
    throw new SheafError('no-dpkg-status', `Cannot lock the system in ${root}: there is no ${statusPath}`, {
      kind: 'usage',
      hint: 'Name the folder that the system is in by --root DIR.',
    });
  }
  const extendedStates = await readInRoot(root, 'var/lib/apt/extended_states');
  const known = await lockFromSystem({ ...history, distribution }, { status, file, extendedStates });
  const { configFiles, unfinished } = known;
  const options = { isWhole: unfinished.length === 0, partial: partial === true };
  return { root: resolve(root), configFiles, unfinished, ...(await writeKnown(known, output, options)) };
}

/**
 * The root may be anybody's: a link in it may lead no further than to the root, and only ordinary files are read.
 * Undefined when there is none.
 */
async function readInRoot(root: string, path: string): Promise<string | undefined> {
  const [base, place] = await Promise.all([realOf(root), realOf(join(root, path))]);
  if (base === undefined || place === undefined) return undefined;
  const within = relative(base, place);
  if (within.startsWith('..') || isAbsolute(within)) throw bad(root, path, 'it leads out of there');
  const handle = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw bad(root, path, 'it is no ordinary file');
    if (found.size > largest) throw bad(root, path, 'it is larger than 256 MiB');
    return new TextDecoder().decode(await handle.readFile());
  } finally {
    await handle.close();
  }
}

async function realOf(path: string): Promise<string | undefined> {
  return realpath(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
}

function bad(root: string, path: string, why: string): SheafError {
  return new SheafError('bad-path', `Cannot read ${path} in ${root}: ${why}`);
}

export function formatSystem(document: SystemDocument): string[] {
  const { configFiles, unfinished } = document;
  return [
    ...(configFiles.length === 0
      ? []
      : [
          `${count(configFiles.length, 'package is', 'packages are')} left out, of which only configuration files are left:`,
          clean(`  ${configFiles.join(', ')}`),
          '',
        ]),
    ...(unfinished.length === 0
      ? []
      : [
          style('red', `${count(unfinished.length, 'package was', 'packages were')} not installed to the end:`),
          ...unfinished.map(({ name, version, state }) => clean(`  ${name} ${version} is ${state}`)),
          '',
        ]),
    ...formatKnown(document),
  ];
}
