/** From the names and versions of packages to a lock: which files these are, by what the history knows. */
import { field, parseStanza } from '../formats/deb/deb822.ts';
import { formatReleaseDate } from '../formats/deb/date.ts';
import { compareVersions } from '../formats/deb/version.ts';
import { listSnapshots, whereWas, type HistoryDeps, type Sighting, type SnapshotView } from '../history/mod.ts';
import { isSha256 } from '../kit/digest.ts';
import { order } from '../kit/order.ts';
import { encodePath } from '../sync/mod.ts';
import { byPackage, chooseSnapshots, lockedPackageFields } from '../lock/mod.ts';
import type { Distribution } from '../model/distribution.ts';
import { formatSnapshotRef, formatSuiteRef } from '../model/index-history.ts';
import type { Lock, LockSource, LockedPackage } from '../model/lock.ts';
import { isPackageName, isVersion, snapshotTime, toSnapshotId, type Architecture } from '../model/names.ts';

export type LockKnownDeps = Pick<HistoryDeps, 'db' | 'store'> & {
  readonly distribution: Pick<Distribution, 'suites' | 'upstreams' | 'url'>;
};

export type WantedPackage = {
  readonly name: string;
  readonly version: string;
  /** Undefined: that of the lock, or `all`. */
  readonly architecture: string | undefined;
};

export type KnownRequest = {
  readonly architecture: Architecture;
  readonly packages: readonly WantedPackage[];
  readonly request?: Lock['request'];
  /** The day of the system or build: of equally good snapshots, the one that was current then. */
  readonly near?: Date | undefined;
};

export type UnknownPackage = WantedPackage & {
  /** `never`: in no index that is kept. `unsigned`: only in such without a Release file or without SHA-256. */
  readonly why: 'never' | 'unsigned';
  /** Other versions of it that are known, newest first, at most five. */
  readonly others: readonly string[];
  /** A page that lists who may have it. */
  readonly hint: string;
};

export type AmbiguousPackage = WantedPackage & { readonly taken: string; readonly others: readonly string[] };

export type KnownLock = {
  /** Of what is known. */
  readonly lock: Lock;
  readonly unknown: readonly UnknownPackage[];
  /** Packages that had several files under the same version: nothing says which one was meant. */
  readonly ambiguous: readonly AmbiguousPackage[];
};

export async function lockKnown(deps: LockKnownDeps, asked: KnownRequest): Promise<KnownLock> {
  const { architecture, packages: wanted, request, near } = asked;
  const releases = new Releases(deps);
  const found = await inParallel(wanted, (each) => findPackage(deps, releases, each, architecture));
  const stays = found.map((sightings) =>
    sightings.map((each) => ({
      suite: formatSuiteRef(each),
      since: each.since,
      ...(each.until === undefined ? {} : { until: each.until }),
    })),
  );
  const chosen = chooseSnapshots(stays, near && toSnapshotId(near));
  const sources: LockSource[] = [];
  const locked: LockedPackage[] = [];
  for (const { suite, at, packages } of chosen) {
    const taken = packages.map((index) => found[index]!.find((each) => isAt(each, suite, at))!);
    sources.push(await toSource(deps, releases, taken, at));
    locked.push(...(await toLocked(deps, taken)));
  }
  const unknown = wanted.filter((_, index) => found[index]!.length === 0);
  return {
    lock: {
      ...{ architecture, sources: sources.toSorted((a, b) => order(a.snapshot ?? '', b.snapshot ?? '')) },
      ...(request === undefined ? {} : { request }),
      packages: locked.toSorted(byPackage),
    },
    unknown: await inParallel(unknown, (each) => explainUnknown(deps, each, architecture, near)),
    ambiguous: wanted.flatMap((each, index) => ambiguityOf(each, found[index]!, locked)),
  };
}

/** Sightings from which a lock can be made: with a SHA-256, from the first snapshot on that has a Release file. */
async function findPackage(
  deps: LockKnownDeps,
  releases: Releases,
  wanted: WantedPackage,
  native: Architecture,
): Promise<readonly Sighting[]> {
  const all = await allSightings(deps, wanted, native);
  const usable = await Promise.all(
    all.map(async (each) => {
      const since = isSha256(each.entry.sha256) ? await releases.firstOf(each) : undefined;
      return since === undefined ? [] : [{ ...each, since }];
    }),
  );
  return usable.flat();
}

async function allSightings(
  { db, distribution }: LockKnownDeps,
  { name, version, architecture }: WantedPackage,
  native: Architecture,
): Promise<readonly Sighting[]> {
  if (!isPackageName(name) || !isVersion(version)) return [];
  const sightings = await whereWas(db, { name, version, kind: 'binary' });
  const isWanted = (each: string) =>
    architecture === undefined ? each === native || each === 'all' : each === architecture;
  return sightings.filter(
    ({ origin, suite, entry }) => isWanted(entry.architecture) && baseOf(distribution, origin, suite) !== undefined,
  );
}

function isAt(sighting: Sighting, suite: string, at: string): boolean {
  const { since, until } = sighting;
  return formatSuiteRef(sighting) === suite && since <= at && (until === undefined || at < until);
}

async function toSource(
  { distribution }: LockKnownDeps,
  releases: Releases,
  taken: readonly Sighting[],
  at: string,
): Promise<LockSource> {
  const [first] = taken;
  const { origin, suite } = first!;
  const snapshot = (await releases.at(first!, at))!;
  return {
    ...{ url: baseOf(distribution, origin, suite)!, suite },
    components: [...new Set(taken.map(({ component }) => component))].toSorted(order),
    snapshot: formatSnapshotRef(snapshot),
    inRelease: snapshot.release!,
    ...(snapshot.signedBy.length === 0 ? {} : { keys: snapshot.signedBy.toSorted() }),
    date: formatReleaseDate(snapshotTime(snapshot.snapshotId)),
  };
}

async function toLocked({ store, distribution }: LockKnownDeps, taken: readonly Sighting[]): Promise<LockedPackage[]> {
  const pieces = await store.readPieces(taken.map(({ entry }) => entry.piece!));
  return taken.map(({ origin, suite, entry }, index) => {
    const stanza = parseStanza(new TextDecoder().decode(pieces[index]), `Packages of ${origin}/${suite}`);
    const path = encodePath(field(stanza, 'Filename') ?? '');
    return {
      // Names and versions were asked for as such; an index is only taken with architectures that are some.
      name: entry.name as LockedPackage['name'],
      version: entry.version as LockedPackage['version'],
      architecture: entry.architecture as LockedPackage['architecture'],
      sha256: entry.sha256 as LockedPackage['sha256'],
      size: entry.size,
      url: `${baseOf(distribution, origin, suite)!}/${path}`,
      fields: lockedPackageFields(stanza),
    };
  });
}

/** Of the archive's root, without a slash at its end; undefined for what is no longer in sheaf.toml. */
function baseOf({ upstreams, suites, url }: LockKnownDeps['distribution'], origin: string, suite: string) {
  if (origin === '') {
    const own = [...suites.values()].find(({ name }) => name === suite);
    return own && `${url.replace(/\/+$/, '')}/${own.repository}`;
  }
  return [...upstreams.values()].find(({ name }) => name === origin)?.url.replace(/\/+$/, '');
}

async function explainUnknown(
  deps: LockKnownDeps,
  wanted: WantedPackage,
  native: Architecture,
  near: Date | undefined,
): Promise<UnknownPackage> {
  const { name } = wanted;
  const all = await allSightings(deps, wanted, native);
  const others = isPackageName(name) ? await whereWas(deps.db, { name, kind: 'binary' }) : [];
  const versions = new Set(others.map(({ entry }) => entry.version).filter(isVersion));
  return {
    ...wanted,
    why: all.length > 0 ? 'unsigned' : 'never',
    others: [...versions]
      .filter((each) => each !== wanted.version)
      .toSorted((a, b) => compareVersions(b, a))
      .slice(0, 5),
    hint:
      near === undefined
        ? `https://snapshot.debian.org/binary/${encodeURIComponent(name)}/`
        : `https://snapshot.debian.org/archive/debian/${toSnapshotId(near)}/`,
  };
}

function ambiguityOf(
  wanted: WantedPackage,
  sightings: readonly Sighting[],
  locked: readonly LockedPackage[],
): AmbiguousPackage[] {
  const hashes = [...new Set(sightings.map(({ entry }) => entry.sha256))];
  if (hashes.length < 2) return [];
  const taken = hashes.find((each) => locked.some(({ sha256 }) => sha256 === each))!;
  return [{ ...wanted, taken, others: hashes.filter((each) => each !== taken) }];
}

/** Snapshots with a Release file; those of each suite are read once. */
class Releases {
  readonly #db: HistoryDeps['db'];
  /** Oldest first. */
  readonly #suites = new Map<string, Promise<readonly SnapshotView[]>>();

  constructor({ db }: Pick<HistoryDeps, 'db'>) {
    this.#db = db;
  }

  async firstOf({ origin, suite, since, until }: Sighting): Promise<Sighting['since'] | undefined> {
    const found = (await this.#of(origin, suite)).find(({ snapshotId }) => snapshotId >= since);
    return found === undefined || (until !== undefined && found.snapshotId >= until) ? undefined : found.snapshotId;
  }

  async at({ origin, suite }: Sighting, at: string): Promise<SnapshotView | undefined> {
    return (await this.#of(origin, suite)).find(({ snapshotId }) => snapshotId === at);
  }

  #of(origin: string, suite: string): Promise<readonly SnapshotView[]> {
    const key = formatSuiteRef({ origin, suite });
    const known = this.#suites.get(key) ?? this.#read(origin, suite);
    this.#suites.set(key, known);
    return known;
  }

  async #read(origin: string, suite: string): Promise<readonly SnapshotView[]> {
    const all = await listSnapshots(this.#db, { origin, suite }, { limit: mostSnapshots });
    return all.filter(({ release }) => release !== undefined).toReversed();
  }
}

const mostSnapshots = 100_000;
const atOnce = 8;

async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += atOnce) {
    results.push(...(await Promise.all(items.slice(start, start + atOnce).map(work))));
  }
  return results;
}
