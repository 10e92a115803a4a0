/** Keyrings and room on the disk. */
import { access, constants, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';

import { formatSize } from '../../../kit/bytes.ts';
import { readDistribution } from '../../../policy/mod.ts';
import { describeError } from '../../../kit/error.ts';
import { cacheDirectory } from '../../roots.ts';
import { findDirectory } from '../context.ts';
import { asRoot, both, missing, ok, warning, type Check, type Finding } from './finding.ts';

const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const least = 5 * 2 ** 30;

/** `dir` is what -C names, if it does. */
export function roomChecks(dir: string | undefined): readonly Check[] {
  return [
    { roles: ['server'], run: () => checkSettings(dir) },
    { roles: ['server'], run: checkKeyring },
    { roles: both, run: () => checkRoom("the distribution's folder", dir ?? process.cwd()) },
    {
      roles: ['worker'],
      run: () => checkRoom('the cache', cacheDirectory()),
    },
    { roles: ['worker'], run: () => checkRoom('temporary files', tmpdir()) },
  ];
}

async function checkSettings(dir: string | undefined): Promise<Finding> {
  let directory: string;
  try {
    directory = await findDirectory(dir);
  } catch {
    return ok('sheaf.toml', 'not in a distribution\'s folder: nothing to check ("sheaf init DIR" makes one)');
  }
  try {
    const distribution = await readDistribution(directory);
    return ok('sheaf.toml', `${directory}: ${distribution.name}`);
  } catch (error) {
    return missing('sheaf.toml', describeError(error), `edit ${directory}/sheaf.toml`);
  }
}

async function checkKeyring(): Promise<Finding> {
  const there = await access(debianKeyring, constants.R_OK).then(
    () => true,
    () => false,
  );
  if (there) return ok('keyring', debianKeyring);
  return missing(
    'keyring',
    `${debianKeyring} is not here; upstream archives of Debian are checked with it`,
    asRoot('apt-get install debian-archive-keyring'),
  );
}

async function checkRoom(what: string, path: string): Promise<Finding> {
  const name = `disk: ${what}`;
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    const facts = await statfs(folder).catch(() => undefined);
    if (facts === undefined && folder !== dirname(folder)) continue;
    if (facts === undefined) return warning(name, `cannot be seen: ${path}`);
    const free = facts.bavail * facts.bsize;
    const message = `${formatSize(free)} free in ${folder}`;
    return free >= least ? ok(name, message) : warning(name, `${message}; builds need ${formatSize(least)} or more`);
  }
}
