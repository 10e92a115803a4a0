/** Few snapshots that together have all packages of a list. Pure. */
import { order } from '../kit/order.ts';

/** A package was in a suite from one snapshot to another: [since, until). */
export type Stay = {
  readonly suite: string;
  readonly since: string;
  readonly until?: string;
};

/** A snapshot, and the packages of the list that are taken from it, by their numbers. */
export type ChosenSnapshot = { readonly suite: string; readonly at: string; readonly packages: readonly number[] };

/**
 * Again and again the snapshot that has most of what is still missing; of several, the last that is not later than
 * `near`, or without that the last. `all` has the stays of each package; packages without any are left out.
 */
export function chooseSnapshots(all: readonly (readonly Stay[])[], near?: string): ChosenSnapshot[] {
  const stays = all.map((each) => each.filter(({ since, until }) => until === undefined || since < until));
  const missing = new Set(stays.flatMap((each, index) => (each.length === 0 ? [] : [index])));
  const chosen: ChosenSnapshot[] = [];
  while (missing.size > 0) {
    const best = [...pointsOf(stays, missing)].reduce((a, b) => (isBetter(b, a, near) ? b : a));
    const packages = [...missing].filter((index) => stays[index]!.some((stay) => isIn(stay, best)));
    for (const index of packages) missing.delete(index);
    chosen.push({ suite: best.suite, at: best.at, packages });
  }
  return chosen;
}

type Point = { readonly suite: string; readonly at: string; readonly count: number };

/** Where most stays overlap is where one of them begins. */
function* pointsOf(stays: readonly (readonly Stay[])[], missing: ReadonlySet<number>): Generator<Point> {
  const suites = Map.groupBy(
    [...missing].flatMap((index) => stays[index]!),
    ({ suite }) => suite,
  );
  for (const [suite, all] of suites) {
    const starts = all.map(({ since }) => since).toSorted(order);
    const ends = all.flatMap(({ until }) => until ?? []).toSorted(order);
    let ended = 0;
    for (const [index, at] of starts.entries()) {
      if (starts[index + 1] === at) continue;
      while (ended < ends.length && ends[ended]! <= at) ended++;
      yield { suite, at, count: index + 1 - ended };
    }
  }
}

function isBetter(a: Point, b: Point, near: string | undefined): boolean {
  if (a.count !== b.count) return a.count > b.count;
  const [isLate, isOtherLate] = [near !== undefined && a.at > near, near !== undefined && b.at > near];
  if (isLate !== isOtherLate) return isOtherLate;
  const difference = order(a.at, b.at) || order(b.suite, a.suite);
  return isLate ? difference < 0 : difference > 0;
}

function isIn({ suite, since, until }: Stay, point: Point): boolean {
  return suite === point.suite && since <= point.at && (until === undefined || point.at < until);
}
