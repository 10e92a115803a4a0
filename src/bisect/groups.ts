/**
 * Which changes have to be made together. apt decides in the end whether packages fit; this only looks for an order in
 * which they are likely to, from what packages say of each other.
 */
import { parseRelations, type Relation } from '../formats/deb/relation.ts';
import { compareVersions } from '../formats/deb/version.ts';
import type { Lock, LockedPackage } from '../model/lock.ts';
import type { Unit } from './units.ts';

/** All units in a row of groups, such that any first part of the row is likely to fit together. Throws `bad-relation`. */
export function groupUnits(from: Lock, units: readonly Unit[]): Unit[][] {
  const follows = requirements(from, units);
  const closures = units.map((unit) => closureOf(unit, follows)).toSorted((a, b) => a.size - b.size);
  const done = new Set<Unit>();
  const groups: Unit[][] = [];
  for (const closure of closures) {
    const group = units.filter((unit) => closure.has(unit) && !done.has(unit));
    for (const unit of group) done.add(unit);
    if (group.length > 0) groups.push(group);
  }
  return groups;
}

/** With what a unit has to move. */
type Requirements = ReadonlyMap<Unit, ReadonlySet<Unit>>;

function closureOf(unit: Unit, follows: Requirements): ReadonlySet<Unit> {
  const closure = new Set([unit]);
  for (const each of closure) for (const next of follows.get(each) ?? []) closure.add(next);
  return closure;
}

function requirements(from: Lock, units: readonly Unit[]): Requirements {
  const changed = new Set(units.flatMap(({ old }) => old));
  const same = offersOf([[undefined, from.packages.filter((each) => !changed.has(each))]]);
  const olds = offersOf(units.map((unit) => [unit, unit.old]));
  const news = offersOf(units.map((unit) => [unit, unit.new]));
  const follows = new Map(units.map((unit) => [unit, new Set<Unit>()]));
  const add = (unit: Unit | undefined, needed: Unit) => {
    if (unit !== undefined && unit !== needed) follows.get(unit)!.add(needed);
  };
  for (const unit of units) {
    for (const group of needsOf(unit.new)) {
      // What is there anyway, or comes with itself.
      if (unitsFor(same, group).length > 0 || unitsFor(olds, group).length > 0) continue;
      const givers = unitsFor(news, group);
      if (!givers.includes(unit) && givers[0] !== undefined) add(unit, givers[0]);
    }
    for (const group of needsOf(unit.old)) {
      if (unitsFor(same, group).length > 0) continue;
      const givers = unitsFor(olds, group);
      // Whose only giver goes away has to go with it.
      if (givers.length === 1 && !unitsFor(news, group).includes(givers[0])) add(givers[0], unit);
    }
    for (const group of refusalsOf(unit.new)) for (const other of unitsFor(olds, group)) add(unit, other!);
    for (const group of refusalsOf(unit.old)) for (const other of unitsFor(news, group)) add(other, unit);
  }
  return follows;
}

function needsOf(packages: readonly LockedPackage[]): Relation[][] {
  return packages.flatMap((each) => relationsOf(each, ['Pre-Depends', 'Depends']));
}

function refusalsOf(packages: readonly LockedPackage[]): Relation[][] {
  return packages.flatMap((each) => relationsOf(each, ['Breaks', 'Conflicts']));
}

function relationsOf({ name, fields = [] }: LockedPackage, names: readonly string[]): Relation[][] {
  return fields
    .filter(([each]) => names.includes(each))
    .flatMap(([each, text]) => parseRelations(text, `${each} of ${name}`).map((group) => [...group]));
}

type Offer = { readonly unit: Unit | undefined; readonly version: string | undefined };

/** By the names that packages have or provide. */
function offersOf(
  owners: readonly (readonly [Unit | undefined, readonly LockedPackage[]])[],
): ReadonlyMap<string, readonly Offer[]> {
  const offers = owners.flatMap(([unit, packages]) =>
    packages.flatMap((each) => [
      { name: each.name as string, unit, version: each.version as string | undefined },
      ...relationsOf(each, ['Provides']).flatMap((group) =>
        group.map(({ name, version }) => ({ name, unit, version: version?.version })),
      ),
    ]),
  );
  return Map.groupBy(offers, ({ name }) => name);
}

/** Who has one of the alternatives; `undefined` stands for what does not change. */
function unitsFor(offers: ReadonlyMap<string, readonly Offer[]>, group: readonly Relation[]): (Unit | undefined)[] {
  const found = group.flatMap((relation) =>
    (offers.get(relation.name) ?? []).filter((offer) => fits(relation, offer)).map(({ unit }) => unit),
  );
  return [...new Set(found)];
}

function fits({ version: wanted }: Relation, { version }: Offer): boolean {
  if (wanted === undefined) return true;
  if (version === undefined) return false;
  const compared = compareVersions(version, wanted.version);
  switch (wanted.operator) {
    case '<<':
      return compared < 0;
    case '<=':
      return compared <= 0;
    case '=':
      return compared === 0;
    case '>=':
      return compared >= 0;
    case '>>':
      return compared > 0;
  }
}
