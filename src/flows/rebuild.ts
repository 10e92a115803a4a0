/**
 * A rebuild: the published files of a source package are built again and compared; where they differ, the cause is
 * looked for by experiment. Every build is kept by what it was made of, so that a rebuild that was ended goes on where
 * it was.
 */
import type { Clock } from '../kit/clock.ts';
import type { Sha256 } from '../kit/digest.ts';
import { describeError, SheafError } from '../kit/error.ts';
import type { BuildSpec } from '../model/job.ts';
import { worstVerdict, type RebuildResult, type RebuiltFile, type Verdict } from '../model/rebuild.ts';
import { describeConditions, type CompareDebs, type DebFacts, type ReadDebFacts } from '../rebuild/mod.ts';
import { explain, type Explained } from './rebuild-explain.ts';
import { fetchOriginals, formatPlace, type OriginalFile } from './rebuild-original.ts';
import { planRebuild, type PlanDeps, type PlanRequest, type RebuildPlan } from './rebuild-plan.ts';

export type BuiltFile = {
  readonly name: string;
  readonly sha256: Sha256;
  readonly size: number;
  readonly path: string;
};

export type Built = { readonly seconds: number; readonly log: string } & (
  | { readonly outcome: 'built'; readonly files: readonly BuiltFile[] }
  /** `passing`: not the package's fault, so that another try may go well. */
  | { readonly outcome: 'failed'; readonly reason: string; readonly passing: boolean }
);

/** Builds, or finds that the same was built before; `round` is 0, and 1 for a second time under the same conditions. */
export type RunBuild = (spec: BuildSpec, round: number) => Promise<Built>;

export type RebuildEvent =
  | { readonly kind: 'step'; readonly text: string }
  | { readonly kind: 'compared'; readonly verdict: Verdict; readonly equal: number; readonly of: number }
  | { readonly kind: 'experiment'; readonly restored: string; readonly verdict: Verdict };

export type RebuildDeps = Omit<PlanDeps, 'facts'> & {
  readonly clock: Clock;
  readonly run: RunBuild;
  readonly readFacts: ReadDebFacts;
  /** Undefined: only the bytes are compared. */
  readonly compare: CompareDebs | undefined;
  readonly report: (event: RebuildEvent) => void;
  readonly signal: AbortSignal;
};

export type RebuildRequest = PlanRequest & {
  /** Most builds to find a cause; 0 for none. */
  readonly experiments: number;
};

export type Rebuilt = {
  readonly result: RebuildResult;
  /** Of the first rebuild, in the order of its parts. */
  readonly built: readonly BuiltFile[];
  readonly logs: readonly string[];
  readonly difference: object | undefined;
};

/** What is not known, and what fails, is a verdict; only what the caller did wrong is thrown. */
export async function rebuild(deps: RebuildDeps, request: RebuildRequest): Promise<Rebuilt> {
  const startedOn = deps.clock.now().toISOString();
  const { original } = request;
  const { source, version, architecture } = original;
  const place = formatPlace(original.place);
  const whole = (rest: Pick<RebuildResult, 'mode' | 'verdict' | 'files'> & Partial<RebuildResult>): RebuildResult => ({
    ...{ source, version, architecture, causes: [], conditions: {}, experiments: [], startedOn },
    ...(place === undefined ? {} : { place }),
    ...rest,
    finishedOn: deps.clock.now().toISOString(),
  });
  const files = (verdict: Verdict) => original.files.map((each) => toRebuilt(each, undefined, verdict));
  let plan: RebuildPlan;
  try {
    deps.report({ kind: 'step', text: `Looking for the source and the environment of ${source} ${version}` });
    plan = await planRebuild({ ...deps, facts: await readAllFacts(deps, request) }, request);
  } catch (error) {
    deps.signal.throwIfAborted();
    if (!(error instanceof SheafError) || error.kind === 'usage') throw error;
    const mode = request.mode ?? (original.buildinfo === undefined ? 'idempotent' : 'exact');
    const result = whole({ mode, verdict: 'unknown', reason: describeError(error), files: files('unknown') });
    return { result, built: [], logs: [], difference: undefined };
  }
  const { mode, parts } = plan;
  const about = {
    ...{ mode, conditions: conditionsOf(plan), lock: parts[0]!.spec.lock },
    ...(plan.buildinfo === undefined ? {} : { buildinfo: plan.buildinfo }),
  };
  const builds = await runParts(deps, plan);
  const logs = builds.map(({ log }) => log);
  const built = builds.flatMap((each) => (each.outcome === 'built' ? each.files : []));
  const failed = builds.find((each) => each.outcome === 'failed');
  const compared = original.files.map((each) => compareFile(each, built, failed !== undefined));
  const verdict = worstVerdict(compared.map((each) => each.verdict));
  deps.report({ kind: 'compared', verdict, equal: count(compared, 'reproduced'), of: compared.length });
  if (verdict !== 'differs') {
    const reason = failed === undefined ? missingOf(compared) : failed.reason;
    const result = whole({ ...about, verdict, files: compared, ...(reason === undefined ? {} : { reason }) });
    return { result, built, logs, difference: undefined };
  }
  const explained: Explained = await explain(deps, plan, built, request.experiments);
  const { causes, experiments, difference } = explained;
  return { result: whole({ ...about, verdict, files: compared, causes, experiments }), built, logs, difference };
}

/** Of those published files that can be had. */
async function readAllFacts(deps: RebuildDeps, { original, mode }: RebuildRequest): Promise<Map<Sha256, DebFacts>> {
  if (deps.house !== undefined && original.place !== undefined) await fetchOriginals(deps.house, original);
  const facts = new Map<Sha256, DebFacts>();
  for (const { sha256 } of original.files) {
    if ((await deps.blobs.info(sha256)) === undefined) {
      if (original.buildinfo === undefined || mode === 'idempotent') {
        throw new SheafError('file-missing', `Cannot look into ${original.source}: a published file is not at hand`);
      }
      continue;
    }
    facts.set(sha256, await deps.readFacts(await deps.blobs.bring(sha256), original.source));
  }
  return facts;
}

async function runParts(deps: RebuildDeps, { parts }: RebuildPlan): Promise<Built[]> {
  const builds: Built[] = [];
  for (const { spec } of parts) {
    deps.report({ kind: 'step', text: `Building ${spec.source} ${spec.version} (${spec.builds})` });
    builds.push(await deps.run(spec, 0));
  }
  return builds;
}

function compareFile(original: OriginalFile, built: readonly BuiltFile[], isFailed: boolean): RebuiltFile {
  const found = built.find(({ name }) => name === original.file);
  if (found === undefined) return toRebuilt(original, undefined, isFailed ? 'failed' : 'unknown');
  return toRebuilt(original, found, found.sha256 === original.sha256 ? 'reproduced' : 'differs');
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

function conditionsOf({ parts }: RebuildPlan): Record<string, string> {
  const [first] = parts;
  return {
    'source-date-epoch': String(first!.spec.sourceDateEpoch),
    ...describeConditions(first!.spec.conditions ?? {}),
    builds: parts.map(({ spec }) => spec.builds).join(', '),
  };
}

function count(files: readonly RebuiltFile[], verdict: Verdict): number {
  return files.filter((each) => each.verdict === verdict).length;
}
