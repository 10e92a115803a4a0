/**
 * What two packages differ in: byte equality first, then only the archives inside that differ, each read once and both at
 * the same time.
 */
import { both } from './both.ts';
import { compareEntries, type Notes } from './entries.ts';
import { compareMembers, compressionDifference, differingParts, readMembers, type DebMember } from './members.ts';
import { pairEntries } from './pair-entries.ts';
import { openPart } from './part.ts';
import { compareLimits, type CompareDeps, type DebInput } from './ports.ts';
import type { DebComparison, DebDifference, DebPart } from './types.ts';
import { unpackBoth } from './unpack.ts';

/**
 * Throws `bad-ar`, `bad-deb`, `bad-tar`, `bad-compression` or `over-limit`, with the file and a byte, for what is not a
 * package: see `readMembers` and `openPart`.
 */
export async function compareDebs(left: DebInput, right: DebInput, deps: CompareDeps): Promise<DebComparison> {
  const [one, other] = await both(readMembers(left), readMembers(right));
  const files = { left: one.file, right: other.file };
  if (one.file.sha256 === other.file.sha256) return { ...files, equal: true, differences: [], omitted: 0 };
  const { differences: most } = deps.limits ?? compareLimits;
  const found = new Found(most);
  for (const each of compareMembers(one.members, other.members)) found.add(each);
  for (const members of differingParts(one.members, other.members)) {
    await comparePart({ left, right }, members, deps, found);
  }
  return { ...files, equal: false, ...found.result() };
}

type PartMembers = { readonly part: DebPart; readonly left: DebMember; readonly right: DebMember };

async function comparePart(
  inputs: { readonly left: DebInput; readonly right: DebInput },
  members: PartMembers,
  deps: CompareDeps,
  found: Found,
): Promise<void> {
  const { part } = members;
  const limits = deps.limits ?? compareLimits;
  const before = found.count;
  // Which of two reasons it is only matters when no entry differs.
  const isUnexplained = () => found.count === before;
  const [one, other] = [
    { input: inputs.left, member: members.left },
    { input: inputs.right, member: members.right },
  ];
  const [mine, theirs] = await unpackBoth(one, other, deps, limits);
  const left = openPart(one, mine, limits, isUnexplained);
  const right = openPart(other, theirs, limits, isUnexplained);
  const { pairs, outOfOrder } = pairEntries(left.entries, right.entries, limits);
  const notes: Notes = { part, deps, limits, add: (difference) => found.add(difference) };
  await compareEntries(pairs, notes);
  const path = outOfOrder();
  if (path !== undefined) found.add({ kind: 'order', part, path });
  if (!isUnexplained()) return;
  if (left.digest() === right.digest()) found.add(compressionDifference(part, members.left, members.right));
  else found.add({ kind: 'archive-form', part });
}

/** The heaviest first; of what there is too much of, the lighter kinds give way. */
const weights: Readonly<Record<DebDifference['kind'], number>> = {
  ...{
    members: 0,
    'member-content': 0,
    field: 1,
    relation: 1,
    only: 2,
    type: 2,
    link: 3,
    content: 3,
    mode: 4,
    owner: 4,
  },
  ...{ order: 5, time: 6, 'archive-form': 6, compression: 6, 'member-time': 7 },
};

class Found {
  count = 0;
  readonly #most: number;
  readonly #kept: DebDifference[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  add(difference: DebDifference): void {
    this.count++;
    // Twice as many as are told wait until the weightier among them are known.
    if (this.#kept.push(difference) > 2 * this.#most) this.#cut();
  }

  result(): { readonly differences: readonly DebDifference[]; readonly omitted: number } {
    this.#cut();
    return { differences: this.#kept, omitted: this.count - this.#kept.length };
  }

  #cut(): void {
    this.#kept.sort((a, b) => weights[a.kind] - weights[b.kind]);
    this.#kept.length = Math.min(this.#kept.length, this.#most);
  }
}
