/** From the path of a request to a place in the archive's folder. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { Distribution } from '../../../model/distribution.ts';
import { parseMoment, snapshotTime, type Label, type SnapshotId } from '../../../model/names.ts';
import { newestNotAfter, type Moments } from './moments.ts';

export type LocateDeps = {
  readonly distribution: Pick<Distribution, 'repositories' | 'suites'>;
  readonly directory: string;
  readonly moments: Moments;
  readonly now: () => Date;
};

export type Place =
  /**
   * A file or a folder, links not yet followed. `immutable`: never changes once it is there. `steady`: the address leads
   * to this path for ever, whatever is or comes there.
   */
  | { readonly kind: 'path'; readonly path: string; readonly immutable: boolean; readonly steady: boolean }
  /** A folder that is nowhere on the disk; folders in it end in a slash. */
  | { readonly kind: 'names'; readonly names: readonly string[] }
  /** The same thing under the name that it has for ever. */
  | { readonly kind: 'redirect'; readonly to: string }
  | { readonly kind: 'nowhere' };

const nowhere: Place = { kind: 'nowhere' };

/**
 * Undefined for what is not the archive's. A path that cannot be one (`..`, NUL, bad escapes) leads nowhere. Several
 * slashes are one, as other servers of archives have it: base addresses are written with and without one at their end.
 */
export async function locate(deps: LocateDeps, url: string): Promise<Place | undefined> {
  const raw = url
    .replaceAll(/\/{2,}/g, '/')
    .split('/')
    .slice(1);
  const parts = raw.map(decodePart);
  const [first = '', second, ...rest] = parts;
  if (hasRepository(deps, first)) {
    if (second === undefined || (second === '' && rest.length === 0)) return undefined;
    const immutable = second === 'pool' || second === 'by-hash' || rest.includes('by-hash');
    return inside(deps, [first, second, ...rest], immutable);
  }
  if (second === undefined) return undefined;
  if (first === 'snapshot') return locateSnapshot(deps, second, raw.slice(2));
  if (first === 'archive' && hasRepository(deps, second)) return locateMoment(deps, second, raw.slice(2));
  return undefined;
}

export function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '\0';
  }
}

function hasRepository({ distribution }: LocateDeps, name: string): name is Label {
  return distribution.repositories.has(name as Label);
}

/** An empty part is only good as the last: the slash at the end of a folder. */
function inside({ directory }: LocateDeps, parts: readonly string[], immutable: boolean, steady = true): Place {
  const bad = parts.some(
    (part, index) => part === '.' || part === '..' || /[/\0]/.test(part) || (part === '' && index !== parts.length - 1),
  );
  return bad ? nowhere : { kind: 'path', path: join(directory, ...parts), immutable, steady };
}

/** `/snapshot/SUITE@ID/…` and `/snapshot/SUITE@NUMBER/…`: one suite, and the pool. */
async function locateSnapshot(deps: LocateDeps, name: string, below: readonly string[]): Promise<Place | undefined> {
  const match = /^([^@]+)@([^@]+)$/.exec(name);
  const suite = match?.[1] && (await findSuite(deps, match[1]));
  if (!match || !suite) return undefined;
  const parts = below.map(decodePart);
  const place = (id: string) => inside(deps, [suite.repository, 'snapshot', suite.name, id, ...parts], true);
  const asked = match[2]!;
  const moment = parseMoment(asked);
  // Eight digits are a day and not a number: nobody publishes so often.
  if (moment === undefined) return /^\d{1,7}$/.test(asked) ? place(asked) : undefined;
  const found = newestNotAfter(await deps.moments.ids(snapshotsOf(deps, suite)), moment);
  if (found === undefined) return nowhere;
  return found === asked
    ? place(found)
    : { kind: 'redirect', to: ['/snapshot', `${suite.name}@${found}`, ...below].join('/') };
}

/**
 * `/archive/REPOSITORY/ID/…`: all of a repository as it was. Every suite has the newest snapshot that is not after ID. An
 * ID at which nothing was published is the one before it.
 */
async function locateMoment(deps: LocateDeps, repository: Label, raw: readonly string[]): Promise<Place> {
  const [asked = '', ...below] = raw;
  const suites = await suitesOf(deps, repository);
  const ids = new Map<PublishedSuite, readonly SnapshotId[]>();
  for (const suite of suites) ids.set(suite, await deps.moments.ids(snapshotsOf(deps, suite)));
  const all = [...new Set([...ids.values()].flat())].toSorted();
  if (asked === '') return below.length === 0 ? { kind: 'names', names: all.map((id) => `${id}/`) } : nowhere;

  const moment = parseMoment(decodePart(asked));
  const found = moment && newestNotAfter(all, moment);
  if (found === undefined) return nowhere;
  if (found !== asked) return { kind: 'redirect', to: ['/archive', repository, found, ...below].join('/') };

  const there = suites.filter((suite) => newestNotAfter(ids.get(suite)!, found) !== undefined);
  const parts = below.map(decodePart);
  const [area = '', name = '', ...rest] = parts;
  if (area === '' && parts.length <= 1) return { kind: 'names', names: ['dists/', 'key.asc', 'key.gpg', 'pool/'] };
  const distsOf = (suite: PublishedSuite) =>
    join(snapshotsOf(deps, suite), newestNotAfter(ids.get(suite)!, found)!, 'dists');
  if (area === 'dists' && name === '' && rest.length === 0) {
    const names = await Promise.all(there.map((suite) => namesIn(distsOf(suite))));
    return { kind: 'names', names: [...new Set(names.flat().map((each) => `${each}/`))].toSorted() };
  }
  if (area === 'dists') {
    let suite = there.find((each) => each.name === name);
    // The codename that it had then, whatever the settings say today.
    for (const each of suite === undefined ? there : []) {
      if ((await namesIn(distsOf(each))).includes(name)) suite ??= each;
    }
    if (suite === undefined) return nowhere;
    const snapshot = newestNotAfter(ids.get(suite)!, found)!;
    const settled = isSettled(deps, found);
    return inside(deps, [repository, 'snapshot', suite.name, snapshot, ...parts], settled, settled);
  }
  if (area === 'pool') return inside(deps, [repository, ...parts], true);
  return area === 'key.asc' || area === 'key.gpg' ? inside(deps, [repository, ...parts], false) : nowhere;
}

type PublishedSuite = { readonly name: string; readonly repository: Label };

/** Those of the settings, and those that were in them once: what they published stays. */
async function suitesOf({ distribution, directory }: LocateDeps, repository: Label): Promise<PublishedSuite[]> {
  const own = [...distribution.suites.values()].filter((each) => each.repository === repository);
  const past = (await namesIn(join(directory, repository, 'snapshot')))
    .filter((name) => own.every((each) => each.name !== name))
    .map((name) => ({ name, repository }));
  return [...own, ...past];
}

async function findSuite(deps: LocateDeps, name: string): Promise<PublishedSuite | undefined> {
  const own = [...deps.distribution.suites.values()].find((each) => each.name === name);
  if (own !== undefined) return own;
  for (const repository of deps.distribution.repositories.keys()) {
    const past = (await suitesOf(deps, repository)).find((each) => each.name === name);
    if (past !== undefined) return past;
  }
  return undefined;
}

/** None when there is no such folder. */
async function namesIn(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}

function snapshotsOf({ directory }: LocateDeps, { repository, name }: PublishedSuite): string {
  return join(directory, repository, 'snapshot', name);
}

/** A publication gets its id when it begins: for a while another suite may still get a snapshot from before this moment. */
const settling = 3600_000;

function isSettled({ now }: LocateDeps, id: SnapshotId): boolean {
  return now().getTime() - snapshotTime(id).getTime() > settling;
}
