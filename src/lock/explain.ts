/** Why a package is in a lock. */
import { parseRelations } from '../formats/deb/relation.ts';
import { SheafError } from '../kit/error.ts';
import { lockedField, type Lock, type LockedPackage, type LockRequest } from '../model/lock.ts';
import { lockGraph, type Graph, type NeedField } from './graph.ts';
import { contentsOf, type PackageClass } from './variant.ts';

export type NamedPackage = { readonly name: string; readonly version: string; readonly architecture: string };

/**
 * Why a package is there though no other one needs it: it was asked for, is essential, belongs to every system of the
 * variant by its name or by its priority, or nothing in the lock says it.
 */
export type Cause =
  | { readonly kind: 'asked'; readonly word: string }
  | { readonly kind: 'essential' }
  | { readonly kind: 'variant'; readonly variant: string }
  | { readonly kind: 'priority'; readonly priority: string }
  | { readonly kind: 'unknown' };

/** `from` needs `to`, by one alternative of a relation. */
export type Step = {
  readonly from: NamedPackage;
  readonly field: NeedField;
  /** All alternatives, as written. */
  readonly relation: string;
  /** The alternative that is satisfied. */
  readonly alternative: string;
  readonly provides: boolean;
  readonly to: NamedPackage;
  /** Others in the lock that satisfy the same relation. */
  readonly others: readonly NamedPackage[];
};

/** From a package that has a cause of its own, step by step to the one that was asked about. */
export type Chain = { readonly cause: Cause; readonly steps: readonly Step[] };

export type Explanation = {
  readonly package: NamedPackage;
  /** The shortest chain through each package that needs it, the shortest first; first of all its own cause. */
  readonly chains: readonly Chain[];
  /** What could not stay without it: packages whose relations nobody else in the lock satisfies. */
  readonly neededBy: readonly NamedPackage[];
  /** What is there for its sake alone, and would go with it. */
  readonly onlyFor: readonly NamedPackage[];
};

/**
 * `name` or `name:architecture`; several architectures of one name give an explanation each. Throws `not-in-lock`, and
 * `lock-without-relations` for a lock that was written without its packages' stanzas.
 */
export function explainPackage(lock: Lock, asked: string): Explanation[] {
  const [name, architecture] = asked.split(':');
  const targets = lock.packages.flatMap((each, index) =>
    each.name === name && (architecture === undefined || each.architecture === architecture) ? [index] : [],
  );
  if (targets.length === 0) throw notThere(lock, asked);
  if (lock.packages.every(({ fields }) => fields === undefined)) {
    throw new SheafError(
      'lock-without-relations',
      'Cannot explain the lock: it does not have what packages depend on',
      {
        hint: 'Locks of builds are kept short. One made by sheaf lock create has whole stanzas.',
      },
    );
  }
  const graph = lockGraph(lock);
  const causes = causesOf(lock, graph);
  return targets.map((target) => explain(graph, causes, target));
}

/**
 * Whether something is in the lock for a recommendation alone: what was asked for leads to more of the lock's packages
 * where recommendations count. Also where a relation cannot be read, which archives of others have.
 */
export function hasRecommended(lock: Lock & { readonly request: LockRequest }): boolean {
  const unexplained = (recommends: boolean) => {
    const asked = { ...lock, request: { ...lock.request, recommends } };
    return [...causesOf(asked, lockGraph(asked)).values()].filter(({ kind }) => kind === 'unknown').length;
  };
  try {
    return unexplained(true) < unexplained(false);
  } catch (error) {
    if (error instanceof SheafError && error.code === 'bad-relation') return true;
    throw error;
  }
}

function explain(graph: Graph, causes: ReadonlyMap<number, Cause>, target: number): Explanation {
  const named = (index: number) => toNamed(graph.packages[index]!);
  const reached = reach(graph, causes, new Set([target]));
  const own = causes.get(target);
  const chains: Chain[] = own === undefined ? [] : [{ cause: own, steps: [] }];
  const through = graph.packages
    .flatMap((_, from) => {
      const before = reached.get(from);
      const step = from === target ? undefined : stepTo(graph, from, target);
      return before === undefined || step === undefined ? [] : [[...before.steps, step]];
    })
    .toSorted((a, b) => a.length - b.length);
  for (const steps of through) chains.push({ cause: causes.get(indexOf(graph, steps[0]!.from))!, steps });
  const all = reach(graph, causes, new Set());
  const onlyFor = graph.packages.flatMap((_, index) =>
    index !== target && all.has(index) && !reached.has(index) ? [named(index)] : [],
  );
  return {
    package: named(target),
    chains,
    neededBy: [...cannotStay(graph, target)].toSorted((a, b) => a - b).map(named),
    onlyFor,
  };
}

/** Shortest ways from the causes to everything, breadth first; `without` are not walked through, nor reached. */
function reach(
  graph: Graph,
  causes: ReadonlyMap<number, Cause>,
  without: ReadonlySet<number>,
): ReadonlyMap<number, { readonly steps: readonly Step[] }> {
  const reached = new Map<number, { readonly steps: readonly Step[] }>();
  const queue: number[] = [];
  for (const index of causes.keys()) {
    if (without.has(index)) continue;
    reached.set(index, { steps: [] });
    queue.push(index);
  }
  for (let at = 0; at < queue.length; at++) {
    const from = queue[at]!;
    for (const need of graph.needs[from]!) {
      for (const { package: to } of need.by) {
        if (reached.has(to) || without.has(to)) continue;
        reached.set(to, { steps: [...reached.get(from)!.steps, stepTo(graph, from, to)!] });
        queue.push(to);
      }
    }
  }
  return reached;
}

/** The strongest relation by which one package needs another: fields are in the order of their strength. */
function stepTo(graph: Graph, from: number, to: number): Step | undefined {
  for (const { field, text, by } of graph.needs[from]!) {
    const satisfier = by.find((each) => each.package === to);
    if (satisfier === undefined) continue;
    const others = [...new Set(by.map((each) => each.package))].filter((each) => each !== to);
    return {
      from: toNamed(graph.packages[from]!),
      ...{ field, relation: text, alternative: satisfier.alternative, provides: satisfier.provides },
      to: toNamed(graph.packages[to]!),
      others: others.map((each) => toNamed(graph.packages[each]!)),
    };
  }
  return undefined;
}

/** Recommendations hold nobody. */
function cannotStay(graph: Graph, target: number): ReadonlySet<number> {
  const gone = new Set([target]);
  let before = 0;
  while (gone.size > before) {
    before = gone.size;
    for (const [index, needs] of graph.needs.entries()) {
      if (gone.has(index)) continue;
      const isBroken = needs.some(
        ({ field, by }) => field !== 'Recommends' && by.every((each) => gone.has(each.package)),
      );
      if (isBroken) gone.add(index);
    }
  }
  gone.delete(target);
  return gone;
}

const priorities: readonly PackageClass[] = ['required', 'important', 'standard'];

/** What nothing of these leads to is there for a reason that the lock does not say. */
function causesOf(lock: Lock, graph: Graph): ReadonlyMap<number, Cause> {
  const causes = new Map<number, Cause>();
  const add = (index: number, cause: Cause) => {
    if (!causes.has(index)) causes.set(index, cause);
  };
  for (const word of lock.request?.packages ?? []) {
    for (const index of askedFor(graph, word)) add(index, { kind: 'asked', word });
  }
  for (const [index, each] of lock.packages.entries()) {
    if (lockedField(each, 'Essential') === 'yes') add(index, { kind: 'essential' });
  }
  addVariant(lock, graph, add);
  for (let missed = unreached(graph, causes); missed.length > 0; missed = unreached(graph, causes)) {
    for (const index of foremost(graph, missed)) add(index, { kind: 'unknown' });
  }
  return causes;
}

function addVariant(lock: Lock, graph: Graph, add: (index: number, cause: Cause) => void): void {
  const variant = lock.request?.variant;
  if (variant === undefined) return;
  const { classes, packages } = contentsOf(variant);
  for (const word of packages) for (const index of askedFor(graph, word)) add(index, { kind: 'variant', variant });
  for (const [index, each] of lock.packages.entries()) {
    const priority = lockedField(each, 'Priority') ?? '';
    if (priorities.some((known) => known === priority && classes.includes(known))) {
      add(index, { kind: 'priority', priority });
    }
  }
}

function unreached(graph: Graph, causes: ReadonlyMap<number, Cause>): number[] {
  const reached = reach(graph, causes, new Set());
  return graph.packages.flatMap((_, index) => (reached.has(index) ? [] : [index]));
}

/** Those that no other of them needs, or the first where they need each other in a circle. */
function foremost(graph: Graph, among: readonly number[]): readonly number[] {
  const needed = new Set(
    among.flatMap((index) =>
      graph.needs[index]!.flatMap(({ by }) => by.map((each) => each.package)).filter((each) => each !== index),
    ),
  );
  const first = among.filter((index) => !needed.has(index));
  return first.length === 0 ? among.slice(0, 1) : first;
}

/** `nginx`, `hello=2.10-3`, `libc6:i386`, `nginx/trixie-backports`; a virtual package's name means its provider. */
function askedFor(graph: Graph, word: string): number[] {
  const [relation] = parseRelations(word.replace(/[=/].*$/, '')).flat();
  if (relation === undefined) return [];
  const found = graph.find(relation);
  const byName = found.filter(({ provides }) => !provides);
  return (byName.length === 0 ? found : byName).map((each) => each.package);
}

function indexOf(graph: Graph, { name, architecture }: NamedPackage): number {
  return graph.packages.findIndex((each) => each.name === name && each.architecture === architecture);
}

function toNamed({ name, version, architecture }: LockedPackage): NamedPackage {
  return { name, version, architecture };
}

function notThere({ packages, architecture }: Lock, asked: string): SheafError {
  const [name = ''] = asked.split(':');
  const providers = packages.filter((each) =>
    parseRelations(lockedField(each, 'Provides') ?? '')
      .flat()
      .some((relation) => relation.name === name),
  );
  const like = packages.filter((each) => name.length >= 3 && each.name.includes(name)).slice(0, 5);
  const word = ({ name: own, architecture: of }: LockedPackage) =>
    of === architecture || of === 'all' ? own : `${own}:${of}`;
  const names = (each: readonly LockedPackage[]) => each.map(word).join(', ');
  return new SheafError('not-in-lock', `Cannot explain ${asked}: it is not in the lock for ${architecture}`, {
    kind: 'usage',
    ...(providers.length > 0
      ? { hint: `It is provided by ${names(providers)}.` }
      : like.length > 0
        ? { hint: `There is ${names(like)}.` }
        : {}),
  });
}
