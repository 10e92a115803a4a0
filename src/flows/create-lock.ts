/** From wishes to locks: apt's answer on exactly the indexes of the snapshots that are named. No network. */
import type { Db } from '../db/connect.ts';
import { findSnapshot, indexesAt, locate, whereWas, type SnapshotView } from '../history/mod.ts';
import { formatReleaseDate } from '../formats/deb/date.ts';
import { SheafError } from '../kit/error.ts';
import { byPackage, contentsOf, type LockSpec, type SnapshotSolver } from '../lock/mod.ts'; // prettier-ignore
import type { Distribution } from '../model/distribution.ts';
import { formatSnapshotRef, formatSuiteRef } from '../model/index-history.ts';
import type { KeptSource, Lock, LockRequest, LockSource } from '../model/lock.ts';
import { snapshotTime, type Architecture } from '../model/names.ts';

export type CreateLockDeps = {
  readonly db: Db;
  readonly distribution: Pick<Distribution, 'suites' | 'upstreams' | 'url'>;
  readonly solver: SnapshotSolver;
};

export type CreateLockResult =
  /** One lock for each architecture, in the order of the specification; and what is excluded without being anywhere. */
  | { readonly kind: 'locked'; readonly locks: readonly Lock[]; readonly unknown: readonly string[] }
  /** apt's reasons, one a line; and names of packages that cannot stay at their versions. */
  | { readonly kind: 'unsatisfiable'; readonly explanation: string; readonly kept?: readonly string[] };

/** Throws `unknown-place`, `unsigned-snapshot`, `unknown-archive`, `no-packages-index`, and what the solver throws. */
export async function createLock(deps: CreateLockDeps, spec: LockSpec): Promise<CreateLockResult> {
  const places = await Promise.all(spec.from.map(async (place) => openPlace(deps, place)));
  const locks: Lock[] = [];
  for (const architecture of spec.architectures) {
    const foreign = foreignOf(spec, architecture);
    checkArchitectures(places, [architecture, ...foreign]);
    const { classes, packages } = contentsOf(spec.variant);
    const answer = await deps.solver.solve({
      ...{ architecture, foreign, classes },
      sources: places.map((place) => sourceOf(place, [architecture, ...foreign])),
      packages: [...new Set([...packages.filter((name) => !isExcluded(spec, name)), ...spec.packages])],
      recommends: spec.recommends,
      exclude: spec.exclude,
      keep: (spec.keep ?? []).filter((each) => [architecture, ...foreign, 'all'].includes(each.architecture)),
      needs: spec.needs,
    });
    if (answer.kind === 'unmet') {
      const which = spec.architectures.length === 1 ? [] : [`${architecture}:`];
      const explanation = [...which, answer.explanation, ...withoutForeign(places, foreign)].join('\n');
      return { kind: 'unsatisfiable', explanation, ...(answer.kept === undefined ? {} : { kept: answer.kept }) };
    }
    locks.push({
      architecture,
      sources: places.map(({ lockSource }) => lockSource),
      ...(spec.needs === undefined ? { request: requestOf(spec) } : {}),
      packages: answer.packages.toSorted(byPackage),
    });
  }
  return { kind: 'locked', locks, unknown: await unknownPackages(deps.db, spec.exclude) };
}

/** Names that no package has ever had in what is kept. */
async function unknownPackages(db: Db, names: readonly string[]): Promise<string[]> {
  const seen = await Promise.all(names.map(async (name) => whereWas(db, { name, kind: 'binary' })));
  return names.filter((_, index) => seen[index]!.length === 0);
}

function requestOf({ packages, variant, recommends, exclude }: LockSpec): LockRequest {
  return { packages, variant, recommends, exclude };
}

function isExcluded({ exclude }: LockSpec, name: string): boolean {
  return exclude.some((each) => each === name);
}

/** Architectures that packages are wanted of beside the root's own. */
function foreignOf({ packages }: LockSpec, architecture: Architecture): Architecture[] {
  const named = packages.flatMap((word) => /^[^:=/]+:([^=/]+)/.exec(word)?.[1] ?? []);
  return [...new Set(named)].filter((each) => each !== architecture).toSorted() as Architecture[];
}

type Place = {
  readonly name: string;
  readonly source: KeptSource;
  readonly lockSource: LockSource;
};

async function openPlace({ db, distribution }: CreateLockDeps, text: string): Promise<Place> {
  const ref = await locate({ db, distribution }, text);
  const snapshot = (await findSnapshot(db, ref, ref.snapshotId))!;
  const name = formatSnapshotRef(ref);
  if (snapshot.release === undefined) {
    throw new SheafError('unsigned-snapshot', `Cannot lock from ${name}: no Release file vouches for it`, {
      hint: 'It was taken in unsigned. Name another snapshot of the suite.',
    });
  }
  const indexes = (await indexesAt(db, ref)).filter(({ kind }) => kind === 'packages');
  const components = [...new Set(indexes.map(({ component }) => component))].toSorted();
  const url = archiveOf(distribution, snapshot);
  const { suite } = ref;
  return {
    name,
    source: { url, suite, components, release: snapshot.release, indexes },
    lockSource: {
      ...{ url, suite, components, snapshot: name, inRelease: snapshot.release },
      ...(snapshot.signedBy.length === 0 ? {} : { keys: snapshot.signedBy.toSorted() }),
      // The id is the date of the Release file.
      date: formatReleaseDate(snapshotTime(ref.snapshotId)),
    },
  };
}

/** Where its files are. */
function archiveOf({ suites, upstreams, url }: CreateLockDeps['distribution'], snapshot: SnapshotView): string {
  if (snapshot.origin === '') {
    const own = [...suites.values()].find(({ name }) => name === snapshot.suite);
    if (own !== undefined) return `${url}/${own.repository}`;
  }
  const upstream = [...upstreams.values()].find(({ name }) => name === snapshot.origin);
  if (upstream !== undefined) return upstream.url.replace(/\/+$/, '');
  throw new SheafError(
    'unknown-archive',
    `Cannot lock from ${formatSnapshotRef(snapshot)}: sheaf.toml does not say any more where ${formatSuiteRef(snapshot)} is`,
    { hint: `Add [upstream.${snapshot.origin}] or [suite.${snapshot.suite}] again, with its address.` },
  );
}

function sourceOf({ source }: Place, architectures: readonly Architecture[]): KeptSource {
  const indexes = source.indexes.filter(
    ({ architecture }) => architecture === 'all' || architectures.some((each) => each === architecture),
  );
  return { ...source, indexes };
}

/** Packages of one name and several architectures fit together in one version alone, which may be of such a place. */
function withoutForeign(places: readonly Place[], foreign: readonly Architecture[]): string[] {
  return foreign.flatMap((wanted) =>
    places
      .filter((place) => !has(place, wanted))
      .map(({ name }) => `${name} is kept without ${wanted}: see sheaf.toml`),
  );
}

function has({ source }: Place, wanted: string | undefined): boolean {
  return source.indexes.some(({ architecture }) => architecture === wanted);
}

/** The root's own must be in every place, a foreign one in some. Throws `no-packages-index`. */
function checkArchitectures(places: readonly Place[], [native, ...foreign]: readonly Architecture[]): void {
  const lacking = places.find((place) => !has(place, native));
  const stranger = foreign.find((wanted) => !places.some((place) => has(place, wanted)));
  if (lacking === undefined && stranger === undefined) return;
  const place = lacking ?? places[0]!;
  const kept = [...new Set(place.source.indexes.map(({ architecture }) => architecture))].toSorted();
  const wanted = lacking === undefined ? stranger : native;
  throw new SheafError('no-packages-index', `Cannot lock for ${wanted} from ${place.name}: no such index is kept`, {
    hint: `There is ${kept.join(', ') || 'none'}. An upstream's architectures are set in sheaf.toml.`,
  });
}
