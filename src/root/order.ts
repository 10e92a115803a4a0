/** In which steps packages are installed: what must work before what. Pure. */
import { parseRelations, type RelationGroup } from '../formats/deb/relation.ts';
import { field, requireField, type Stanza } from '../formats/deb/deb822.ts';
import { lockedField, type LockedPackage } from '../model/lock.ts';

export type Described<F = string> = {
  readonly name: string;
  readonly architecture: string;
  /** The field of that name: `same`, `foreign`, `allowed`. */
  readonly multiArch: string | undefined;
  readonly essential: boolean;
  readonly preDepends: readonly RelationGroup[];
  readonly depends: readonly RelationGroup[];
  readonly provides: readonly string[];
  readonly file: F;
};

/** Reads the fields that `dpkg-deb --field` shows of one package. */
export function describePackage<F>(stanza: Stanza, file: F): Described<F> {
  const name = requireField(stanza, 'Package');
  return describe({ name, architecture: field(stanza, 'Architecture') ?? 'all' }, (each) => field(stanza, each), file);
}

/** What a lock says of a package whose file is not here yet. */
export function describeLocked(locked: LockedPackage): Described<LockedPackage> {
  return describe(locked, (each) => lockedField(locked, each)?.trim(), locked);
}

function describe<F>(
  { name, architecture }: { readonly name: string; readonly architecture: string },
  read: (name: string) => string | undefined,
  file: F,
): Described<F> {
  const relations = (field: string) => parseRelations((read(field) ?? '').replaceAll('\n', ' '), field);
  return {
    name,
    architecture,
    multiArch: read('Multi-Arch'),
    essential: read('Essential') === 'yes',
    preDepends: relations('Pre-Depends'),
    depends: relations('Depends'),
    provides: relations('Provides').flatMap((group) => group.map((each) => each.name)),
    file,
  };
}

/** The essential packages and all that they need, in the order given. */
export function bootstrapSet<F>(packages: readonly Described<F>[]): Described<F>[] {
  return closure(
    packages,
    packages.filter((each) => each.essential),
  );
}

/** The wanted packages and what they depend on, among those given. */
export function closure<F>(packages: readonly Described<F>[], wanted: readonly Described<F>[]): Described<F>[] {
  const find = finder(packages);
  const found = new Set<Described<F>>();
  const todo = [...wanted];
  while (todo.length > 0) {
    const next = todo.pop()!;
    if (found.has(next)) continue;
    found.add(next);
    for (const group of [...next.preDepends, ...next.depends]) todo.push(...find(group, next).slice(0, 1));
  }
  return packages.filter((each) => found.has(each));
}

/**
 * One step: unpack all of `unpack`, then configure `configure` (a later step's pre-dependencies with all that they depend
 * on; Debian Policy 7.2: a pre-dependency is configured before its dependent is unpacked).
 */
export type Step<F> = { readonly unpack: readonly Described<F>[]; readonly configure: readonly Described<F>[] };

/**
 * Steps that install packages onto a system where all others are configured; those of `isUnpacked` need no unpacking. A
 * pre-dependency is configured as soon as all that it depends on is unpacked. Cycles of pre-dependencies go last, together.
 */
export function planSteps<F>(
  packages: readonly Described<F>[],
  isUnpacked: (each: Described<F>) => boolean = () => false,
): Step<F>[] {
  const find = finder(packages);
  const steps: Step<F>[] = [];
  const configured = new Set<Described<F>>();
  const unpacked = new Set(packages.filter((each) => isUnpacked(each)));
  let waiting = packages.filter((each) => !unpacked.has(each));
  // A package may be unpacked when each pre-dependency is configured, or is none of ours.
  const isReady = (each: Described<F>) =>
    each.preDepends.every((group) => {
      const candidates = find(group, each);
      return candidates.length === 0 || candidates.some((candidate) => configured.has(candidate) || candidate === each);
    });
  const takeConfigurable = () => {
    const needed = new Set(
      waiting.flatMap((each) => each.preDepends.flatMap((group) => find(group, each).slice(0, 1))),
    );
    const sets = [...needed].map((each) => closure(packages, [each]));
    const ready = new Set(sets.filter((set) => set.every((each) => unpacked.has(each))).flat());
    const configure = packages.filter((each) => ready.has(each) && !configured.has(each));
    for (const each of configure) configured.add(each);
    return configure;
  };
  while (waiting.length > 0) {
    let unpack = waiting.filter(isReady);
    let configure = unpack.length === 0 ? takeConfigurable() : [];
    if (unpack.length === 0 && configure.length === 0) unpack = waiting;
    for (const each of unpack) unpacked.add(each);
    waiting = waiting.filter((each) => !unpacked.has(each));
    if (unpack.length > 0) configure = takeConfigurable();
    steps.push({ unpack, configure });
  }
  return steps;
}

/** Which packages satisfy a group of one, by name or by what they provide; versions were the solver's business. */
function finder<F>(packages: readonly Described<F>[]): (group: RelationGroup, of: Described<F>) => Described<F>[] {
  const byName = new Map<string, Described<F>[]>();
  const add = (name: string, each: Described<F>) => byName.set(name, [...(byName.get(name) ?? []), each]);
  for (const each of packages) add(each.name, each);
  for (const each of packages) for (const name of each.provides) add(name, each);
  return (group, of) =>
    group.flatMap((relation) => (byName.get(relation.name) ?? []).filter((each) => serves(each, of)));
}

/** Of another architecture only what says that it may. */
function serves({ architecture, multiArch }: Described<unknown>, of: Described<unknown>): boolean {
  return (
    [of.architecture, 'all'].includes(architecture) || of.architecture === 'all' || (multiArch ?? 'same') !== 'same'
  );
}

/** As dpkg is told which one is meant where there may be several of one name. */
export function dpkgName({ name, architecture, multiArch }: Described<unknown>): string {
  return multiArch === 'same' ? `${name}:${architecture}` : name;
}
