/** Which source packages are rebuilt, and in which order. Pure. */
import { SheafError } from '../kit/error.ts';
import { matchesAnyGlob } from '../kit/glob.ts';
import { order } from '../kit/order.ts';

export type Selection = {
  /** Names with `*`; none for all. */
  readonly patterns: readonly string[];
  /** Names or patterns: none for all. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  /** How many systems have a package, by the name of the binary package. */
  readonly popularity: ReadonlyMap<string, number> | undefined;
};

export type Candidate = { readonly source: string; readonly binaries: readonly string[] };

/** The most popular first; of equally popular ones by name. */
export function selectSources(candidates: readonly Candidate[], selection: Selection): string[] {
  const { patterns, allow, deny, popularity } = selection;
  const isWanted = ({ source }: Candidate) =>
    (patterns.length === 0 || matchesAnyGlob(patterns, source)) &&
    (allow.length === 0 || matchesAnyGlob(allow, source)) &&
    !matchesAnyGlob(deny, source);
  const rank = ({ binaries }: Candidate) => Math.max(0, ...binaries.map((each) => popularity?.get(each) ?? 0));
  return candidates
    .filter(isWanted)
    .map((each) => ({ source: each.source, rank: rank(each) }))
    .toSorted((a, b) => b.rank - a.rank || order(a.source, b.source))
    .map(({ source }) => source);
}

/** Those names and patterns that no source package fits. */
export function unmatchedWords(candidates: readonly Candidate[], { patterns, allow }: Selection): string[] {
  const words = [...new Set([...patterns, ...allow])];
  return words.filter((word) => !candidates.some(({ source }) => matchesAnyGlob([word], source)));
}

/** A name or pattern a line; `#` begins a comment. Throws `bad-list` with file and line. */
export function parseNameList(text: string, file: string): string[] {
  return text.split('\n').flatMap((line, index) => {
    const word = line.replace(/#.*/, '').trim();
    if (word === '') return [];
    if (/^[a-z0-9*][a-z0-9+.*-]*$/.test(word)) return [word];
    throw new SheafError(
      'bad-list',
      `Cannot read ${file}: expected the name of a source package, found ${JSON.stringify(word.slice(0, 80))}`,
      {
        kind: 'usage',
        place: { file, line: index + 1 },
        hint: 'A name a line, with * for any run of characters; # begins a comment.',
      },
    );
  });
}

/** popularity-contest's `by_inst`: lines `rank name inst vote …`, comments with `#`, a line of hyphens before the total. */
export function parsePopularity(text: string, file: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [index, line] of text.split('\n').entries()) {
    if (/^#|^-+$|^\s*$|\bTotal\b/.test(line)) continue;
    const [, name, installed] = /^\d+\s+(\S+)\s+(\d+)(?:\s|$)/.exec(line) ?? [];
    if (name === undefined) {
      throw new SheafError(
        'bad-list',
        `Cannot read ${file}: expected "rank name installations", found ${JSON.stringify(line.slice(0, 80))}`,
        {
          kind: 'usage',
          place: { file, line: index + 1 },
          hint: 'It is the file by_inst of popcon.debian.org, unpacked.',
        },
      );
    }
    counts.set(name, Number(installed));
  }
  return counts;
}
