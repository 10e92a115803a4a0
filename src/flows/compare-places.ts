/**
 * `sheaf diff`: two places, what each of them lists, and what differs. A place is a suite at a snapshot, ours or an
 * upstream's, or index files on the disk; any of them can be compared with any other.
 */
import {
  compareEntries,
  countByClass,
  groupBySource,
  selectChanges,
  type Comparison,
  type CountsByKind,
  type PackageChange,
  type PackageKind,
  type Selection,
  type SourceGroup,
} from '../compare/mod.ts';
import { differingEntries } from '../history/mod.ts';
import type { PackageEntry } from '../model/index-history.ts';
import type { IndexFilePort } from '../plumbing/index-files.ts';
import {
  readGroupChangelog,
  type ChangelogAnswer,
  type ChangelogPort,
  type GroupChangelog,
} from './compare-changelogs.ts';
import { ComparisonMemory, memoryKey, type SelectedChanges } from './compare-memory.ts';
import { openPair, type CompareHistory, type ComparedPlace } from './compare-open.ts';
import { scopeOf, type LeftOut, type Scope } from './compare-scope.ts';

export { ComparisonMemory };
export type { ChangelogAnswer, ChangelogPort, CompareHistory, ComparedPlace, GroupChangelog, LeftOut };

export type CompareDeps = {
  /** Absent where there is no distribution: then only paths can be named. */
  readonly history?: CompareHistory | undefined;
  /** Absent where paths may not be named: whoever asks over the network reads no files of ours. */
  readonly files?: IndexFilePort | undefined;
  readonly changelogs?: ChangelogPort | undefined;
  /** Keeps comparisons of snapshots, which never change, for the next page of the same. */
  readonly memory?: ComparisonMemory | undefined;
};

export type CompareOptions = Selection & {
  /** Without it: those that both places have. */
  readonly architectures?: readonly string[] | undefined;
  /** Changelog entries of what was upgraded, as far as the files are here. */
  readonly changelogs?: boolean | undefined;
  /** At most this many source packages, those behind the one named `after`. */
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
};

export type ComparedSource = SourceGroup & { readonly changelog?: GroupChangelog };

export type PlaceComparison = {
  readonly left: ComparedPlace;
  readonly right: ComparedPlace;
  /** What was compared. `all` belongs to every architecture and is not named. */
  readonly kinds: readonly PackageKind[];
  readonly architectures: readonly string[];
  /** What only one of the places has an index of: it was not compared. */
  readonly leftOut: readonly LeftOut[];
  /** Whatever classes were asked for, these count all of them. */
  readonly counts: CountsByKind;
  /** The same version with other bytes, whatever classes were asked for. */
  readonly alarms: readonly PackageChange[];
  /** How many source packages have a change that was asked for. */
  readonly total: number;
  readonly sources: readonly ComparedSource[];
  /** For `after`, when there are more. */
  readonly next?: string;
};

/**
 * Compares `a` with `b`, or without `a` the snapshot before `b` with `b`. Throws `unknown-place`, `no-earlier-snapshot`,
 * `nothing-to-compare`, `unknown-architecture`, `unknown-component`, and what reading of index files throws.
 */
export async function comparePlaces(
  deps: CompareDeps,
  a: string | undefined,
  b: string,
  options: CompareOptions = {},
): Promise<PlaceComparison> {
  const { left, right } = await openPair(deps, a, b);
  const scope = scopeOf(left, right, options);
  const compare = () => compareScope(deps, scope);
  const key = memoryKey(scope);
  const { memory } = deps;
  const select = async () => {
    const remembered = memory === undefined || key === undefined ? compare() : memory.comparisons.get(key, compare);
    return selectFrom(await remembered, scope, options);
  };
  const { counts, alarms, groups } =
    memory === undefined || key === undefined
      ? await select()
      : await memory.selections.get(`${key} ${selectionKey(options)}`, select);
  const page = pageOf(groups, options);
  return {
    ...{ left: left.about, right: right.about },
    ...{ kinds: scope.kinds, architectures: scope.architectures ?? [], leftOut: scope.leftOut },
    ...{ counts, alarms, total: groups.length },
    ...page,
    sources: options.changelogs === true ? await addChangelogs(deps, page.sources) : page.sources,
  };
}

function selectFrom({ changes }: Comparison, scope: Scope, { only, ...selection }: CompareOptions): SelectedChanges {
  const wanted = selectChanges(changes, { ...selection, kinds: scope.kinds });
  return {
    counts: countByClass(wanted),
    alarms: wanted.filter(({ change }) => change === 'altered'),
    groups: groupBySource(selectChanges(wanted, { only })),
  };
}

/** Kinds and architectures are a part of the scope. */
function selectionKey({ only, names, components }: CompareOptions): string {
  return JSON.stringify([only, names, components]);
}

/** Two snapshots are compared by what is not the same text in both; lists of packages are read only where one is a file. */
async function compareScope({ history }: CompareDeps, scope: Scope): Promise<Comparison> {
  if (history !== undefined && scope.left.files.length + scope.right.files.length === 0) {
    const { left, right } = await differingEntries(history, scope.left.stored, scope.right.stored);
    return compareEntries(inScope(left, scope), inScope(right, scope));
  }
  const [left, right] = await Promise.all([readAll(history, scope, 'left'), readAll(history, scope, 'right')]);
  return compareEntries(inScope(left, scope), inScope(right, scope));
}

async function readAll(
  history: CompareHistory | undefined,
  scope: Scope,
  side: 'left' | 'right',
): Promise<readonly PackageEntry[]> {
  const { stored, files } = scope[side];
  if (history !== undefined && stored.length > 0) return (await differingEntries(history, stored, [])).left;
  const lists: (readonly PackageEntry[])[] = [];
  for (const file of files) lists.push(await file.read());
  return lists.flat();
}

function inScope(entries: readonly PackageEntry[], { architectures }: Scope): readonly PackageEntry[] {
  if (architectures === undefined) return entries;
  return entries.filter(
    ({ kind, architecture }) => kind === 'source' || architecture === 'all' || architectures.includes(architecture),
  );
}

function pageOf(
  groups: readonly SourceGroup[],
  { after, limit = Number.POSITIVE_INFINITY }: CompareOptions,
): Pick<PlaceComparison, 'sources' | 'next'> {
  const found = after === undefined ? 0 : groups.findIndex(({ source }) => source > after);
  const start = found === -1 ? groups.length : found;
  const sources = groups.slice(start, start + limit);
  const isLast = start + sources.length >= groups.length;
  return isLast ? { sources } : { sources, next: sources.at(-1)!.source };
}

async function addChangelogs({ changelogs }: CompareDeps, sources: readonly SourceGroup[]): Promise<ComparedSource[]> {
  if (changelogs === undefined) return [...sources];
  const told: ComparedSource[] = [];
  for (const group of sources) {
    const changelog = await readGroupChangelog(changelogs, group);
    told.push(changelog === undefined ? group : { ...group, changelog });
  }
  return told;
}
