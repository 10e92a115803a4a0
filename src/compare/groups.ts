/** Changes by source package: what a person wants to read first. */
import { sourceOf, type PackageChange } from './change.ts';

export type SourceGroup<Change extends PackageChange = PackageChange> = {
  readonly source: string;
  /** The version of the source package before and after, as far as the changes tell it. */
  readonly oldVersion?: string;
  readonly newVersion?: string;
  /** The source package itself first, where sources were compared and it changed. */
  readonly changes: readonly Change[];
};

/** `changes` in the order of a comparison. */
export function groupBySource<Change extends PackageChange>(changes: readonly Change[]): SourceGroup<Change>[] {
  const groups: SourceGroup<Change>[] = [];
  for (let start = 0; start < changes.length;) {
    const source = sourceOf(changes[start]!);
    let end = start + 1;
    while (end < changes.length && sourceOf(changes[end]!) === source) end++;
    groups.push(toGroup(source, changes.slice(start, end)));
    start = end;
  }
  return groups;
}

/** A source package says its own versions; otherwise its binaries say what they were built from. */
function toGroup<Change extends PackageChange>(source: string, changes: readonly Change[]): SourceGroup<Change> {
  const itself = changes.find(({ kind }) => kind === 'source');
  const tellers = itself === undefined ? changes : [itself];
  const oldVersion = tellers.find(({ old }) => old?.source === source)?.old!.sourceVersion;
  const newVersion = tellers.find((each) => each.new?.source === source)?.new!.sourceVersion;
  return {
    source,
    ...(oldVersion === undefined ? {} : { oldVersion }),
    ...(newVersion === undefined ? {} : { newVersion }),
    changes,
  };
}
