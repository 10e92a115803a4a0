/** The packages of an environment as they were at another time, as far as the history has them. */
import { compareVersions, withoutRevision } from '../formats/deb/version.ts';
import type { Db } from '../db/connect.ts';
import { findSnapshot, nextSnapshot, whereWas, type HistoryDeps, type Sighting } from '../history/mod.ts';
import type { Sha256 } from '../kit/digest.ts';
import { formatLock, lockedEntry, parseLock } from '../lock/mod.ts';
import type { Distribution } from '../model/distribution.ts';
import { formatSuiteRef, type SuiteRef } from '../model/index-history.ts';
import type { Lock } from '../model/lock.ts';
import { parseVersion, snapshotTime, toSnapshotId, type SnapshotId } from '../model/names.ts';
import type { Blobs } from '../plumbing/blobs.ts';
import type { LockedSource, OlderSource, PackageVersion } from '../rebuild/mod.ts';
import { lockKnown } from './lock-known.ts';

export type OlderDeps = {
  readonly house: OlderHouse | undefined;
  readonly blobs: Pick<Blobs, 'read' | 'putBytes'>;
};

export type OlderHouse = {
  readonly history: Pick<HistoryDeps, 'db' | 'store'>;
  readonly distribution: Pick<Distribution, 'suites' | 'upstreams' | 'url'>;
};

/**
 * For each source of a lock's packages the version that was current at a time (seconds since the epoch), or else the
 * oldest that is known, with all its packages of the lock. None of those that are no older, and none of earlier releases.
 * Where there is one of the same upstream version, only such.
 */
export async function findOlder({ house, blobs }: OlderDeps, lock: Sha256, at: number): Promise<OlderSource[]> {
  if (house === undefined) return [];
  const { packages } = await readLock(blobs, lock);
  const day = toSnapshotId(new Date(at * 1000));
  const earlier = new Set(await earlierReleases({ house, blobs }, lock));
  const older: OlderSource[] = [];
  for (const [source, members] of Map.groupBy(packages, (each) => lockedEntry(each).source)) {
    const all = await whereWas(house.history.db, { source, kind: 'binary' });
    const sightings = all.filter((each) => !earlier.has(formatSuiteRef(each)));
    const versions = [...Map.groupBy(sightings, ({ entry }) => entry.sourceVersion)]
      .flatMap(([version, seen]) => wholeGroup(version, seen, members) ?? [])
      .toSorted((a, b) => compareVersions(b.version, a.version));
    const upstream = withoutRevision(lockedEntry(members[0]!).sourceVersion);
    const same = versions.filter(({ version }) => withoutRevision(version) === upstream);
    const near = same.length > 0 ? same : versions;
    const found = near.find(({ since }) => since <= day) ?? near.at(-1);
    if (found !== undefined) older.push({ source, version: found.version, packages: found.packages });
  }
  return older;
}

/** The sources of a lock's packages, as they are in it. */
export async function sourcesOf({ blobs }: Pick<OlderDeps, 'blobs'>, lock: Sha256): Promise<LockedSource[]> {
  const { packages } = await readLock(blobs, lock);
  const bySource = Map.groupBy(packages.map(lockedEntry), ({ source }) => source);
  return [...bySource].map(([source, entries]) => {
    return { source, version: entries[0]!.sourceVersion, packages: entries.map(({ name }) => name) };
  });
}

/** Suites whose compiler is older than the lock's, the newest first: `debian/bullseye`. */
export async function earlierReleases(deps: OlderDeps, lock: Sha256): Promise<string[]> {
  const { own, sightings } = await seenCompilers(deps, lock);
  if (own === undefined) return [];
  const current = sightings.filter(({ until }) => until === undefined);
  const newest = [...Map.groupBy(current, formatSuiteRef)].map(([suite, seen]) => {
    const versions = seen.map(({ entry }) => entry.version).toSorted(compareVersions);
    return { suite, version: versions.at(-1)! };
  });
  // Another revision is of the same release, at another time.
  const isOlder = (version: string) => compareVersions(withoutRevision(version), withoutRevision(own.version)) < 0;
  const older = newest.filter(({ version }) => isOlder(version));
  return older.toSorted((a, b) => compareVersions(b.version, a.version)).map(({ suite }) => suite);
}

/**
 * Suites as they were at a time (seconds since the epoch), the nearest snapshot first, where that had this compiler too:
 * `debian/sid@20221020T084012Z`. What was built then was most probably built in one of them.
 */
export async function placesOfTime(deps: OlderDeps, lock: Sha256, at: number): Promise<string[]> {
  const { own, sightings } = await seenCompilers(deps, lock);
  if (own === undefined) return [];
  const same = sightings.filter(({ entry }) => withoutRevision(entry.version) === withoutRevision(own.version));
  const near: { readonly place: string; readonly apart: number }[] = [];
  for (const [suite, seen] of Map.groupBy(same, formatSuiteRef)) {
    const snapshotId = await snapshotOfTime(deps.house!.history.db, seen[0]!, new Date(at * 1000));
    if (snapshotId === undefined) continue;
    if (!seen.some(({ since, until }) => since <= snapshotId && (until === undefined || snapshotId < until))) continue;
    const apart = Math.abs(snapshotTime(snapshotId).getTime() / 1000 - at);
    near.push({ place: `${suite}@${snapshotId}`, apart });
  }
  return near
    .toSorted((a, b) => a.apart - b.apart)
    .slice(0, mostPlaces)
    .map(({ place }) => place);
}

const mostPlaces = 2;

/** The lock's compiler, if it has one, and wherever that has been. */
async function seenCompilers({ house, blobs }: OlderDeps, lock: Sha256) {
  const own = (await readLock(blobs, lock)).packages.find(({ name }) => name === compiler);
  if (house === undefined || own === undefined) return { own: undefined, sightings: [] };
  const { name, architecture } = own;
  return { own, sightings: await whereWas(house.history.db, { name, architecture, kind: 'binary' }) };
}

/** Of archives that stand still, such as one of snapshots, what is so near is as good as current. */
const nearby = 30 * 24 * 3600_000;

async function snapshotOfTime(db: Db, ref: SuiteRef, time: Date): Promise<SnapshotId | undefined> {
  const current = (await findSnapshot(db, ref, time))?.snapshotId;
  const next = (await nextSnapshot(db, { ...ref, snapshotId: current ?? toSnapshotId(time) }))?.snapshotId;
  const isNear = (id: SnapshotId) => Math.abs(snapshotTime(id).getTime() - time.getTime()) <= nearby;
  if (current !== undefined && (next !== undefined || isNear(current))) return current;
  return next !== undefined && isNear(next) ? next : undefined;
}

/** Of gcc-defaults, which has another version in every release, and is in the archive of none's security updates. */
const compiler = 'gcc';

/** The lock with other versions of some of its packages; undefined when the history does not vouch for all of them. */
export async function withVersions(
  { house, blobs }: OlderDeps,
  lock: Sha256,
  versions: readonly PackageVersion[],
  at: number,
): Promise<Sha256 | undefined> {
  if (versions.length === 0 || house === undefined) return lock;
  const { architecture, packages } = await readLock(blobs, lock);
  const other = new Map(versions.map(({ name, version }) => [name, version]));
  const wanted = packages.map((each) => ({ ...each, version: other.get(each.name) ?? each.version }));
  const deps = { ...house.history, distribution: house.distribution };
  const known = await lockKnown(deps, { architecture, packages: wanted, near: new Date(at * 1000) });
  return known.unknown.length > 0 ? undefined : (await blobs.putBytes(formatLock(known.lock))).sha256;
}

type Group = { readonly version: string; readonly since: string; readonly packages: readonly PackageVersion[] };

/** Of one source version; undefined unless it has all of the packages, and each of them older. */
function wholeGroup(version: string, seen: readonly Sighting[], members: Lock['packages']): Group | undefined {
  const packages: PackageVersion[] = [];
  let since = '';
  for (const { name, architecture, version: current } of members) {
    const found = seen.find(({ entry }) => entry.name === name && entry.architecture === architecture);
    if (found === undefined || compareVersions(found.entry.version, current) >= 0) return undefined;
    packages.push({ name, version: parseVersion(found.entry.version) });
    since = found.since > since ? found.since : since;
  }
  return { version, since, packages };
}

async function readLock(blobs: OlderDeps['blobs'], lock: Sha256): Promise<Lock> {
  return parseLock((await blobs.read(lock)).toString(), 'lock');
}
