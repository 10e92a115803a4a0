/** What is built to rebuild something, in which environment and under which conditions. */
import { buildNeeds, isBuildPath } from '../build/mod.ts';
import { parseBuildinfo } from '../formats/deb/buildinfo.ts';
import { parseDsc } from '../formats/deb/dsc.ts';
import type { Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import { formatLock } from '../lock/mod.ts';
import type { BuildLimits, Distribution } from '../model/distribution.ts';
import type { BuildConditions, BuildSpec, InputFile } from '../model/job.ts';
import type { Lock } from '../model/lock.ts';
import type { RebuildMode } from '../model/rebuild.ts';
import type { Blobs } from '../plumbing/blobs.ts';
import { recordedConditions, recoverConditions, type DebFacts, type Recovered } from '../rebuild/mod.ts';
import { jobsOfFiles } from '../rebuild/store-jobs.ts';
import { createLock, type CreateLockDeps } from './create-lock.ts';
import { lockFromBuildinfo } from './lock-from-buildinfo.ts';
import type { UnknownPackage } from './lock-known.ts';
import { fetchSource, formatPlace, type Original, type OriginalDeps, type OriginalFile } from './rebuild-original.ts';

/** One build and the published files that it should give. */
export type Part = { readonly spec: BuildSpec; readonly files: readonly OriginalFile[] };

export type RebuildPlan = {
  readonly mode: RebuildMode;
  readonly parts: readonly Part[];
  /** The .buildinfo that is followed. */
  readonly buildinfo?: Sha256 | undefined;
  /** Seconds since the epoch: about when the first build was. */
  readonly builtAt: number;
};

export type PlanRequest = {
  readonly original: Original;
  /** The files of the source package, where they are blobs already. */
  readonly sources?: readonly InputFile[] | undefined;
  /** When not said: `exact` where the first build is on record and anything of it is to be restored. */
  readonly mode?: RebuildMode | undefined;
  /** Places that dependencies come from. */
  readonly from: readonly string[];
  /** The environment, in place of one that is found. */
  readonly lock?: Lock | undefined;
  /** Whether the tests of the package are left out. */
  readonly nocheck: boolean;
  /** Restores nothing that the published files tell, as whoever builds the source today. */
  readonly plain: boolean;
};

/** What of a distribution a rebuild needs; nothing where all that is needed was brought along. */
export type PlanHouse = OriginalDeps & {
  readonly distribution: Pick<Distribution, 'suites' | 'upstreams' | 'url'>;
  readonly lock: CreateLockDeps;
};

export type PlanDeps = {
  readonly house: PlanHouse | undefined;
  readonly blobs: Blobs;
  readonly limits: BuildLimits;
  /** What the published files say, by their hash; nothing of those that are not here. */
  readonly facts: ReadonlyMap<Sha256, DebFacts>;
  /** What the compiler of an environment may have called itself at a time, in seconds since the epoch. */
  readonly compilers: (lock: Sha256, at: number) => Promise<readonly string[]>;
};

/** Throws `unknown-environment` with all that is not known, `no-source`, `no-environment`, and what fetching throws. */
export async function planRebuild(deps: PlanDeps, request: PlanRequest): Promise<RebuildPlan> {
  const { original, mode } = request;
  const ours = mode === 'idempotent' || request.lock !== undefined ? undefined : await planOurs(deps, request);
  if (ours !== undefined) return ours;
  const { buildinfo } = original;
  if (mode === 'exact' && buildinfo === undefined) {
    throw new SheafError(
      'unknown-environment',
      `Cannot rebuild ${original.source} exactly: no .buildinfo says what it was built in`,
      {
        hint: 'Debian does not publish them in its archive. With --mode idempotent the dependencies of today are taken.',
      },
    );
  }
  const sources = request.sources ?? (await fetchSource(houseOf(deps), original));
  return buildinfo === undefined || mode === 'idempotent'
    ? planIdempotent(deps, request, sources)
    : planRecorded(deps, request, sources, buildinfo);
}

/** Our own jobs once more, word for word. */
async function planOurs({ house, blobs }: PlanDeps, request: PlanRequest): Promise<RebuildPlan | undefined> {
  if (house === undefined) return undefined;
  const { files } = request.original;
  const built = await jobsOfFiles(
    house.history.db,
    files.map(({ sha256 }) => sha256),
  );
  if (built.length < files.length) return undefined;
  for (const { spec } of built) if ((await blobs.info(spec.lock)) === undefined) return undefined;
  const jobs = [...new Map(built.map((each) => [each.job, each])).values()];
  const parts = jobs.map((job): Part => {
    const { origin: _, ...spec } = job.spec;
    return {
      spec: request.nocheck ? { ...spec, conditions: withoutTests(spec.conditions) } : spec,
      files: files.filter((file) => built.some((each) => each.sha256 === file.sha256 && each.job === job.job)),
    };
  });
  return { mode: 'exact', parts, buildinfo: jobs[0]!.buildinfo, builtAt: jobs[0]!.builtAt };
}

async function planRecorded(
  deps: PlanDeps,
  request: PlanRequest,
  inputs: readonly InputFile[],
  { name, text }: NonNullable<Original['buildinfo']>,
): Promise<RebuildPlan> {
  const { original } = request;
  const recorded = recordedConditions(text, name);
  const { architectures } = parseBuildinfo(text, name);
  const lock = request.lock ?? (await lockOfRecord(deps, text, name));
  const recovered = recoverConditions(original, factsOf(deps, original.files), { foreign: false });
  const { buildPath, ...others } = recorded.conditions;
  const conditions = {
    // It may be a path that no build can have here, and mostly does not matter.
    ...{ ...recovered.conditions, ...(buildPath && isBuildPath(buildPath) && { buildPath }), ...others },
  };
  const made = {
    conditions: request.nocheck ? withoutTests(conditions) : conditions,
    sourceDateEpoch: recorded.sourceDateEpoch ?? recovered.sourceDateEpoch,
  };
  const [all, any] = [architectures.includes('all'), architectures.some((each) => !['all', 'source'].includes(each))];
  const builds = all && any ? 'any+all' : all ? 'all' : 'any';
  const { sha256 } = await deps.blobs.putBytes(formatLock(lock));
  const spec = toSpec(deps, original, { inputs, builds, lock: sha256, baseLock: sha256 }, made);
  const buildinfo = await deps.blobs.putBytes(text);
  return {
    ...{ mode: 'exact', buildinfo: buildinfo.sha256, parts: [{ spec, files: original.files }] },
    builtAt: recorded.builtAt ?? spec.sourceDateEpoch,
  };
}

async function lockOfRecord(deps: PlanDeps, text: string, name: string): Promise<Lock> {
  const { history, distribution } = houseOf(deps);
  const { lock, unknown } = await lockFromBuildinfo({ ...history, distribution }, text, name);
  if (unknown.length === 0) return lock;
  throw new SheafError('unknown-environment', `Cannot make the environment of ${name}: ${formatUnknown(unknown)}`, {
    hint: 'Import indexes of that time (sheaf upstream import), name an environment by --lock FILE, or take the dependencies of today: --mode idempotent.',
  });
}

function formatUnknown(unknown: readonly UnknownPackage[]): string {
  const shown = unknown.slice(0, mostShown).map(({ name, version }) => `${name} ${version}`);
  const rest = unknown.length - shown.length;
  return `the history does not have ${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

const mostShown = 100;

async function planIdempotent(
  deps: PlanDeps,
  request: PlanRequest,
  inputs: readonly InputFile[],
): Promise<RebuildPlan> {
  const { original, nocheck, plain } = request;
  const { source, files, place } = original;
  const dsc = parseDsc((await deps.blobs.read(dscOf(inputs, source).sha256)).toString(), dscOf(inputs, source).name);
  const parts: Part[] = [];
  // Debian builds what is for all architectures by itself.
  for (const builds of ['any', 'all'] as const) {
    const wanted = files.filter((file) => (file.architecture === 'all') === (builds === 'all'));
    if (wanted.length === 0) continue;
    const locks = await solve(deps, request, buildNeeds(dsc.stanza, builds));
    const facts = factsOf(deps, wanted);
    const compilers = plain || facts[0] === undefined ? [] : await deps.compilers(locks.lock, facts[0].date);
    const recovered = recoverConditions(original, facts, { foreign: place?.origin !== '', compilers });
    const restored = plain ? { ...recovered, conditions: {} } : recovered;
    const made = nocheck ? { ...restored, conditions: withoutTests(restored.conditions) } : restored;
    parts.push({ spec: toSpec(deps, original, { inputs, builds, ...locks }, made), files: wanted });
  }
  return { mode: 'idempotent', parts, builtAt: parts[0]!.spec.sourceDateEpoch };
}

function withoutTests(conditions: BuildConditions = {}): BuildConditions {
  const { environment = {} } = conditions;
  const options = (environment['DEB_BUILD_OPTIONS'] ?? '')
    .split(/\s+/)
    .filter((each) => !['', 'nocheck'].includes(each));
  return { ...conditions, environment: { ...environment, DEB_BUILD_OPTIONS: [...options, 'nocheck'].join(' ') } };
}

function factsOf({ facts }: PlanDeps, files: readonly OriginalFile[]): DebFacts[] {
  return files.flatMap(({ sha256 }) => facts.get(sha256) ?? []);
}

type Locks = { readonly lock: Sha256; readonly baseLock: Sha256 };

/** What sbuild's chroots have: mmdebstrap's variant `buildd` and fakeroot. */
async function solve(deps: PlanDeps, request: PlanRequest, needs: ReturnType<typeof buildNeeds>): Promise<Locks> {
  const { original, from } = request;
  const put = async (lock: Lock) => (await deps.blobs.putBytes(formatLock(lock))).sha256;
  if (request.lock !== undefined) {
    const lock = await put(request.lock);
    return { lock, baseLock: lock };
  }
  const places = from.length > 0 ? from : [formatPlace(original.place)].filter((each) => each !== undefined);
  if (deps.house === undefined || places.length === 0) {
    throw new SheafError(
      'no-environment',
      `Cannot rebuild ${original.source}: nothing says where its dependencies come from`,
      {
        kind: 'usage',
        hint: 'Name a place of the history by --from debian/bookworm, or an environment by --lock FILE.',
      },
    );
  }
  const { house } = deps;
  const ask = async (depends: string, conflicts: string) => {
    const answer = await createLock(house.lock, {
      ...{ packages: ['fakeroot'], variant: 'buildd', from: places, architectures: [original.architecture] },
      ...{ recommends: false, exclude: [], needs: { depends, conflicts } },
    });
    if (answer.kind === 'locked') return put(answer.locks[0]!);
    throw new SheafError(
      'unmet-dependencies',
      `Cannot install the build dependencies of ${original.source}: ${answer.explanation}`,
      { hint: 'Name further places that have them by --from, or an environment by --lock FILE.' },
    );
  };
  return { baseLock: await ask('', ''), lock: await ask(needs.buildDepends, needs.buildConflicts) };
}

type Environment = Locks & { readonly inputs: readonly InputFile[]; readonly builds: BuildSpec['builds'] };

function toSpec(
  { limits }: PlanDeps,
  { source, version, architecture }: Original,
  { inputs, builds, lock, baseLock }: Environment,
  { conditions, sourceDateEpoch }: Pick<Recovered, 'conditions'> & { readonly sourceDateEpoch?: number | undefined },
): BuildSpec {
  return {
    ...{ kind: 'binary', source, version, architecture, builds, inputs, lock, baseLock, limits },
    ...{ sourceDateEpoch: sourceDateEpoch ?? 0, conditions },
  };
}

function dscOf(inputs: readonly InputFile[], source: string): InputFile {
  const dsc = inputs.find(({ name }) => name.endsWith('.dsc'));
  if (dsc === undefined) throw new SheafError('no-source', `Cannot rebuild ${source}: its files have no .dsc`);
  return dsc;
}

function houseOf({ house }: PlanDeps): PlanHouse {
  if (house !== undefined) return house;
  throw new SheafError('no-distribution', 'Cannot rebuild this alone: its source or its environment is not at hand', {
    kind: 'usage',
    hint: 'Run it in a distribution that follows the upstream (-C DIR), or put the .dsc beside it and name --lock FILE.',
  });
}
