/**
 * A rebuild: the published files of a source package are built again and compared; where they differ, the cause is
 * looked for by experiment. Bytes that agree in the end are reproduced, and the result says what had to be restored for
 * it. Every build is kept by what it was made of, so that a rebuild that was ended goes on where it was.
 */
import type { Clock } from '../kit/clock.ts';
import { sha256, type Sha256 } from '../kit/digest.ts';
import { describeError, SheafError } from '../kit/error.ts';
import type { BuildSpec, HeaderPatch } from '../model/job.ts';
import {
  cutText,
  worstVerdict,
  type Cause,
  type RebuildResult,
  type RebuiltFile,
  type Verdict,
} from '../model/rebuild.ts';
import { describeConditions, type CompareDebs, type DebFacts, type ReadDebFacts } from '../rebuild/mod.ts';
import { filesOf, type ComparedPart, type MadePart } from './rebuild-compared.ts';
import { explainByEnvironment, type ByEnvironment } from './rebuild-earlier.ts';
import { explain, type Explained } from './rebuild-explain.ts';
import { earlierReleases, placesOfTime } from './rebuild-older.ts';
import { fetchOriginals, formatPlace, type OriginalFile } from './rebuild-original.ts';
import { planRebuild, type Part, type PlanDeps, type PlanRequest, type RebuildPlan } from './rebuild-plan.ts';

export type BuiltFile = {
  readonly name: string;
  readonly sha256: Sha256;
  readonly size: number;
  readonly path: string;
};

export type Built = { readonly seconds: number; readonly log: string } & (
  | { readonly outcome: 'built'; readonly files: readonly BuiltFile[] }
  | { readonly outcome: 'failed'; readonly reason: string }
);

/** Builds, or finds that the same was built before; `round` is 0, and 1 for a second time under the same conditions. */
export type RunBuild = (spec: BuildSpec, round: number) => Promise<Built>;

export type RebuildEvent =
  | { readonly kind: 'step'; readonly text: string }
  | { readonly kind: 'compared'; readonly verdict: Verdict; readonly equal: number; readonly of: number }
  | { readonly kind: 'experiment'; readonly restored: string; readonly verdict: Verdict };

export function describeEvent(event: RebuildEvent): string {
  switch (event.kind) {
    case 'step':
      return event.text;
    case 'compared':
      return `${event.equal} of ${event.of} files agree`;
    case 'experiment':
      return `With ${event.restored}: ${event.verdict}`;
  }
}

/**
 * What a build is found again by: the hash of all that goes into it, of how many things are made at once where that is
 * not for the spec to say, and of the round.
 */
export function keyOfBuild(spec: BuildSpec, round: number, parallel?: number): Sha256 {
  const { limits: _, ...facts } = spec;
  return sha256(JSON.stringify([format, facts, ...(parallel === undefined ? [] : [parallel]), round]));
}

/** Changes whenever the same document would be built another way. */
const format = 4;

export type RebuildDeps = Omit<PlanDeps, 'facts'> & {
  readonly clock: Clock;
  readonly run: RunBuild;
  readonly readFacts: ReadDebFacts;
  /** What has changed in the headers of an environment since a time, in seconds since the epoch. */
  readonly headers: (lock: Sha256, since: number) => Promise<readonly HeaderPatch[]>;
  /** Undefined: only the bytes are compared. */
  readonly compare: CompareDebs | undefined;
  readonly report: (event: RebuildEvent) => void;
  readonly signal: AbortSignal;
};

export type RebuildRequest = PlanRequest & {
  /** Most builds to find a cause, for each part; 0 for none. */
  readonly experiments: number;
};

export type Rebuilt = {
  readonly result: RebuildResult;
  /** Of the builds that the verdict is about, in the order of their parts. */
  readonly built: readonly BuiltFile[];
  readonly logs: readonly string[];
  /** What the first build differed in, and its files that did. */
  readonly difference: object | undefined;
  readonly differing: readonly BuiltFile[];
};

/** What is not known, and what fails, is a verdict; only what the caller did wrong is thrown. */
export async function rebuild(deps: RebuildDeps, asked: RebuildRequest): Promise<Rebuilt> {
  const request: RebuildRequest = asked.plain ? { ...asked, mode: asked.mode ?? 'idempotent' } : asked;
  const startedOn = deps.clock.now().toISOString();
  const { original } = request;
  const { source, version, architecture } = original;
  const place = formatPlace(original.place);
  const whole = (rest: Pick<RebuildResult, 'mode' | 'verdict' | 'files'> & Partial<RebuildResult>): RebuildResult => ({
    ...{ source, version, architecture, conditions: {}, experiments: [], startedOn },
    ...(place === undefined ? {} : { place }),
    ...rest,
    ...(rest.reason === undefined ? {} : { reason: cutText(rest.reason) }),
    causes: (rest.causes ?? []).map((each) => ({ ...each, detail: cutText(each.detail) })),
    finishedOn: deps.clock.now().toISOString(),
  });
  const files = (verdict: Verdict) => original.files.map((each) => toRebuilt(each, undefined, verdict));
  let plan: RebuildPlan;
  let facts: PlanDeps['facts'];
  try {
    deps.report({ kind: 'step', text: `Looking for the source and the environment of ${source} ${version}` });
    facts = await readAllFacts(deps, request);
    plan = await planRebuild({ ...deps, facts }, request);
  } catch (error) {
    deps.signal.throwIfAborted();
    if (!(error instanceof SheafError) || error.kind === 'usage') throw error;
    const mode = request.mode ?? (original.buildinfo === undefined ? 'idempotent' : 'exact');
    const result = whole({ mode, verdict: 'unknown', reason: withWayOut(error), files: files('unknown') });
    return { result, built: [], logs: [], difference: undefined, differing: [] };
  }
  const first = await runParts(deps, plan);
  const compared = compareFiles(original.files, first);
  const verdict = worstVerdict(compared.map((each) => each.verdict));
  deps.report({ kind: 'compared', verdict, equal: count(compared, 'reproduced'), of: compared.length });
  if (verdict !== 'differs') {
    const failed = first.find((each) => each.built.outcome === 'failed')?.built;
    const reason = failed?.outcome === 'failed' ? failed.reason : missingOf(compared);
    const said = { ...about(plan, first), verdict, files: compared, ...(reason === undefined ? {} : { reason }) };
    return { result: whole(said), ...left(first), difference: undefined, differing: [] };
  }
  const differs = new Set(compared.filter((each) => each.verdict === 'differs').map(({ file }) => file));
  const explained = await explainParts({ ...deps, facts }, { ...request, mode: plan.mode }, plan, first, differs);
  const last = first.map((each) => explained.get(each)?.equal ?? each);
  const agreed = compareFiles(original.files, last);
  const all = [...explained.values()];
  const said = {
    ...{ ...about(plan, last), verdict: worstVerdict(agreed.map((each) => each.verdict)), files: agreed },
    ...{ causes: unique(all.flatMap(({ causes }) => causes)), experiments: all.flatMap((each) => each.experiments) },
  };
  const difference = deps.compare && Object.assign({}, ...all.map((each) => each.difference));
  const differing = left(first).built.filter(({ name }) => differs.has(name));
  return { result: whole(said), ...left(last), difference, differing };
}

async function explainParts(
  deps: RebuildDeps & Pick<PlanDeps, 'facts'>,
  request: RebuildRequest,
  { builtAt }: RebuildPlan,
  made: readonly MadePart[],
  differs: ReadonlySet<string>,
): Promise<ReadonlyMap<MadePart, Explained>> {
  const explained = new Map<MadePart, Explained>();
  for (const each of made) {
    if (!each.part.files.some(({ file }) => differs.has(file))) continue;
    const how = {
      ...{ builtAt, most: request.experiments, ...(await otherPlaces(deps, request, each.part, builtAt)) },
      planIn: async (place: string) => planIn(deps, request, place, each.part),
      explain: async (made: ComparedPart, most: number) => explain(deps, made, builtAt, most),
    };
    explained.set(each, await explainByEnvironment(deps, each, how));
  }
  return explained;
}

/** None where the environment was said, or is that of the first build. */
async function otherPlaces(
  deps: RebuildDeps,
  request: RebuildRequest,
  { spec }: Part,
  builtAt: number,
): Promise<Pick<ByEnvironment, 'ofTime' | 'releases'>> {
  const isFree = request.lock === undefined && request.mode === 'idempotent' && !request.plain;
  if (!isFree || deps.compare === undefined || request.experiments === 0) return { ofTime: [], releases: [] };
  return {
    ofTime: await placesOfTime(deps, spec.lock, builtAt),
    releases: await earlierReleases(deps, spec.lock),
  };
}

async function planIn(
  deps: RebuildDeps & Pick<PlanDeps, 'facts'>,
  request: RebuildRequest,
  place: string,
  { spec }: Part,
): Promise<Part | undefined> {
  try {
    const { parts } = await planRebuild(deps, { ...request, from: [place] });
    return parts.find((each) => each.spec.builds === spec.builds);
  } catch (error) {
    deps.signal.throwIfAborted();
    if (!(error instanceof SheafError)) throw error;
    return undefined;
  }
}

/** A verdict is all that a reader of the list sees. */
function withWayOut(error: SheafError): string {
  return error.hint === undefined ? describeError(error) : `${cutText(describeError(error), 500)}. ${error.hint}`;
}

/** Of those published files that can be had. */
async function readAllFacts(deps: RebuildDeps, { original, mode }: RebuildRequest): Promise<Map<Sha256, DebFacts>> {
  if (deps.house !== undefined && original.place !== undefined) await fetchOriginals(deps.house, original);
  const facts = new Map<Sha256, DebFacts>();
  for (const { sha256, file } of original.files) {
    if ((await deps.blobs.info(sha256)) === undefined) {
      if (original.buildinfo === undefined || mode === 'idempotent') {
        throw new SheafError('file-missing', `Cannot look into ${file}: it is not at hand`, {
          hint: 'Put it beside what was named, or name a place that has it by --from.',
        });
      }
      continue;
    }
    facts.set(sha256, await deps.readFacts(await deps.blobs.bring(sha256), original.source));
  }
  return facts;
}

async function runParts(deps: RebuildDeps, { parts }: RebuildPlan): Promise<MadePart[]> {
  const made: MadePart[] = [];
  for (const part of parts) {
    const { source, version, builds } = part.spec;
    deps.report({ kind: 'step', text: `Building ${source} ${version} (${builds})` });
    made.push({ part, built: await deps.run(part.spec, 0) });
  }
  return made;
}

function compareFiles(originals: readonly OriginalFile[], made: readonly MadePart[]): RebuiltFile[] {
  const { built } = left(made);
  const isFailed = made.some((each) => each.built.outcome === 'failed');
  return originals.map((original) => {
    const found = built.find(({ name }) => name === original.file);
    if (found === undefined) return toRebuilt(original, undefined, isFailed ? 'failed' : 'unknown');
    return toRebuilt(original, found, found.sha256 === original.sha256 ? 'reproduced' : 'differs');
  });
}

function toRebuilt(original: OriginalFile, built: BuiltFile | undefined, verdict: Verdict): RebuiltFile {
  const { name, version, architecture, file, sha256, size } = original;
  return {
    ...{ name, version, architecture, file, original: { sha256, size } },
    ...(built === undefined ? {} : { rebuilt: { sha256: built.sha256, size: built.size } }),
    verdict,
  };
}

function missingOf(files: readonly RebuiltFile[]): string | undefined {
  const missing = files.filter(({ rebuilt }) => rebuilt === undefined).map(({ file }) => file);
  return missing.length === 0 ? undefined : `The build did not leave ${missing.join(', ')}`;
}

/** How it was built in the end: of what differed at first, as it was when it agreed. */
function about({ mode, parts, buildinfo }: RebuildPlan, made: readonly MadePart[]) {
  const { spec } = (made.find(({ part }) => !parts.includes(part)) ?? made[0]!).part;
  return {
    ...{ mode, lock: spec.lock },
    conditions: conditionsOf(
      spec,
      parts.map((each) => each.spec.builds),
    ),
    ...(buildinfo === undefined ? {} : { buildinfo }),
  };
}

function conditionsOf(spec: Part['spec'], builds: readonly string[]): Record<string, string> {
  return {
    'source-date-epoch': String(spec.sourceDateEpoch),
    ...describeConditions(spec.conditions ?? {}),
    builds: builds.join(', '),
  };
}

/** What builds left. */
function left(made: readonly MadePart[]) {
  return { built: made.flatMap((each) => filesOf(each.built)), logs: made.map(({ built }) => built.log) };
}

/** The any-part and the all-part may have the same. */
function unique(causes: readonly Cause[]): Cause[] {
  return [...new Map(causes.map((each) => [JSON.stringify(each), each])).values()];
}

function count(files: readonly RebuiltFile[], verdict: Verdict): number {
  return files.filter((each) => each.verdict === verdict).length;
}
