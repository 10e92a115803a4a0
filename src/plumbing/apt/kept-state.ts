/**
 * A state directory in which apt knows some snapshots and nothing else: their indexes lie in its lists as if apt had
 * fetched them, so it needs neither network nor keys. Who vouched was verified when the snapshots were recorded.
 *
 * A state is named by what is in it and never changes. Those used last are kept.
 */
import { createHash } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { formatStanza } from '../../formats/deb/deb822.ts';
import type { Sha256 } from '../../kit/digest.ts';
import { SheafError } from '../../kit/error.ts';
import type { KeptSource } from '../../model/lock.ts';
import { withFileLock } from '../file-lock.ts';
import { formatAptConfiguration, suiteFilePath } from './configuration.ts';
import type { KeptIndexes } from './kept-indexes.ts';
import { complaints, runApt } from './run.ts';

export type KeptStateRequest = {
  readonly architecture: string;
  readonly foreign: readonly string[];
  readonly sources: readonly KeptSource[];
};

export type KeptStateOptions = {
  /** Where the states are. */
  readonly directory: string;
  readonly indexes: KeptIndexes;
  readonly read: (sha256: Sha256) => Promise<Uint8Array>;
};

/** So many states are kept, each some 100 MB with its indexes, and those that were in use in the last minutes. */
const mostStates = 6;
const inUse = 10 * 60_000;

/** The address by which a state knows its source number `index`: several may be snapshots of one suite. */
export function addressOf(index: number): string {
  return `http://s${index}.invalid`;
}

/** The directory of the state, made when it is not there. Throws `apt-failed` and what `read` throws. */
export async function prepareState(options: KeptStateOptions, request: KeptStateRequest): Promise<string> {
  const directory = join(options.directory, nameOf(options.directory, request));
  const isReady = async () => (await stat(join(directory, 'ready')).catch(() => undefined)) !== undefined;
  if (!(await isReady())) {
    await withFileLock(join(options.directory, 'lock'), async () => {
      if (await isReady()) return;
      await rm(directory, { recursive: true, force: true });
      await make(directory, options, request);
      await forget(options, directory);
    });
  }
  const now = new Date();
  await utimes(join(directory, 'ready'), now, now).catch(() => {});
  return directory;
}

/**
 * The layout's number is part of the name: another layout is another state. So is the place, which stands in apt's
 * settings: where a distribution's folder was moved to, its states are made again.
 */
function nameOf(place: string, { architecture, foreign, sources }: KeptStateRequest): string {
  const facts = sources.map(({ suite, components, release, indexes }) => [
    ...[suite, components, release],
    indexes.map(({ path, sha256 }) => [path, sha256]),
  ]);
  const words = JSON.stringify([1, place, architecture, foreign, facts]);
  return createHash('sha256').update(words).digest('hex').slice(0, 24);
}

async function make(directory: string, options: KeptStateOptions, request: KeptStateRequest): Promise<void> {
  for (const name of ['etc/sources.list.d', 'lists/partial', 'cache/archives/partial', 'log', 'requests']) {
    await mkdir(join(directory, name), { recursive: true });
  }
  const { architecture, foreign, sources } = request;
  await writeFile(join(directory, 'status'), '');
  // Of two caches that apt makes, one is only for making the other.
  const settings = formatAptConfiguration({ directory, architecture, foreign, user: '' });
  await writeFile(join(directory, 'apt.conf'), `${settings}Dir::Cache::srcpkgcache "";\n`);
  await writeFile(join(directory, 'etc/sources.list.d/kept.sources'), formatKept(request));
  for (const [number, { suite, release, indexes }] of sources.entries()) {
    const path = (name: string) => suiteFilePath(join(directory, 'lists'), addressOf(number), suite, name);
    await writeFile(path('InRelease'), await options.read(release));
    for (const index of indexes) {
      await options.indexes.prepare(index);
      await link(options.indexes.path(index.sha256), path(index.path));
    }
  }
  const result = await runApt(directory, ['check', '--quiet']);
  if (result.code !== 0) {
    throw new SheafError('apt-failed', `Cannot read the kept indexes with apt: ${complaints(result)}`, {
      kind: 'environment',
    });
  }
  await writeFile(join(directory, 'ready'), '');
}

function formatKept({ architecture, foreign, sources }: KeptStateRequest): string {
  return sources
    .map(({ suite, components }, number) =>
      formatStanza([
        ['Types', 'deb'],
        ['URIs', addressOf(number)],
        ['Suites', suite],
        ['Components', components.join(' ')],
        ['Architectures', [architecture, ...foreign].join(' ')],
        ['Trusted', 'yes'],
      ]),
    )
    .join('\n');
}

/** Removes the states that were used longest ago, and the indexes that none of the others has. */
async function forget({ directory, indexes }: KeptStateOptions, newest: string): Promise<void> {
  const states: { readonly path: string; readonly used: number }[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (!entry.isDirectory() || !/^[0-9a-f]{24}$/.test(entry.name) || path === newest) continue;
    const used = await stat(join(path, 'ready')).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    );
    states.push({ path, used });
  }
  const old = states.toSorted((a, b) => b.used - a.used).slice(mostStates - 1);
  for (const { path, used } of old) {
    if (Date.now() - used > inUse) await rm(path, { recursive: true, force: true });
  }
  await indexes.forgetUnused();
}

/** For preferences and the like: a file of a state that only one request reads. */
export async function withRequestFile<T>(
  directory: string,
  text: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const path = join(directory, 'requests', crypto.randomUUID());
  await writeFile(path, text);
  try {
    return await use(path);
  } finally {
    await rm(path, { force: true });
  }
}

/** Whether the Release of a source says that nothing of it is installed unasked: apt_preferences(5). */
export async function isNotAutomatic(directory: string, number: number, suite: string): Promise<boolean> {
  const path = suiteFilePath(join(directory, 'lists'), addressOf(number), suite, 'InRelease');
  return /^NotAutomatic: *yes *$/im.test(await readFile(path, 'utf8'));
}
