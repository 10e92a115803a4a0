/** Which of the packages that changed between two locks makes the test fail. */
import {
  changedUnits,
  groupUnits,
  identity,
  roundsLeft,
  search,
  withMoved,
  type Unit,
  type Verdict,
} from '../bisect/mod.ts';
import { compareEntries, groupBySource, type SourceGroup } from '../compare/mod.ts';
import { lockedEntry, type LockSpec } from '../lock/mod.ts';
import type { Lock, LockedPackage } from '../model/lock.ts';
import type { BisectEvent, Tries } from './bisect-tries.ts';

export type PackageSearch = {
  readonly tries: Tries;
  readonly report: (event: BisectEvent) => void;
  /** What the two locks were made from, but for the snapshots. */
  readonly spec: LockSpec;
  readonly good: Lock;
  readonly bad: Lock;
};

export type FoundPackages = {
  /** Source packages that changed. */
  readonly changed: number;
  /** One; several where no test could tell them apart. */
  readonly culprits: readonly SourceGroup[];
  /** Whether the test fails when these alone are moved; absent when they do not fit by themselves. */
  readonly alone?: boolean;
};

/** More than so many are not tried one by one. */
const mostSingle = 24;

/**
 * Moves the changed source packages from the good version to the bad one, first those that others depend on, and looks
 * for the first with which the test fails. What apt does not accept as a whole is not tried.
 */
export async function findPackages(work: PackageSearch): Promise<FoundPackages> {
  const units = changedUnits(work.good, work.bad);
  const groups = groupUnits(work.good, units);
  work.report({ kind: 'begin', stage: 'packages', states: units.length, rounds: roundsLeft(groups.length) });
  const first = (count: number) => new Set(groups.slice(0, count).flat());
  const found = await search(groups.length, async (count) =>
    tryMoved(work, units, first(count), wordsOf(groups[count - 1]!, first(count - 1).size)),
  );
  let culprits = groups.slice(found.good, found.bad).flat();
  // What did not fit together in this order may fit one by one.
  if (culprits.length > 1 && culprits.length <= mostSingle) {
    for (const unit of culprits) {
      const moved = first(found.good).add(unit);
      if ((await tryMoved(work, units, moved, wordsOf([unit], moved.size - 1))) !== 'bad') continue;
      culprits = [unit];
      break;
    }
  }
  const alone = await tryMoved(
    work,
    units,
    new Set(culprits),
    `${culprits.map(({ source }) => source).join(', ')} alone`,
  );
  return {
    changed: units.length,
    culprits: culprits.flatMap((unit) =>
      groupBySource(compareEntries(unit.old.map(lockedEntry), unit.new.map(lockedEntry)).changes),
    ),
    ...(alone === 'skip' ? {} : { alone: alone === 'bad' }),
  };
}

function wordsOf(last: readonly Unit[], before: number): string {
  return `${last.map(({ source }) => source).join(', ')} and ${before} before`;
}

async function tryMoved(
  { tries, spec, good, bad }: PackageSearch,
  units: readonly Unit[],
  moved: ReadonlySet<Unit>,
  what: string,
): Promise<Verdict> {
  const packages = withMoved(good, units, moved);
  const lock = { ...good, packages };
  // What was tried has fitted.
  if (await tries.isKnown(lock)) return tries.run('packages', what, lock);
  const changed = units.flatMap((unit) => (moved.has(unit) ? unit.new : unit.old));
  const names = new Set(packages.map(({ name }) => name));
  const absent = units
    .flatMap((unit) => [...unit.old, ...unit.new])
    .flatMap(({ name }) => (names.has(name) ? [] : [name]));
  const from = [...bad.sources, ...good.sources].map(({ snapshot }) => snapshot!);
  const answer = await tries.solve(what, {
    ...spec,
    from: [...new Set(from)],
    packages: [...spec.packages, ...changed.map((each) => wordOf(each, good.architecture))],
    // What only one of the two has may be essential there.
    exclude: [...new Set([...spec.exclude, ...absent])],
    keep: packages,
  });
  if (typeof answer === 'string') return tries.pass('packages', what, answer);
  if (identity(answer.packages) !== identity(packages)) {
    return tries.pass('packages', what, 'apt does not take these packages without others');
  }
  return tries.run('packages', what, { ...answer, ...(good.request && { request: good.request }) });
}

function wordOf({ name, architecture, version }: LockedPackage, native: string): string {
  return architecture === 'all' || architecture === native
    ? `${name}=${version}`
    : `${name}:${architecture}=${version}`;
}
