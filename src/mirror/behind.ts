/** How far a mirror is behind what is published here. Pure. */
import type { TreeEntry } from '../model/mirror.ts';
import type { Pointer } from './plan.ts';

export type SuiteBehind = {
  readonly suite: string;
  /** What the mirror shows since the last push that went well; undefined: the suite is not there yet. */
  readonly shown: string | undefined;
  readonly newest: string;
  /** How many snapshots were published after the shown one. */
  readonly behind: number;
};

/** `entries`: pointers and numbered snapshots of the published tree; its other names are not looked at. */
export function compareMirror(entries: readonly TreeEntry[], shown: readonly Pointer[]): SuiteBehind[] {
  const links = entries.flatMap((entry) => (entry.kind === 'link' ? [entry] : []));
  return links.flatMap(({ path, target }) => {
    const suite = /^dists\/([^/]+)$/.exec(path)?.[1];
    const newest = /^\.\.\/snapshot\/[^/]+\/(\d{8}T\d{6}Z)\//.exec(target)?.[1];
    // A second name of a suite leads to its first.
    if (suite === undefined || newest === undefined) return [];
    const known = shown.find(({ name }) => name === suite)?.snapshot;
    const snapshots = links.filter((each) => each.path.startsWith(`snapshot/${suite}/`)).map((each) => each.target);
    const behind = snapshots.filter((id) => (known === undefined || id > known) && id <= newest).length;
    return [{ suite, shown: known, newest, behind }];
  });
}
