/** The entries of a Debian changelog between two versions. */
import { splitEntries, type ChangelogText } from '../formats/deb/changelog-entries.ts';
import { orderVersions } from './newest.ts';

const mostEntries = 200;
const longestText = 256 * 1024;

/**
 * The entries later than `after` and not later than `until`, in the order of the file. `isCut` when there are more than
 * anybody reads: at most 200 entries of at most 256 Ki characters are given.
 */
export function changesBetween(
  text: string,
  after: string | undefined,
  until: string,
): { readonly entries: readonly ChangelogText[]; readonly isCut: boolean } {
  const entries: ChangelogText[] = [];
  let room = longestText;
  for (const entry of splitEntries(text)) {
    if (orderVersions(entry.version, until) > 0) continue;
    if (after !== undefined && orderVersions(entry.version, after) <= 0) break;
    room -= entry.text.length;
    if (room < 0 || entries.length === mostEntries) return { entries, isCut: true };
    entries.push(entry);
  }
  return { entries, isCut: false };
}

/** The CVEs that these entries name, each once, in their order. */
export function fixedIn(entries: readonly ChangelogText[]): string[] {
  const names = entries.flatMap(({ text }) => text.match(/\bCVE-[12][0-9]{3}-[0-9]{4,10}\b/gi) ?? []);
  return [...new Set(names.map((name) => name.toUpperCase()))].toSorted(byNumber);
}

function byNumber(a: string, b: string): number {
  const parts = (name: string) => name.split('-').map(Number);
  return parts(a)[1]! - parts(b)[1]! || parts(a)[2]! - parts(b)[2]!;
}
