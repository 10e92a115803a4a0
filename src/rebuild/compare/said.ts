/** What two packages say differently, at one place each: what may tell on what they were built. */
import type { ContentDetail, DebComparison, DebDifference } from './types.ts';

type Both<T> = { readonly left: T; readonly right: T };

export type Said = {
  readonly texts: readonly Both<readonly string[]>[];
  /** Octal: 644. */
  readonly modes: readonly Both<string>[];
};

export function said({ differences }: DebComparison): Said {
  return {
    texts: differences.flatMap(textsOf),
    modes: differences.flatMap((each) => (each.kind === 'mode' ? [each] : [])),
  };
}

function textsOf(difference: DebDifference): readonly Both<readonly string[]>[] {
  switch (difference.kind) {
    case 'field':
      // A sum of sizes tells of no machine.
      return difference.field === 'Installed-Size' ? [] : [one(difference)];
    case 'link':
    case 'time':
      return [one(difference)];
    case 'content':
      return difference.details.flatMap(textsIn);
    default:
      return [];
  }
}

function textsIn(detail: ContentDetail): readonly Both<readonly string[]>[] {
  switch (detail.kind) {
    case 'lines':
      return detail.removed === detail.added
        ? detail.left.map((left, index) => one({ left, right: detail.right[index]! }))
        : [detail];
    case 'strings':
      return [detail];
    case 'header':
      return detail.field === 'mode' ? [] : [one(detail)];
    case 'part':
      return 'details' in detail ? detail.details.flatMap(textsIn) : [];
    default:
      return [];
  }
}

function one({ left = '', right = '' }: Partial<Both<string>>): Both<readonly string[]> {
  return { left: [left], right: [right] };
}
