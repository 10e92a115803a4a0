/** What of two places can be compared: the kinds and architectures that both of them have indexes of. */
import type { PackageKind } from '../compare/mod.ts';
import type { IndexAt } from '../history/mod.ts';
import { SheafError } from '../kit/error.ts';
import { suggestion } from '../kit/spelling.ts';
import type { FileIndex } from '../plumbing/index-files.ts';
import type { Place } from './compare-open.ts';

export type LeftOut = {
  /** The place that has it. */
  readonly place: string;
  /** `sources`, `binaries`, or an architecture. */
  readonly what: string;
};

export type Scope = {
  readonly kinds: readonly PackageKind[];
  /** Undefined: all there are, because one place does not say which it has. */
  readonly architectures: readonly string[] | undefined;
  readonly leftOut: readonly LeftOut[];
  /** Indexes may list more than was asked for. */
  readonly left: Scoped;
  readonly right: Scoped;
};

type Scoped = { readonly stored: readonly IndexAt[]; readonly files: readonly FileIndex[] };

type Wanted = {
  readonly kinds?: readonly PackageKind[] | undefined;
  readonly architectures?: readonly string[] | undefined;
  readonly components?: readonly string[] | undefined;
};

/**
 * What is asked for by name is compared also where only one place has it; otherwise a new architecture would bury
 * everything else under a whole suite of added packages. Throws `nothing-to-compare`, and `unknown-architecture` or
 * `unknown-component` for one that neither place has.
 */
export function scopeOf(left: Place, right: Place, wanted: Wanted): Scope {
  const [lefts, rights] = [coverOf(left), coverOf(right)];
  const kinds = wanted.kinds ?? common(lefts.kinds, rights.kinds);
  const archs = [...lefts.architectures, ...rights.architectures];
  checkThere('architecture', (wanted.architectures ?? []).filter(isNotAll), archs);
  checkThere('component', wanted.components ?? [], componentsOf(left, right));
  const known = lefts.architectures.length > 0 && rights.architectures.length > 0;
  const architectures = wanted.architectures ?? (known ? common(lefts.architectures, rights.architectures) : undefined);
  const isEmpty = lefts.kinds.length === 0 && rights.kinds.length === 0;
  if (kinds.length === 0 && !isEmpty) throw nothing(left, right, 'one has only sources, the other only binaries');
  if (architectures?.length === 0 && !kinds.includes('source')) {
    const of = ({ architectures: own }: Cover) => own.join(', ');
    throw nothing(left, right, `one has ${of(lefts)}, the other ${of(rights)}`);
  }
  const out = (cover: Cover, place: Place) =>
    [
      ...cover.kinds.filter((kind) => !kinds.includes(kind) && wanted.kinds === undefined).map(kindWord),
      ...cover.architectures.filter(
        (each) => wanted.architectures === undefined && architectures?.includes(each) === false,
      ),
    ].map((what) => ({ place: place.about.place, what }));
  const scoped = (place: Place, cover: Cover): Scoped => {
    // A place without the architectures that were asked for has its packages of `all`, in indexes of others.
    const isForeign = architectures !== undefined && common(cover.architectures, architectures).length === 0;
    const isIn = (index: Index) => isInScope(index, kinds, isForeign ? undefined : architectures);
    return {
      stored: withoutDoubles(place.stored).filter((index) => isIn(ofStored(index))),
      files: place.files.filter(isIn),
    };
  };
  return {
    ...{ kinds, architectures },
    leftOut: [...out(lefts, left), ...out(rights, right)],
    left: scoped(left, lefts),
    right: scoped(right, rights),
  };
}

/** A misspelt one would look like two places that do not differ. Where indexes do not say theirs, nothing is known. */
function checkThere(what: 'architecture' | 'component', wanted: readonly string[], there: readonly string[]): void {
  const unknown = wanted.find((each) => !there.includes(each));
  if (unknown === undefined || there.length === 0) return;
  const known = [...new Set(there)].sort();
  throw new SheafError(
    `unknown-${what}`,
    `Cannot compare ${unknown}: neither place has it${suggestion(unknown, known)}`,
    { kind: 'usage', hint: `There is: ${known.join(', ')}.` },
  );
}

function isNotAll(architecture: string): boolean {
  return architecture !== 'all';
}

/** None where one of the places is a path: a bare file may list packages of any. */
function componentsOf(...places: readonly Place[]): string[] {
  if (places.some(({ files }) => files.length > 0)) return [];
  return places.flatMap(({ stored }) => stored.filter(isList).map(({ component }) => component));
}

type Cover = { readonly kinds: readonly PackageKind[]; readonly architectures: readonly string[] };
type Index = Pick<FileIndex, 'kind' | 'architectures'>;

function coverOf({ stored, files }: Place): Cover {
  const indexes: Index[] = [...stored.filter(isList).map(ofStored), ...files];
  const kinds = new Set(indexes.map(({ kind }) => kind));
  const architectures = new Set(indexes.flatMap((index) => index.architectures));
  architectures.delete('all');
  return {
    kinds: (['binary', 'source'] as const).filter((kind) => kinds.has(kind)),
    architectures: [...architectures].sort(),
  };
}

function isList({ kind }: IndexAt): boolean {
  return kind === 'packages' || kind === 'sources';
}

function ofStored({ kind, architecture }: IndexAt): Index {
  return kind === 'sources'
    ? { kind: 'source', architectures: [] }
    : { kind: 'binary', architectures: architecture === '' ? [] : [architecture] };
}

function isInScope(
  { kind, architectures: own }: Index,
  kinds: readonly PackageKind[],
  architectures: readonly string[] | undefined,
): boolean {
  if (!kinds.includes(kind)) return false;
  if (kind === 'source' || architectures === undefined || own.length === 0) return true;
  return own.some((each) => each === 'all' || architectures.includes(each));
}

/** An index of `all` alone is left out where one of an architecture lists the same packages again. */
function withoutDoubles(indexes: readonly IndexAt[]): readonly IndexAt[] {
  const lists = indexes.filter(isList);
  const full = new Set(
    lists
      .filter(({ kind, architecture }) => kind === 'packages' && architecture !== 'all')
      .map(({ component }) => component),
  );
  return lists.filter(({ kind, architecture, component }) => {
    return kind !== 'packages' || architecture !== 'all' || !full.has(component);
  });
}

function common<T>(left: readonly T[], right: readonly T[]): readonly T[] {
  return left.filter((each) => right.includes(each));
}

function kindWord(kind: PackageKind): string {
  return kind === 'source' ? 'sources' : 'binaries';
}

function nothing(left: Place, right: Place, why: string): SheafError {
  const places = `${left.about.place} with ${right.about.place}`;
  return new SheafError('nothing-to-compare', `Cannot compare ${places}: they have nothing in common, ${why}`, {
    kind: 'usage',
    hint: 'What is named by --binary, --source or --arch is compared also where only one of them has it.',
  });
}
