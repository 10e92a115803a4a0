/** What moves together between two locks: the binaries of one source, and what a lock with only some of them moved has. */
import { parseRelations } from '../formats/deb/relation.ts';
import { order } from '../kit/order.ts';
import type { Lock, LockedPackage } from '../model/lock.ts';

/** The changed packages of one source package. */
export type Unit = {
  readonly source: string;
  /** Empty when the packages were added. */
  readonly old: readonly LockedPackage[];
  /** Empty when they were removed. */
  readonly new: readonly LockedPackage[];
};

/**
 * The changes from one lock to the other, each after those that it depends on: then any first part of the row is likely to
 * be a set of packages that fits together. Throws `bad-relation`.
 */
export function changedUnits(from: Lock, to: Lock): Unit[] {
  const [olds, news] = [byName(from.packages), byName(to.packages)];
  const names = [...new Set([...olds.keys(), ...news.keys()])]
    .filter((name) => identity(olds.get(name)) !== identity(news.get(name)))
    .toSorted(order);
  const units = [...Map.groupBy(names, (name) => sourceOf((news.get(name) ?? olds.get(name))![0]!))]
    .map(([source, own]) => ({
      source,
      old: own.flatMap((name) => olds.get(name) ?? []),
      new: own.flatMap((name) => news.get(name) ?? []),
    }))
    .toSorted((a, b) => order(a.source, b.source));
  return neededFirst(units);
}

/** The packages of `from` with only some of its changes, sorted as there. */
export function withMoved(from: Lock, units: readonly Unit[], moved: ReadonlySet<Unit>): LockedPackage[] {
  const gone = new Set(units.flatMap(({ old }) => old));
  const same = from.packages.filter((each) => !gone.has(each));
  const changed = units.flatMap((unit) => (moved.has(unit) ? unit.new : unit.old));
  return [...same, ...changed].toSorted((a, b) => order(a.name, b.name) || order(a.architecture, b.architecture));
}

/** Equal for the same packages with the same bytes. */
export function identity(packages: readonly LockedPackage[] | undefined): string {
  return (packages ?? [])
    .map(({ name, architecture, version, sha256 }) => `${name}:${architecture}=${version} ${sha256}\n`)
    .toSorted(order)
    .join('');
}

function byName(packages: readonly LockedPackage[]): ReadonlyMap<string, LockedPackage[]> {
  return Map.groupBy(packages, ({ name }) => name);
}

/** As an index names it, `Source: NAME (VERSION)`; the package itself where it does not. */
function sourceOf(each: LockedPackage): string {
  return /^\S+/.exec(fieldOf(each, 'Source') ?? '')?.[0] ?? each.name;
}

function fieldOf({ fields = [] }: LockedPackage, name: string): string | undefined {
  return fields.find(([each]) => each === name)?.[1];
}

function neededFirst(units: readonly Unit[]): Unit[] {
  const unitOf = new Map<string, Unit>(
    units.flatMap((unit) => unit.new.map(({ name }): [string, Unit] => [name, unit])),
  );
  const done: Unit[] = [];
  const entered = new Set<Unit>();
  // Iterative, as chains of dependencies are long.
  for (const first of units) {
    const path: { readonly unit: Unit; readonly needs: Iterator<Unit> }[] = [];
    const enter = (unit: Unit) => {
      if (entered.has(unit)) return;
      entered.add(unit);
      path.push({ unit, needs: needsOf(unit, unitOf).values() });
    };
    for (enter(first); path.length > 0;) {
      const { unit, needs } = path.at(-1)!;
      const next = needs.next();
      if (next.done !== true) {
        enter(next.value);
      } else {
        done.push(unit);
        path.pop();
      }
    }
  }
  return done;
}

function needsOf(unit: Unit, unitOf: ReadonlyMap<string, Unit>): Unit[] {
  const names = unit.new.flatMap((each) =>
    ['Pre-Depends', 'Depends'].flatMap((field) =>
      parseRelations(fieldOf(each, field) ?? '', `${field} of ${each.name}`).flatMap((group) =>
        group.map(({ name }) => name),
      ),
    ),
  );
  return names.flatMap((name) => unitOf.get(name) ?? []);
}
