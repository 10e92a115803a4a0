/** Who needs whom among the packages of one lock. */
import { parseRelations, formatRelation, type Relation } from '../formats/deb/relation.ts';
import { compareVersions } from '../formats/deb/version.ts';
import { lockedField, type Lock, type LockedPackage } from '../model/lock.ts';

export type NeedField = 'Pre-Depends' | 'Depends' | 'Recommends';

/** One group of alternatives that a package names, and who in the lock satisfies it. */
export type Need = {
  readonly field: NeedField;
  /** The alternatives as written. */
  readonly text: string;
  readonly by: readonly Satisfier[];
};

export type Satisfier = {
  /** Number of the package in the lock. */
  readonly package: number;
  /** The alternative, as written. */
  readonly alternative: string;
  /** Through Provides, not by its own name. */
  readonly provides: boolean;
};

export type Graph = {
  readonly packages: readonly LockedPackage[];
  /** Of each package, what it needs; needs that nobody in the lock satisfies are left out. */
  readonly needs: readonly (readonly Need[])[];
  /** Who satisfies this one relation, for something that belongs to the lock's architecture. */
  readonly find: (relation: Relation) => readonly Satisfier[];
};

/** Recommends count when the lock was made with them. Throws `bad-relation`. */
export function lockGraph({ packages, architecture, request }: Lock): Graph {
  const offers = offersOf(packages, architecture);
  const fields: readonly NeedField[] = request?.recommends
    ? ['Pre-Depends', 'Depends', 'Recommends']
    : ['Pre-Depends', 'Depends'];
  const find = (relation: Relation, asker: string) =>
    (offers.get(relation.name) ?? [])
      .filter((offer) => fits(relation, offer, asker, architecture))
      .map((offer) => ({
        package: offer.package,
        alternative: formatRelation(relation),
        provides: offer.provides,
      }));
  const needs = packages.map((each) =>
    fields.flatMap((name): Need[] => {
      const text = lockedField(each, name);
      if (text === undefined) return [];
      const asker = each.architecture === 'all' ? architecture : each.architecture;
      return parseRelations(text, `${name} of ${each.name}`).flatMap((group): Need[] => {
        const by = group.flatMap((relation) => find(relation, asker));
        return by.length === 0 ? [] : [{ field: name, text: group.map(formatRelation).join(' | '), by }];
      });
    }),
  );
  return { packages, needs, find: (relation) => find(relation, architecture) };
}

/** A name that a package has or provides. */
type Offer = {
  readonly package: number;
  readonly provides: boolean;
  readonly version: string | undefined;
  readonly architecture: string;
  readonly multiArch: string;
};

function offersOf(packages: readonly LockedPackage[], native: string): ReadonlyMap<string, readonly Offer[]> {
  const offers = new Map<string, Offer[]>();
  const add = (name: string, offer: Offer) => {
    const found = offers.get(name);
    if (found === undefined) offers.set(name, [offer]);
    else found.push(offer);
  };
  for (const [index, each] of packages.entries()) {
    const architecture = each.architecture === 'all' ? native : each.architecture;
    const about = { package: index, architecture, multiArch: lockedField(each, 'Multi-Arch') ?? 'no' };
    add(each.name, { ...about, provides: false, version: each.version });
    for (const relation of parseRelations(lockedField(each, 'Provides') ?? '', `Provides of ${each.name}`).flat()) {
      add(relation.name, { ...about, provides: true, version: relation.version?.version });
    }
  }
  return offers;
}

/**
 * Policy 7.1 and 7.5: a provided name satisfies a versioned relation only where it has a version. Multi-Arch: a package
 * satisfies its own architecture; `foreign` all of them; `allowed` those that say `:any`.
 */
function fits({ version, qualifier }: Relation, offer: Offer, asker: string, native: string): boolean {
  const wanted = qualifier === undefined || qualifier === 'any' ? asker : qualifier === 'native' ? native : qualifier;
  const crosses = offer.multiArch === 'foreign' || (qualifier === 'any' && offer.multiArch === 'allowed');
  if (offer.architecture !== wanted && !crosses) return false;
  if (version === undefined) return true;
  return offer.version !== undefined && isIn(offer.version, version);
}

function isIn(version: string, { operator, version: bound }: NonNullable<Relation['version']>): boolean {
  const difference = compareVersions(version, bound);
  switch (operator) {
    case '<<':
      return difference < 0;
    case '<=':
      return difference <= 0;
    case '=':
      return difference === 0;
    case '>=':
      return difference >= 0;
    case '>>':
      return difference > 0;
  }
}
