/** Why a rebuild differs: one thing after the other is restored until the bytes agree. */
import { withoutRevision } from '../formats/deb/version.ts';
import type { BuildConditions, BuildSpec } from '../model/job.ts';
import type { Cause, Experiment as Tried, Verdict } from '../model/rebuild.ts';
import { joinConditions, joinVersions, planExperiments, type Difference, type Experiment } from '../rebuild/mod.ts';
import type { Built, BuiltFile, RebuildDeps } from './rebuild.ts';
import { findOlder, withVersions } from './rebuild-older.ts';
import type { OriginalFile } from './rebuild-original.ts';
import type { Part, RebuildPlan } from './rebuild-plan.ts';

export type Explained = {
  readonly causes: readonly Cause[];
  readonly experiments: readonly Tried[];
  /** Of each file that differs, by its name. */
  readonly difference: Readonly<Record<string, object>> | undefined;
};

type Compared = {
  /** How much differs, first in files and then within them. */
  readonly files: number;
  readonly parts: number;
  readonly differences: ReadonlyMap<string, Difference>;
};

/** `most`: how many builds there may be, those of all differing parts counted as one. */
export async function explain(
  deps: RebuildDeps,
  plan: RebuildPlan,
  built: readonly BuiltFile[],
  most: number,
): Promise<Explained> {
  const files = plan.parts.flatMap((part) => part.files);
  const first = await compareAll(deps, files, built);
  const parts = plan.parts.filter((part) => part.files.some((file) => isDifferent(file, built)));
  const documents = Object.fromEntries([...first.differences].map(([name, { document }]) => [name, document]));
  const difference = deps.compare === undefined ? undefined : documents;
  const experiments: Tried[] = [];
  if (most === 0) return { causes: unconfirmed(first), experiments, difference };

  const planned = await experimentsOf(deps, plan, first);
  const tried = new Set<string>();
  let kept: readonly Experiment[] = [];
  let best = first;
  while (experiments.length < most) {
    // Together with what has helped since, one that did not help alone may.
    const next = planned.find(
      (each) => !tried.has(keyOf(kept, each)) && !kept.some(({ thing }) => thing === each.thing),
    );
    if (next === undefined) break;
    tried.add(keyOf(kept, next));
    const { verdict, seconds, compared } = await tryParts(deps, { ...plan, parts }, [...kept, next], files);
    const restored = [...kept, next].map((each) => each.restored).join(', ');
    experiments.push({ restored, verdict, seconds });
    deps.report({ kind: 'experiment', restored, verdict });
    if (verdict === 'reproduced') {
      return { causes: [...kept, next].map((each) => toCause(each, true)), experiments, difference };
    }
    if (compared === undefined || !isNearer(compared, best)) continue;
    kept = [...kept, next];
    best = compared;
  }
  const unstable = experiments.length < most ? await repeat(deps, parts, built, experiments) : [];
  const causes = [...kept.map((each) => toCause(each, false)), ...unstable];
  return { causes: unstable.length > 0 ? causes : [...causes, ...unconfirmed(best)], experiments, difference };
}

function keyOf(kept: readonly Experiment[], next: Experiment): string {
  return JSON.stringify([...kept, next].map(({ restored }) => restored));
}

async function experimentsOf(
  deps: RebuildDeps,
  { parts, builtAt }: RebuildPlan,
  { differences }: Compared,
): Promise<Experiment[]> {
  const { spec } = parts[0]!;
  const hints = [...differences.values()].flatMap((each) => each.hints);
  const [compilers, older] = [await deps.compilers(spec.lock, builtAt), await findOlder(deps, spec.lock, builtAt)];
  const tree = `${spec.source}-${withoutRevision(spec.version)}`;
  return planExperiments(hints, spec.conditions ?? {}, { builtAt, tree, compilers, older });
}

type TriedParts = { readonly verdict: Verdict; readonly seconds: number; readonly compared: Compared | undefined };

async function tryParts(
  deps: RebuildDeps,
  { parts, builtAt }: RebuildPlan,
  experiments: readonly Experiment[],
  all: readonly OriginalFile[],
): Promise<TriedParts> {
  const builds: Built[] = [];
  deps.report({ kind: 'step', text: `Building again with ${experiments.map(({ restored }) => restored).join(', ')}` });
  const conditions = joinConditions(experiments.map((each) => each.conditions));
  const versions = joinVersions(experiments.map((each) => each.packages));
  for (const { spec } of parts) {
    const lock = await withVersions(deps, spec.lock, versions, builtAt);
    if (lock === undefined) return { verdict: 'unknown', seconds: sum(builds), compared: undefined };
    const baseLock = versions.length === 0 ? spec.baseLock : lock;
    builds.push(await deps.run({ ...withConditions(spec, conditions), lock, baseLock }, 0));
  }
  const seconds = sum(builds);
  if (builds.some(({ outcome }) => outcome === 'failed')) return { verdict: 'failed', seconds, compared: undefined };
  const wanted = all.filter((file) => parts.some((part) => part.files.includes(file)));
  const compared = await compareAll(deps, wanted, filesOf(builds));
  return { verdict: compared.files === 0 ? 'reproduced' : 'differs', seconds, compared };
}

function withConditions(spec: BuildSpec, conditions: BuildConditions): BuildSpec {
  return { ...spec, conditions: joinConditions([spec.conditions ?? {}, conditions]) };
}

/** The same build once more: what differs then, differs by itself. */
async function repeat(
  deps: RebuildDeps,
  parts: readonly Part[],
  before: readonly BuiltFile[],
  experiments: Tried[],
): Promise<Cause[]> {
  deps.report({ kind: 'step', text: 'Building again under the same conditions' });
  const builds: Built[] = [];
  for (const { spec } of parts) builds.push(await deps.run(spec, 1));
  const again = filesOf(builds);
  const names = parts.flatMap((part) => part.files.map(({ file }) => file));
  const differing = names.filter((name) => hashOf(again, name) !== hashOf(before, name));
  const isFailed = builds.some(({ outcome }) => outcome === 'failed');
  const verdict = isFailed ? 'failed' : 'differs';
  experiments.push({ restored: 'nothing', verdict, seconds: sum(builds) });
  deps.report({ kind: 'experiment', restored: 'nothing', verdict });
  if (isFailed || differing.length === 0) return [];
  const detail = `two rebuilds under the same conditions differ in ${differing.join(', ')}`;
  return [{ kind: 'unstable', detail, confirmed: true }];
}

async function compareAll(
  deps: RebuildDeps,
  originals: readonly OriginalFile[],
  built: readonly BuiltFile[],
): Promise<Compared> {
  const different = originals.filter((file) => isDifferent(file, built));
  const differences = new Map<string, Difference>();
  for (const { file, sha256 } of different) {
    const rebuilt = built.find(({ name }) => name === file);
    if (deps.compare === undefined || rebuilt === undefined || (await deps.blobs.info(sha256)) === undefined) continue;
    differences.set(file, await deps.compare(await deps.blobs.bring(sha256), rebuilt.path, file));
  }
  const parts = [...differences.values()].reduce((total, each) => total + each.count, 0);
  return { files: different.length, parts, differences };
}

function isNearer(a: Compared, b: Compared): boolean {
  return a.files < b.files || (a.files === b.files && a.parts < b.parts);
}

function isDifferent({ file, sha256 }: OriginalFile, built: readonly BuiltFile[]): boolean {
  return hashOf(built, file) !== sha256;
}

function hashOf(built: readonly BuiltFile[], file: string): string | undefined {
  return built.find(({ name }) => name === file)?.sha256;
}

function filesOf(builds: readonly Built[]): BuiltFile[] {
  return builds.flatMap((each) => (each.outcome === 'built' ? each.files : []));
}

function sum(builds: readonly Built[]): number {
  return builds.reduce((total, { seconds }) => total + seconds, 0);
}

function toCause({ kind, restored }: Experiment, confirmed: boolean): Cause {
  return { kind, detail: restored, confirmed };
}

/** What the comparison supposes, where no experiment said more; each kind once. */
function unconfirmed({ differences }: Compared): Cause[] {
  const hints = [...differences.values()].flatMap((each) => each.hints);
  const kinds = new Map(
    hints.map((each) => [each.kind, each]).toReversed() as [Cause['kind'], (typeof hints)[number]][],
  );
  return [...kinds.values()]
    .toReversed()
    .map(({ kind, detail }) => ({ kind, detail: detail.slice(0, 1000), confirmed: false }));
}
