/** A lock moved to newer snapshots: what must or may move does, all else stays at its version. */
import { compareVersions } from '../formats/deb/version.ts';
import { entriesAt, locate, type HistoryDeps } from '../history/mod.ts';
import { SheafError } from '../kit/error.ts';
import { matchesAnyGlob } from '../kit/glob.ts';
import { lockedEntry } from '../lock/mod.ts';
import { checkLockSpec, defaultVariant, type LockSpec } from '../lock/spec.ts';
import { formatSnapshotRef, type PackageEntry } from '../model/index-history.ts';
import type { Lock, LockedPackage } from '../model/lock.ts';
import { isSnapshotId, isVersion, snapshotTime } from '../model/names.ts';
import type { ChangelogPort } from './compare-changelogs.ts';
import { compareLocks, isSameContent, type LockComparison } from './compare-locks.ts';
import { createLock, type CreateLockDeps, type CreateLockResult } from './create-lock.ts';

export type UpdateLockDeps = CreateLockDeps & {
  readonly history: Pick<HistoryDeps, 'db' | 'store'>;
  /** Reads changelogs of these packages. */
  readonly changelogs?: ((packages: readonly LockedPackage[]) => ChangelogPort) | undefined;
};

/** Which packages may move to another version. Whatever these force moves too. */
export type Movable =
  | { readonly kind: 'all' }
  /** Globs for names of packages or of their source packages. */
  | { readonly kind: 'only'; readonly names: readonly string[] }
  /** Those of which a suite for security updates has a newer version, to exactly that. */
  | { readonly kind: 'security' };

export type UpdateOptions = {
  readonly movable: Movable;
  /** What is asked for now; without it, what the lock says was asked for. */
  readonly spec?: LockSpec | undefined;
  /** `debian/trixie@20260912T075541Z`, or a snapshot or a day for all suites; without it, the newest. */
  readonly to?: string | undefined;
};

export type SecurityUpdate = {
  readonly architecture: string;
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly place: string;
};

export type LockUpdate =
  | {
      readonly kind: 'updated';
      readonly locks: readonly Lock[];
      readonly comparison: LockComparison;
      /** Names of packages that changed their version though they were to stay. */
      readonly forced: readonly string[];
      readonly security?: readonly SecurityUpdate[];
    }
  /** The same packages as before: newer snapshots alone are no reason to change a file. */
  | { readonly kind: 'unchanged' }
  /** apt's reasons, one a line. */
  | { readonly kind: 'unsatisfiable'; readonly explanation: string };

/**
 * Throws `no-lock-request` for a lock that does not say what was asked for or from which suites, `no-security-suite`,
 * `not-in-lock`, and what createLock throws.
 */
export async function updateLock(
  deps: UpdateLockDeps,
  locks: readonly Lock[],
  { movable, spec, to }: UpdateOptions,
): Promise<LockUpdate> {
  checkNames(locks, movable);
  const made: Lock[] = [];
  const security: SecurityUpdate[] = [];
  for (const wanted of spec === undefined ? locks.map(specOf) : bySpecArchitecture(spec)) {
    const old = locks.find(({ architecture }) => architecture === wanted.architectures[0]);
    const from = to === undefined ? wanted.from : placesAt(wanted.from, to, old);
    const updates = movable.kind === 'security' && old !== undefined ? await securityUpdates(deps, old, from) : [];
    security.push(...updates);
    const keep = keptOf(old?.packages ?? [], movable, updates);
    const answer = await createKeeping(deps, { ...wanted, from }, keep);
    if (answer.kind === 'unsatisfiable') return { kind: 'unsatisfiable', explanation: answer.explanation };
    made.push(...answer.locks);
  }
  if (isSameContent(await compareLocks(locks, made)) && isSameRequest(locks, made)) return { kind: 'unchanged' };
  const comparison = await compareLocks(locks, made, deps.changelogs?.(made.flatMap(({ packages }) => packages)));
  return {
    ...{ kind: 'updated', locks: made, comparison, forced: forcedIn(comparison, movable, security) },
    ...(movable.kind === 'security' ? { security } : {}),
  };
}

/** What stands in the way of what moves is let go, until it fits or nothing more is in the way. */
async function createKeeping(
  deps: CreateLockDeps,
  spec: LockSpec,
  keep: readonly LockedPackage[],
): Promise<CreateLockResult> {
  const answer = await createLock(deps, { ...spec, ...(keep.length === 0 ? {} : { keep }) });
  if (answer.kind === 'locked') return answer;
  const rest = keep.filter(({ name }) => answer.kept?.includes(name) !== true);
  return rest.length === keep.length ? answer : createKeeping(deps, spec, rest);
}

/** What was asked for, from the newest snapshots of the same suites. */
function specOf({ architecture, request, sources }: Lock): LockSpec {
  if (request === undefined) {
    throw new SheafError(
      'no-lock-request',
      `Cannot update the lock for ${architecture}: it does not say what was asked for`,
      { kind: 'usage', hint: 'Say it by a specification: --spec FILE.' },
    );
  }
  const unplaced = sources.find(({ snapshot }) => snapshot === undefined);
  if (unplaced !== undefined || sources.length === 0) {
    const what = unplaced === undefined ? 'it' : `${unplaced.suite} of ${unplaced.url}`;
    throw new SheafError(
      'no-lock-request',
      `Cannot update the lock for ${architecture}: it does not say which snapshot ${what} is from`,
      { kind: 'usage', hint: 'Name the suites by a specification: --spec FILE.' },
    );
  }
  return checkLockSpec({
    packages: request.packages,
    variant: request.variant ?? defaultVariant,
    from: [...new Set(sources.map(({ snapshot }) => suiteOf(snapshot!)))],
    architectures: [architecture],
    recommends: request.recommends,
    exclude: request.exclude,
  });
}

function bySpecArchitecture(spec: LockSpec): LockSpec[] {
  return spec.architectures.map((architecture) => ({ ...spec, architectures: [architecture] }));
}

function suiteOf(place: string): string {
  return place.split('@')[0]!;
}

/**
 * A place that is named whole moves that suite, and the others stay where the lock has them. A snapshot's id stands for
 * its moment: suites are not published at the same second.
 */
function placesAt(from: readonly string[], to: string, old: Lock | undefined): string[] {
  const at = to.indexOf('@');
  if (at <= 0) {
    const when = at === 0 ? to.slice(1) : to;
    const moment = isSnapshotId(when) ? snapshotTime(when).toISOString().replace('.000', '') : when;
    return from.map((place) => `${suiteOf(place)}@${moment}`);
  }
  if (!from.some((place) => suiteOf(place) === suiteOf(to))) {
    throw new SheafError('unknown-place', `Cannot move the lock to ${to}: it has nothing of ${suiteOf(to)}`, {
      kind: 'usage',
      hint: `It is made from ${from.map(suiteOf).join(', ')}.`,
    });
  }
  const locked = (place: string) =>
    old?.sources.find(({ snapshot }) => snapshot !== undefined && suiteOf(snapshot) === suiteOf(place))?.snapshot;
  return from.map((place) => (suiteOf(place) === suiteOf(to) ? to : (locked(place) ?? place)));
}

function keptOf(
  packages: readonly LockedPackage[],
  movable: Movable,
  updates: readonly SecurityUpdate[],
): readonly LockedPackage[] {
  switch (movable.kind) {
    case 'all':
      return [];
    case 'only':
      return packages.filter((each) => !isNamed(lockedEntry(each), movable.names));
    case 'security':
      return packages.map((each) => {
        const update = updates.find(({ name }) => name === each.name)?.to;
        return update !== undefined && isVersion(update) ? { ...each, version: update } : each;
      });
  }
}

function isNamed({ name, source }: Pick<PackageEntry, 'name' | 'source'>, names: readonly string[]): boolean {
  return matchesAnyGlob(names, name) || matchesAnyGlob(names, source);
}

/** By the suite's name: Debian's `trixie-security`, and `bullseye/updates` as it was called before. */
function isSecurity(place: string): boolean {
  return /(?:-security|\/updates)$/.test(suiteOf(place));
}

async function securityUpdates(
  { db, distribution, history }: UpdateLockDeps,
  { architecture, packages }: Lock,
  from: readonly string[],
): Promise<SecurityUpdate[]> {
  const places = from.filter(isSecurity);
  if (places.length === 0) {
    throw new SheafError(
      'no-security-suite',
      'Cannot choose security updates: the lock is made from no suite whose name ends in -security',
      { kind: 'usage', hint: `It is made from ${from.map(suiteOf).join(', ')}. Add one by --spec FILE.` },
    );
  }
  const newest = new Map<string, PackageEntry & { readonly place: string }>();
  for (const place of places) {
    const ref = await locate({ db, distribution }, place);
    for (const entry of await entriesAt(history, ref, { kind: 'binary' })) {
      const key = `${entry.name}:${entry.architecture}`;
      const known = newest.get(key);
      if (known !== undefined && !isNewer(entry.version, known.version)) continue;
      newest.set(key, { ...entry, place: formatSnapshotRef(ref) });
    }
  }
  return packages.flatMap(({ name, version, architecture: own }) => {
    const found = newest.get(`${name}:${own}`);
    return found === undefined || !isNewer(found.version, version)
      ? []
      : [{ architecture, name, from: version, to: found.version, place: found.place }];
  });
}

/** An index may have what is no version. */
function isNewer(a: string, b: string): boolean {
  return isVersion(a) && (!isVersion(b) || compareVersions(a, b) > 0);
}

function forcedIn(
  { architectures }: LockComparison,
  movable: Movable,
  security: readonly SecurityUpdate[],
): readonly string[] {
  if (movable.kind === 'all') return [];
  const may = ({ name, source }: Pick<PackageEntry, 'name' | 'source'>) =>
    movable.kind === 'only' ? isNamed({ name, source }, movable.names) : security.some((each) => each.name === name);
  const changes = architectures.flatMap(({ sources }) => sources).flatMap(({ changes: each }) => each);
  const forced = changes.filter(
    ({ name, old, new: now }) => old !== undefined && now !== undefined && !may({ name, source: old.source }),
  );
  return [...new Set(forced.map(({ name }) => name))];
}

/** The suites are asked for too: the next update takes them from the file. */
function isSameRequest(left: readonly Lock[], right: readonly Lock[]): boolean {
  const text = (locks: readonly Lock[]) =>
    JSON.stringify(
      locks.map(({ architecture, request, sources }) => [
        architecture,
        sources.map(({ snapshot, url, suite }) => (snapshot === undefined ? [url, suite] : suiteOf(snapshot))),
        request?.packages,
        request?.variant ?? defaultVariant,
        request?.recommends,
        request?.exclude,
      ]),
    );
  return text(left) === text(right);
}

function checkNames(locks: readonly Lock[], movable: Movable): void {
  if (movable.kind !== 'only') return;
  const entries = locks.flatMap(({ packages }) => packages.map(lockedEntry));
  const missing = movable.names.filter((name) => !entries.some((entry) => isNamed(entry, [name])));
  if (missing.length === 0) return;
  throw new SheafError(
    'not-in-lock',
    `Cannot move ${missing.join(', ')}: no package or source in the lock is called so`,
    {
      kind: 'usage',
    },
  );
}
