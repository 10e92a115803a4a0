/** Why a rebuild differs: one thing after the other is restored until the bytes agree. */
import { isBuildPath, shownBy } from '../build/mod.ts';
import { withoutRevision } from '../formats/deb/version.ts';
import type { Cause, Experiment as Tried, Verdict } from '../model/rebuild.ts';
import {
  confirmSteps,
  halves,
  isBlind,
  isUnsure,
  joinConditions,
  planExperiments,
  rebuiltFor,
  toldConditions,
  toldExperiment,
  versionsOf,
  type Attempt,
  type Experiment,
  type Group,
  type Step,
} from '../rebuild/mod.ts';
import type { BuiltFile, RebuildDeps } from './rebuild.ts';
import {
  compareAll,
  filesOf,
  hashOf,
  isNearer,
  type Compared,
  type ComparedPart,
  type MadePart,
} from './rebuild-compared.ts';
import { findOlder, sourcesOf, withVersions } from './rebuild-older.ts';
import type { OriginalFile } from './rebuild-original.ts';
import type { Part } from './rebuild-plan.ts';

export type Explained = {
  readonly causes: readonly Cause[];
  readonly experiments: readonly Tried[];
  /** As it was built when all its bytes agreed; undefined when they never did. */
  readonly equal: MadePart | undefined;
  /** Of each file that differs, by its name. */
  readonly difference: Readonly<Record<string, object>>;
};

/** Of one part that differs. `most`: how many builds there may be. `builtAt`: when the first one was, as in the plan. */
export async function explain(
  deps: RebuildDeps,
  { part, built, compared: first }: ComparedPart,
  builtAt: number,
  most: number,
): Promise<Explained> {
  const difference = Object.fromEntries([...first.differences].map(([name, { document }]) => [name, document]));
  const experiments: Tried[] = [];
  const found = { experiments, difference, equal: undefined };
  const said = await saidBy(deps, part.spec);
  if (most === 0) return { ...found, causes: [...said, ...unconfirmed(first)] };

  // What is told belongs to one machine: it is tried together first, and alone at the end.
  const told = toldBy(first, part.spec);
  const guesses = await experimentsOf(deps, part, builtAt, first);
  const isOpen = ({ kind, thing }: Experiment) => kind === 'clock' || !told.some((each) => each.thing === thing);
  const groups = [told, ...guesses.filter((group) => group.every(isOpen)), ...told.map((each) => [each])];
  const planned = groups.flat();
  const tried = new Set([effectOf([])]);
  const attempt = async (all: readonly Experiment[], round = 0): Promise<TriedPart> => {
    tried.add(effectOf(all));
    const restored = round === 0 ? restoredBy(all) : `${restoredBy(all)}, once more`;
    deps.report({ kind: 'step', text: `Building again with ${restored}` });
    const done = await tryPart(deps, part, all, { builtAt, round });
    experiments.push({ restored, verdict: done.verdict, seconds: done.seconds });
    deps.report({ kind: 'experiment', restored, verdict: done.verdict });
    return done;
  };
  const settle = async () => repeat(deps, part, filesOf(built), experiments);
  // Whoever guesses in the dark would take one of two things that come by chance for the cause; and what looks as if it
  // came by chance is known by one build.
  const supposed = unconfirmed(first);
  const isSettledFirst = supposed.length === 0 ? told.length === 0 : supposed.some(({ kind }) => kind === 'unstable');
  if (isSettledFirst) {
    const unstable = await settle();
    // No experiment restores what comes by chance.
    const others = supposed.filter(({ kind }) => kind !== 'unstable');
    if (unstable.length > 0) return { ...found, causes: [...unstable, ...others] };
  }
  const failed = new Set<Experiment>();
  const attempts: Attempt[] = [];
  const steps: Step[] = [];
  let kept: readonly Experiment[] = [];
  let best = first;
  while (experiments.length < most) {
    // Together with what has helped since, one that did not help alone may.
    const next = groups.find(
      (group) =>
        !tried.has(effectOf([...kept, ...group])) &&
        !group.some((each) => kept.some(({ thing }) => thing === each.thing)),
    );
    if (next === undefined) break;
    const all = [...kept, ...next];
    const { verdict, compared, made } = await attempt(all);
    if (verdict === 'reproduced') {
      // To know that it was no chance is worth more than to know that it takes less.
      const reserved = all.some(isBlind) ? 1 : 0;
      const least = await narrow({ all, made }, kept, async (fewer) =>
        experiments.length < most - reserved && !tried.has(effectOf(fewer)) ? attempt(fewer) : undefined,
      );
      // What comes by chance may have come just then.
      const isGuessed = least.all.some(isBlind);
      const again = isGuessed && experiments.length < most ? await attempt(least.all, 1) : undefined;
      const restored = `two rebuilds with ${restoredBy(least.all)}`;
      const causes =
        again?.verdict === 'differs'
          ? unstableIn(restored, part.files, filesOf(again.made!.built), filesOf(least.made!.built))
          : least.all.map((each) => toCause(each, !isGuessed || again?.verdict === 'reproduced'));
      return { ...found, causes, equal: least.made };
    }
    if (compared === undefined) continue;
    attempts.push({ all, places: compared.places });
    if (!isNearer(compared, best)) {
      if (next.length === 1) failed.add(next[0]!);
      continue;
    }
    kept = all;
    best = compared;
    steps.push({ all, added: next, places: compared.places });
    groups.unshift(toldBy(compared, made!.part.spec));
  }
  const unstable = !isSettledFirst && experiments.length < most ? await settle() : [];
  const suspected = [...said, ...unconfirmed(best)];
  if (unstable.length > 0) {
    return { ...found, causes: [...kept.map((each) => toCause(each, false)), ...unstable, ...suspected] };
  }
  if (isUnsure(steps, attempts) && experiments.length < most) {
    const { compared } = await attempt(kept, 1);
    if (compared !== undefined) attempts.push({ all: kept, places: compared.places });
  }
  const causes = confirmSteps(first.places, steps, attempts);
  const isSame = isSettledFirst && experiments[0]!.verdict !== 'failed';
  const possible = isSame ? suspected.filter(({ kind }) => kind !== 'unstable') : suspected;
  const open = possible.filter(({ kind }) => !isSettled(kind, { planned, kept, failed }));
  const all = [...causes, ...open];
  // The values that were tried are not all there are.
  return { ...found, causes: all.length > 0 ? all : possible };
}

/** Of a guess: it stands among the causes, or all that it led to was restored in vain. Dependencies are never all tried. */
function isSettled(
  kind: Cause['kind'],
  { planned, kept, failed }: Record<'planned' | 'kept', readonly Experiment[]> & { failed: ReadonlySet<Experiment> },
): boolean {
  const tried = planned.filter((each) => each.kind === kind);
  if (kind === 'dependency' || tried.length === 0) return false;
  return kept.some((each) => each.kind === kind) || tried.every((each) => failed.has(each));
}

type Equal = { readonly all: readonly Experiment[]; readonly made: MadePart | undefined };

/**
 * What it takes: of several sources those, as far as one half after the other is enough; of what was tried together those
 * without which it does not come out. `kept` is known to help, but for what is told.
 */
async function narrow(
  equal: Equal,
  kept: readonly Experiment[],
  attempt: (all: readonly Experiment[]) => Promise<TriedPart | undefined>,
): Promise<Equal> {
  for (const [index, each] of equal.all.entries()) {
    const isOpen = equal.all.length > 1 && (each.isTold === true || !kept.includes(each));
    const without = isOpen ? [equal.all.toSpliced(index, 1)] : [];
    for (const all of [...halves(each).map((half) => equal.all.with(index, half)), ...without]) {
      const done = await attempt(all);
      if (done?.verdict === 'reproduced') return narrow({ all, made: done.made }, kept, attempt);
    }
  }
  return equal;
}

/** The same for experiments that together restore the same, in whichever order they were found to help. */
function effectOf(all: readonly Experiment[]): string {
  const { tools = {}, ...conditions } = joinConditions(all.map((each) => each.conditions));
  const parts = [...Object.entries(conditions), ...Object.entries(tools), ...versionsOf(all)];
  return parts
    .map((part) => JSON.stringify(part))
    .toSorted()
    .join();
}

/** For people; each thing once. */
function restoredBy(all: readonly Experiment[]): string {
  return [...new Set(all.flatMap(({ restored }) => restored.split(', ')))].join(', ');
}

async function experimentsOf(
  deps: RebuildDeps,
  { spec }: Part,
  builtAt: number,
  { differences }: Compared,
): Promise<Group[]> {
  const hints = [...differences.values()].flatMap((each) => each.hints);
  const [compilers, older] = [await deps.compilers(spec.lock, builtAt), await findOlder(deps, spec.lock, builtAt)];
  // They are in what is compiled, and cost a look into many source packages.
  const isCompiled = hints.some(({ detail }) => /\b(?:build-id|code)\b/.test(detail));
  const headers = isCompiled ? await deps.headers(spec.lock, builtAt) : [];
  const sources = await sourcesOf(deps, spec.lock);
  const tree = `${spec.source}-${withoutRevision(spec.version)}`;
  return planExperiments(hints, spec.conditions ?? {}, { builtAt, tree, compilers, sources, older, headers });
}

function toldBy({ differences }: Compared, spec: Part['spec']): Experiment[] {
  const all = [...differences.values()].map((each) => each.said);
  const said = { texts: all.flatMap(({ texts }) => texts), modes: all.flatMap(({ modes }) => modes) };
  const told = toldConditions(said, shownBy(spec));
  return told
    .filter(({ conditions: { buildPath } }) => buildPath === undefined || isBuildPath(buildPath))
    .map(toldExperiment);
}

type TriedPart = {
  readonly verdict: Verdict;
  readonly seconds: number;
  readonly compared?: Compared;
  readonly made?: MadePart;
};

async function tryPart(
  deps: RebuildDeps,
  { spec: before, files }: Part,
  experiments: readonly Experiment[],
  { builtAt, round }: { readonly builtAt: number; readonly round: number },
): Promise<TriedPart> {
  const conditions = joinConditions([before.conditions ?? {}, ...experiments.map((each) => each.conditions)]);
  const versions = versionsOf(experiments);
  const lock = await withVersions(deps, before.lock, versions, builtAt);
  if (lock === undefined) return { verdict: 'unknown', seconds: 0 };
  const baseLock = versions.length === 0 ? before.baseLock : lock;
  const spec = { ...before, conditions, lock, baseLock };
  const built = await deps.run(spec, round);
  const { seconds } = built;
  if (built.outcome === 'failed') return { verdict: 'failed', seconds };
  const compared = await compareAll(deps, files, built.files);
  const verdict = compared.files === 0 ? 'reproduced' : 'differs';
  return { verdict, seconds, compared, made: { part: { spec, files }, built } };
}

/** The same build once more: what differs then, differs by itself. */
async function repeat(
  deps: RebuildDeps,
  { spec, files }: Part,
  before: readonly BuiltFile[],
  experiments: Tried[],
): Promise<Cause[]> {
  deps.report({ kind: 'step', text: 'Building again under the same conditions' });
  const built = await deps.run(spec, 1);
  const verdict = built.outcome === 'failed' ? 'failed' : 'differs';
  experiments.push({ restored: 'nothing', verdict, seconds: built.seconds });
  deps.report({ kind: 'experiment', restored: 'nothing', verdict });
  if (verdict === 'failed') return [];
  return unstableIn('two rebuilds under the same conditions', files, filesOf(built), before);
}

/** None where both are the same. */
function unstableIn(
  builds: string,
  files: readonly OriginalFile[],
  one: readonly BuiltFile[],
  other: readonly BuiltFile[],
): Cause[] {
  const differing = files.map(({ file }) => file).filter((name) => hashOf(one, name) !== hashOf(other, name));
  if (differing.length === 0) return [];
  return [{ kind: 'unstable', detail: `${builds} differ in ${differing.join(', ')}`, confirmed: true }];
}

function toCause({ kind, restored }: Experiment, confirmed: boolean): Cause {
  return { kind, detail: restored, confirmed };
}

/** What a binary-only upload was made for, where the environment has another version of it. */
async function saidBy(deps: RebuildDeps, { lock, conditions }: Part['spec']): Promise<Cause[]> {
  const made = rebuiltFor(conditions?.changelogEntry ?? '');
  if (made === undefined) return [];
  const sources = await sourcesOf(deps, lock);
  const own = sources.find(({ source, packages }) => source === made.name || packages.includes(made.name));
  if (own === undefined || own.version === made.version) return [];
  const detail = `${made.name} ${made.version}, as the changelog of the binary-only upload says`;
  return [{ kind: 'dependency', detail, confirmed: false }];
}

const mostDependencies = 5;

/** What the comparison supposes, where no experiment said more; each kind once, but several tools and libraries. */
function unconfirmed({ differences }: Compared): Cause[] {
  const causes = new Map<string, Cause>();
  for (const { kind, detail } of [...differences.values()].flatMap((each) => each.hints)) {
    // The same of another file, which stands first, is no other.
    const key =
      kind === 'dependency' ? detail.slice(detail.lastIndexOf(': ') + 1).replace(/ \(and \d+ more\)$/, '') : kind;
    if (!causes.has(key)) causes.set(key, { kind, detail: detail.slice(0, 1000), confirmed: false });
  }
  const dependencies = [...causes.values()].filter(({ kind }) => kind === 'dependency');
  const left = new Set(dependencies.slice(mostDependencies));
  return [...causes.values()].filter((each) => !left.has(each));
}
