/** Things that consist of named parts, such as archives: which there are, in which order, and what differs in them. */
import { shown } from './shown.ts';
import { compareOrder } from './text.ts';
import type { ContentDetail } from './types.ts';

export type Part = { readonly name: string };

/** `compare` tells what a part of both differs in. Of parts with the same name, the first goes with the first. */
export async function compareParts<T extends Part>(
  left: readonly T[],
  right: readonly T[],
  compare: (left: T, right: T) => Promise<readonly ContentDetail[]> | readonly ContentDetail[],
): Promise<ContentDetail[]> {
  const [mine, theirs] = [numbered(left), numbered(right)];
  const order = compareOrder([...mine.keys()], [...theirs.keys()], 'parts');
  const details: ContentDetail[] = order === undefined ? [] : [order];
  for (const [key, part] of mine) {
    const other = theirs.get(key);
    const name = shown(part.name);
    if (other === undefined) details.push({ kind: 'part', name, side: 'left' });
    else {
      const differences = await compare(part, other);
      if (differences.length > 0) details.push({ kind: 'part', name, details: differences });
    }
  }
  for (const [key, { name }] of theirs) {
    if (!mine.has(key)) details.push({ kind: 'part', name: shown(name), side: 'right' });
  }
  return details;
}

/** By name, and behind it a number for the second, third … of that name. */
function numbered<T extends Part>(parts: readonly T[]): Map<string, T> {
  const seen = new Map<string, number>();
  return new Map(
    parts.map((part) => {
      const count = seen.get(part.name) ?? 0;
      seen.set(part.name, count + 1);
      return [`${part.name}\0${count}`, part];
    }),
  );
}

/** A header's two values, where they differ. */
export function headerDetail(field: string, left: number | string, right: number | string): ContentDetail[] {
  return left === right ? [] : [{ kind: 'header', field, left: String(left), right: String(right) }];
}
