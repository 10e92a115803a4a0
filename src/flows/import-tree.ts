/** Which suites a tree of saved files holds, and which file is which index. Only names are looked at. */
import type { Release } from '../formats/deb/release.ts';
import type { Upstream } from '../model/distribution.ts';
import type { IndexName } from '../model/index-history.ts';

/** The files of one suite. */
export type SavedSuite = {
  /** The folder of its Release file, with a slash at its end; empty for the tree itself. */
  readonly base: string;
  /** What the folder is called below `dists/`. */
  readonly folder: string | undefined;
  /** Real names by their names relative to the Release file's folder: `InRelease`, `main/source/Sources.xz`. */
  readonly files: ReadonlyMap<string, string>;
};

/** An index as it was saved: one file or several with the same content. */
export type SavedIndex = { readonly name: IndexName; readonly files: readonly string[] };

/** In the order in which they are tried: what is read fastest first. */
export const savedSuffixes = ['', '.zst', '.gz', '.xz', '.bz2'] as const;

const inSuite =
  /^(|.*?\/)((?!debian-installer\/)[^/]+\/(?:binary-[^/]+\/Packages|source\/Sources|i18n\/Translation-[^/.]+)(?:\.[a-z0-9]+)?)$/;

/** In the order of their names. */
export function findSavedSuites(paths: readonly string[]): SavedSuite[] {
  const files = new Map<string, string>();
  for (const path of paths) {
    const name = nameInArchive(path);
    if (!files.has(name)) files.set(name, path);
  }
  const releases = new Set(
    [...files.keys()].flatMap((name) => {
      const [, base = '', last] = /^(.*?)([^/]*)$/.exec(name)!;
      // Older archives have a small Release file beside each index.
      const isSmall = /(?:^|\/)(?:binary-[^/]+|source)\/$/.test(base);
      return (last === 'InRelease' || last === 'Release') && !isSmall ? [base] : [];
    }),
  );
  const suites = new Map<string, Map<string, string>>();
  const add = (base: string, name: string, path: string) => {
    const found = suites.get(base) ?? new Map<string, string>();
    suites.set(base, found.set(name, path));
  };
  const rest: [name: string, path: string][] = [];
  for (const [name, path] of files) {
    const base = longestBase(releases, name) ?? baseByName(name);
    if (base === undefined) rest.push([name, path]);
    else add(base, name.slice(base.length), path);
  }
  // What says nothing of its suite by itself belongs to one that was found around it.
  for (const [name, path] of rest) {
    const base = longestBase(new Set(suites.keys()), name);
    if (base !== undefined) add(base, name.slice(base.length), path);
  }
  return [...suites]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([base, found]) => ({ base, files: found, folder: /(?:^|\/)dists\/(.+)\/$/.exec(base)?.[1] }));
}

/** apt keeps `dists/trixie/main/source/Sources` as `HOST_PATH_dists_trixie_main_source_Sources`. */
function nameInArchive(path: string): string {
  const last = path.slice(path.lastIndexOf('/') + 1);
  const found = last.indexOf('_dists_');
  return found === -1
    ? path
    : last
        .slice(found + 1)
        .replaceAll('_', '/')
        .replaceAll(/%5f/gi, '_');
}

function longestBase(bases: ReadonlySet<string>, name: string): string | undefined {
  for (let end = name.lastIndexOf('/') + 1; ; end = name.lastIndexOf('/', end - 2) + 1) {
    const base = name.slice(0, end);
    if (bases.has(base)) return base;
    if (end === 0) return undefined;
  }
}

function baseByName(name: string): string | undefined {
  const found = inSuite.exec(name);
  if (found !== null) return found[1];
  const plain = /^(|.*\/)(?:Packages|Sources)(?:\.[a-z0-9]+)?$/.exec(name);
  return plain === null || plain[1]!.includes('debian-installer/') ? undefined : plain[1];
}

export type SuiteAnswer =
  | { readonly kind: 'suite'; readonly suite: string }
  /** It says that it is another suite, one that is not asked for. */
  | { readonly kind: 'other'; readonly suite: string }
  /** Its folder and its Release file contradict each other. */
  | { readonly kind: 'contradiction'; readonly told: string }
  | { readonly kind: 'unknown' };

type Names = Pick<Release, 'suite' | 'codename'>;

/** `wanted`: the suites that are followed, or the one that was asked for. */
export function suiteOf(
  { base, folder }: Pick<SavedSuite, 'base' | 'folder'>,
  { suite, codename }: Names,
  wanted: readonly string[],
): SuiteAnswer {
  // Ubuntu gives noble-updates the codename noble: that is the name of another suite.
  const alias = codename !== undefined && suite?.startsWith(`${codename}-`) === true ? undefined : codename;
  const told = [suite, alias].filter((name) => name !== undefined);
  const around = folder ?? base.split('/').at(-2);
  const found = [around, ...told].find((name) => name !== undefined && wanted.includes(name));
  const [first] = folder === undefined ? told : [folder];
  if (found !== undefined) {
    // As apt has it: of `bookworm/updates` the part before the last slash may be the name too.
    const fits = told.length === 0 || told.some((name) => found === name || found.startsWith(`${name}/`));
    return fits ? { kind: 'suite', suite: found } : { kind: 'contradiction', told: told.join(', codename ') };
  }
  if (first !== undefined) return { kind: 'other', suite: first };
  return wanted.length === 1 ? { kind: 'suite', suite: wanted[0]! } : { kind: 'unknown' };
}

type Followed = Pick<Upstream, 'components' | 'architectures' | 'sources' | 'contents' | 'translations'>;

/** The indexes that are followed, where no Release file lists them. */
export function nameIndexes(files: ReadonlyMap<string, string>, upstream: Followed): SavedIndex[] {
  const found = new Map<string, { name: IndexName; files: string[] }>();
  for (const suffix of savedSuffixes) {
    for (const [file, path] of files) {
      const plain = suffix === '' ? file : file.slice(0, -suffix.length);
      const name = file.endsWith(suffix) ? nameIndex(plain, upstream) : undefined;
      if (name === undefined) continue;
      const index = found.get(name.path) ?? { name, files: [] };
      index.files.push(path);
      found.set(name.path, index);
    }
  }
  return [...found.values()].toSorted((a, b) => (a.name.path < b.name.path ? -1 : 1));
}

function nameIndex(path: string, upstream: Followed): IndexName | undefined {
  const { components, architectures, sources, contents, translations } = upstream;
  // A lone file is the one index of its kind, where only one can be meant.
  if (path === 'Packages') {
    return architectures.length === 1 && components.length === 1
      ? nameIndex(`${components[0]}/binary-${architectures[0]}/Packages`, upstream)
      : undefined;
  }
  if (path === 'Sources')
    return components.length === 1 ? nameIndex(`${components[0]}/source/Sources`, upstream) : undefined;
  const [, component = '', rest = ''] = /^(?:([^/]+)\/)?(.+)$/.exec(path) ?? [];
  if (component !== '' && !components.includes(component)) return undefined;
  const follows = (architecture: string) => architecture === 'all' || architectures.includes(architecture as never);
  const binary = /^binary-([^/]+)\/Packages$/.exec(rest)?.[1];
  if (binary !== undefined && follows(binary)) return { path, kind: 'packages', component, architecture: binary };
  if (rest === 'source/Sources' && sources) return { path, kind: 'sources', component, architecture: 'source' };
  const content = /^Contents-([^/.]+)$/.exec(rest)?.[1];
  if (content !== undefined && contents && follows(content)) {
    return { path, kind: 'contents', component, architecture: content };
  }
  const language = /^i18n\/Translation-([^/.]+)$/.exec(rest)?.[1];
  return language !== undefined && translations.includes(language)
    ? { path, kind: 'translation', component, architecture: '' }
    : undefined;
}
