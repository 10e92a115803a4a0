/** What the changelog says of an upgrade, where a file that carries it is here. */
import { changesBetween, type ChangelogText, type PackageChange, type SourceGroup } from '../compare/mod.ts';
import type { PackageKind } from '../compare/mod.ts';

export type ChangelogAnswer =
  | { readonly state: 'found'; readonly text: string }
  /** The package's file is not kept here. */
  | { readonly state: 'absent' }
  /** It is here and has none, or none that can be read. */
  | { readonly state: 'none' };

export type ChangelogPort = (file: {
  readonly kind: PackageKind;
  readonly name: string;
  /** Of the `.deb` or `.dsc`. */
  readonly sha256: string;
}) => Promise<ChangelogAnswer>;

export type GroupChangelog = {
  readonly state: ChangelogAnswer['state'];
  /** The package whose file was read, and the entries between the two versions, newest first. */
  readonly from?: string;
  readonly entries?: readonly ChangelogText[];
  /** There are more than anybody reads. */
  readonly isCut?: boolean;
};

/** All binaries of a source carry the same changelog: more than a few are not asked. */
const mostFiles = 4;

/** Undefined for a group in which nothing was upgraded. The source package is asked first. */
export async function readGroupChangelog(read: ChangelogPort, group: SourceGroup): Promise<GroupChangelog | undefined> {
  const upgraded = group.changes.filter(({ change }) => change === 'upgraded');
  if (upgraded.length === 0) return undefined;
  let state: 'absent' | 'none' = 'absent';
  for (const change of upgraded.slice(0, mostFiles)) {
    const answer = await read({ kind: change.kind, name: change.name, sha256: change.new!.sha256 });
    if (answer.state === 'found') {
      return { state: 'found', from: change.name, ...changesBetween(answer.text, ...versionsOf(change)) };
    }
    if (answer.state === 'none') state = 'none';
  }
  return { state };
}

/** A changelog has the versions of the source package; one that was only built again has an entry of its own. */
function versionsOf({ old, new: now }: PackageChange): [string, string] {
  return old!.sourceVersion === now!.sourceVersion
    ? [old!.version, now!.version]
    : [old!.sourceVersion, now!.sourceVersion];
}
