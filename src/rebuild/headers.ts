/**
 * The headers of libraries as they were before their later patches. What a header declares stands in all debugging
 * information, lines included, and so in build-ids; of an older revision that no archive has any more, the patches that
 * came since can be taken back. Pure.
 */
import { parseQuiltPatch, parseSeries, type PatchedFile } from '../formats/deb/quilt-patch.ts';
import type { HeaderPatch } from '../model/job.ts';
import { entriesOf } from './changelog-entries.ts';

/** A patch of a source package that changes headers, and only those changes. */
export type LaterPatch = { readonly patch: string; readonly headers: readonly PatchedFile[] };

const header = /\.(?:h|hh|hpp|hxx)(?:\.in)?$/;

/**
 * Those that are younger than a time (seconds since the epoch), the last one first: by their own date, or as only later
 * entries of the changelog name them or what they mend. `files`: of debian/, by their paths in it. None where that time
 * had another upstream version.
 */
export function laterPatches(files: ReadonlyMap<string, string>, at: number): LaterPatch[] {
  const entries = entriesOf(files.get('changelog') ?? '');
  const earlier = entries.filter(({ date }) => date <= at);
  const later = entries.filter(({ date }) => date > at);
  if (later.length === 0 || entries[0]!.upstream !== earlier[0]?.upstream) return [];
  const isNamed = (name: string, by: typeof entries) => by.some(({ text }) => text.includes(name));
  const series = parseSeries(files.get('patches/series') ?? '');
  return series.toReversed().flatMap((patch) => {
    const { date, files: changed } = parseQuiltPatch(files.get(`patches/${patch}`) ?? '');
    const file = patch.slice(patch.lastIndexOf('/') + 1).replace(/\.(?:patch|diff)$/, '');
    const name = /\bCVE-\d+-\d+/.exec(file)?.[0] ?? file;
    const isYounger = date !== undefined && date.getTime() > at * 1000;
    if (!isYounger && !(isNamed(name, later) && !isNamed(name, earlier))) return [];
    const headers = changed.filter(({ path }) => header.test(path));
    return headers.length === 0 ? [] : [{ patch, headers }];
  });
}

/** What the headers that a patch changes are called where they are installed. */
export function headerNames({ headers }: LaterPatch): readonly string[] {
  return headers.map(({ path }) => installedAs(path).split('/').at(-1)!);
}

function installedAs(path: string): string {
  return path.replace(/\.in$/, '');
}

/**
 * The patches as diffs of what is installed, named from `/`, of which each can be taken back after those before it. A
 * header is looked for by its name and as many directories as agree. Left out are changes that the installed header does
 * not have, such as those to the one of another architecture. `installed`: texts by their paths.
 */
export function installedPatches(
  patches: readonly LaterPatch[],
  installed: ReadonlyMap<string, string>,
): Pick<HeaderPatch, 'patch' | 'text'>[] {
  const now = new Map(installed);
  return patches.flatMap(({ patch, headers }) => {
    let text = '';
    for (const { path, hunks } of headers) {
      const target = nearest(installedAs(path), [...now.keys()]);
      const before = target === undefined ? undefined : takenBack(now.get(target)!, hunks);
      if (before === undefined) continue;
      now.set(target!, before);
      text += `--- ${target}\n+++ ${target}\n${hunks}`;
    }
    return text === '' ? [] : [{ patch, text }];
  });
}

/** A text as it was before all hunks; undefined where patch(1) would not find one of them. */
function takenBack(text: string, hunks: string): string | undefined {
  let rest = `\n${text}`;
  for (const hunk of hunks.split(/^@@ .*\n/m).slice(1)) {
    const lines = hunk.split('\n').filter((line) => /^[-+ ]/.test(line));
    const found = [0, 1, 2].map((fuzz) => sidesOf(lines, fuzz)).find(({ after }) => rest.includes(after));
    if (found === undefined) return undefined;
    rest = rest.replace(found.after, () => found.before);
  }
  return rest.slice(1);
}

/** What a hunk takes and what it leaves, without as many lines of its context at either end as `fuzz`. */
function sidesOf(lines: readonly string[], fuzz: number): { readonly before: string; readonly after: string } {
  const first = Math.min(fuzz, lines.findIndex((line) => !line.startsWith(' '))); // prettier-ignore
  const last = Math.max(lines.length - fuzz, lines.findLastIndex((line) => !line.startsWith(' ')) + 1);
  const side = (other: string) => {
    const own = lines.slice(first, last).filter((line) => !line.startsWith(other));
    return ['', ...own.map((line) => line.slice(1)), ''].join('\n');
  };
  return { before: side('+'), after: side('-') };
}

function nearest(path: string, installed: readonly string[]): string | undefined {
  const agreeing = installed.map((each) => [commonEnd(path.split('/'), each.split('/')), each] as const);
  const most = Math.max(0, ...agreeing.map(([count]) => count));
  const [found, another] = agreeing.filter(([count]) => count === most);
  return most === 0 || another !== undefined ? undefined : found![1];
}

function commonEnd(one: readonly string[], other: readonly string[]): number {
  let count = 0;
  while (count < one.length && count < other.length && one.at(-1 - count) === other.at(-1 - count)) count++;
  return count;
}
