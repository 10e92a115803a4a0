/** What the entries of two archives differ in: which there are, what they are, and what is in them. */
import { Buffer } from 'node:buffer';

import { compareControl } from './control.ts';
import { compareContents } from './content.ts';
import { digestOf, type EntryPair, type HeldEntry } from './pair-entries.ts';
import type { CompareDeps, CompareLimits } from './ports.ts';
import { shown, shownPath, shownTime } from './shown.ts';
import type { ContentDifference, DebDifference, DebPart } from './types.ts';

export type Notes = {
  readonly part: DebPart;
  readonly deps: CompareDeps;
  readonly limits: CompareLimits;
  readonly add: (difference: DebDifference) => void;
};

export async function compareEntries(pairs: AsyncIterable<EntryPair>, notes: Notes): Promise<void> {
  const times = new Times(notes);
  for await (const { left, right } of pairs) {
    if (left !== undefined && right !== undefined) {
      if (left.mtime !== right.mtime) times.add(left, right);
      await compareTwo(left, right, notes);
    } else {
      const { path, type, size } = (left ?? right)!;
      const side = left === undefined ? 'right' : 'left';
      notes.add({ part: notes.part, path: shownPath(path), kind: 'only', side, type, size });
    }
  }
}

async function compareTwo(left: HeldEntry, right: HeldEntry, { part, deps, limits, add }: Notes): Promise<void> {
  const at = { part, path: shownPath(left.path) };
  if (left.type !== right.type) {
    add({ ...at, kind: 'type', left: left.type, right: right.type });
    return;
  }
  for (const [kind, say] of Object.entries(properties) as [keyof typeof properties, (typeof properties)['mode']][]) {
    const [one, other] = [say(left), say(right)];
    if (one !== other) add({ ...at, kind, left: shown(one), right: shown(other) });
  }
  if (left.type !== 'file' || haveSameContent(left, right)) return;
  if (part === 'control' && left.path === 'control' && left.bytes !== undefined && right.bytes !== undefined) {
    const differences = compareControl(left.bytes, right.bytes);
    for (const each of differences ?? []) add(each);
    if (differences !== undefined && differences.length > 0) return;
  }
  add({ ...at, ...(await contentDifference(left, right, { deps, limits })) });
}

const properties = {
  mode: ({ mode }: HeldEntry) => mode.toString(8).padStart(4, '0'),
  owner: ({ user, group, uid, gid }: HeldEntry) => `${user}:${group} (${uid}:${gid})`,
  link: ({ link }: HeldEntry) => link,
};

function haveSameContent(left: HeldEntry, right: HeldEntry): boolean {
  if (left.size !== right.size) return false;
  if (left.bytes !== undefined && right.bytes !== undefined) return Buffer.compare(left.bytes, right.bytes) === 0;
  return digestOf(left) === digestOf(right);
}

async function contentDifference(
  left: HeldEntry,
  right: HeldEntry,
  { deps, limits }: Pick<Notes, 'deps' | 'limits'>,
): Promise<ContentDifference> {
  const head = { kind: 'content', left: { size: left.size }, right: { size: right.size } } as const;
  // What had to wait without its bytes, or is too large, is known to differ and no more.
  if (left.bytes === undefined || right.bytes === undefined)
    return { ...head, format: 'binary', details: [], omitted: 0 };
  const { format, details } = await compareContents(
    { name: left.path, left: left.bytes, right: right.bytes },
    deps,
    limits,
  );
  const { details: most } = limits;
  return { ...head, format, details: details.slice(0, most), omitted: Math.max(0, details.length - most) };
}

const mostPaths = 5;
/** More groups than these are told as one. */
const mostGroups = 50;

type TimeGroup = Extract<DebDifference, { kind: 'time' }> & { readonly paths: string[]; count: number };

/** Entries by their two times: mostly one group, the day of each build. It is told at its first entry and grows. */
class Times {
  readonly #notes: Notes;
  readonly #groups = new Map<string, TimeGroup>();

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  add(left: HeldEntry, right: HeldEntry): void {
    const full = this.#groups.size >= mostGroups;
    const key = `${left.mtime} ${right.mtime}`;
    const known = this.#groups.get(key) ?? (full ? [...this.#groups.values()].at(-1) : undefined);
    const group = known ?? this.#begin(key, left.mtime, right.mtime);
    if (group.count++ < mostPaths) group.paths.push(shownPath(left.path));
  }

  #begin(key: string, left: number, right: number): TimeGroup {
    const { part, add } = this.#notes;
    const times = { left: shownTime(left), right: shownTime(right) };
    const group: TimeGroup = { kind: 'time', part, ...times, paths: [], count: 0 };
    this.#groups.set(key, group);
    add(group);
    return group;
  }
}
