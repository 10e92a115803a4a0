/**
 * The headers of libraries as they were before their later patches. What a header declares stands in all debugging
 * information, lines included, and so in build-ids; of an older revision that no archive has any more, the patches that
 * came since can be taken back. Pure.
 */
import { parseQuiltPatch, parseSeries, type PatchedFile } from '../formats/deb/quilt-patch.ts';
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
 * The patch as a diff of what is installed, named from `/`; of headers that are not, nothing. Each is looked for by its
 * name and as many directories as agree; of several that would be the same one, such as those of each architecture, it is
 * the one whose changes it has. Undefined where none is installed. `installed`: texts by their paths.
 */
export function installedPatch({ headers }: LaterPatch, installed: ReadonlyMap<string, string>): string | undefined {
  const paths = [...installed.keys()];
  const found = headers.flatMap(({ path, hunks }) => {
    const target = nearest(installedAs(path), paths);
    return target === undefined ? [] : [{ target, hunks }];
  });
  const texts = [...Map.groupBy(found, ({ target }) => target)].flatMap(([target, all]) => {
    const text = installed.get(target)!;
    const own = all.length === 1 ? all : all.filter(({ hunks }) => hasChanges(text, hunks));
    return own.slice(0, 1).map(({ hunks }) => `--- ${target}\n+++ ${target}\n${hunks}`);
  });
  return texts.length === 0 ? undefined : texts.join('');
}

/** Whether all that the hunks leave behind stands in a text. */
function hasChanges(text: string, hunks: string): boolean {
  const after = hunks
    .split(/^@@ .*\n/m)
    .slice(1)
    .map((hunk) => {
      const lines = hunk.split('\n').filter((line) => /^[ +]/.test(line));
      return lines.map((line) => line.slice(1)).join('\n');
    });
  return after.every((lines) => text.includes(lines));
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
