/** `sheaf lock from-system`: what dpkg says is installed, as a lock. */
import { join, resolve } from 'node:path';

import { lockFromSystem, type SystemFiles, type UnfinishedPackage } from '../../../flows/lock-from-system.ts';
import { SheafError } from '../../../kit/error.ts';
import { DeviceRoot } from '../../../plumbing/device-root.ts';
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
  readonly held: readonly string[];
  readonly unfinished: readonly UnfinishedPackage[];
};

const statusPath = 'var/lib/dpkg/status';
/** A system with every package of Debian has less. */
const largest = 256 * 2 ** 20;

/** Throws what `readSystem` and `lockFromSystem` throw. */
export async function fromSystem(
  { history, distribution }: Pick<House, 'history' | 'distribution'>,
  { root = '/', output = 'system.lock', partial }: FromSystemOptions,
): Promise<SystemDocument> {
  const known = await lockFromSystem({ ...history, distribution }, await readSystem(root));
  const { configFiles, held, unfinished } = known;
  const options = { isWhole: unfinished.length === 0, partial: partial === true };
  return { root: resolve(root), configFiles, held, unfinished, ...(await writeKnown(known, output, options)) };
}

/** Throws `no-dpkg-status` where the root has no such file in itself, `device-file`. */
export async function readSystem(root: string): Promise<SystemFiles> {
  const files = new DeviceRoot(root);
  const read = async (path: string) => {
    const bytes = await files.read(path, largest);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  };
  const status = await read(statusPath);
  if (status === undefined) {
    throw new SheafError('no-dpkg-status', `Cannot read the system in ${root}: there is no file ${statusPath}`, {
      kind: 'usage',
      hint: 'Name the folder that the system is in by --root DIR.',
    });
  }
  return { status, file: join(root, statusPath), extendedStates: await read('var/lib/apt/extended_states') };
}

export function formatSystem(document: SystemDocument): string[] {
  const { configFiles, held, unfinished } = document;
  return [
    ...(configFiles.length === 0
      ? []
      : [
          `${count(configFiles.length, 'package is', 'packages are')} left out, of which only configuration files are left:`,
          clean(`  ${configFiles.join(', ')}`),
          '',
        ]),
    ...(held.length === 0
      ? []
      : [
          `${count(held.length, 'package is', 'packages are')} held here; sheaf lock update moves what is not asked for by version:`,
          clean(`  ${held.join(', ')}`),
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
