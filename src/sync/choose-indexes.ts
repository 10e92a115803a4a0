/** Which indexes of a Release file are followed, and under which names a mirror has each. Debian's RepositoryFormat. */
import { field } from '../formats/deb/deb822.ts';
import type { parseRelease, ReleaseFile } from '../formats/deb/release.ts';
import type { Upstream } from '../model/distribution.ts';
import type { IndexName } from '../model/index-history.ts';
import type { Compression } from './ports.ts';

export type ParsedRelease = ReturnType<typeof parseRelease>;

export type WantedIndex = {
  readonly name: IndexName;
  /** The uncompressed file, where the Release lists it; a mirror need not have it. */
  readonly plain: ReleaseFile | undefined;
  /** At least one, the best first: by size, and by what mirrors have. */
  readonly candidates: readonly { readonly compression: Compression; readonly file: ReleaseFile }[];
  /** What says which patches lead to this index. */
  readonly diffIndex: ReleaseFile | undefined;
};

export type IndexChoice = {
  readonly wanted: readonly WantedIndex[];
  /** Paths of packages' and sources' indexes that are followed and not listed. */
  readonly missing: readonly string[];
  /** Paths of other indexes that are followed and not listed: small suites have none, and that is no fault. */
  readonly absent: readonly string[];
};

const compressions: readonly Compression[] = ['.xz', '.gz', '.zst', '.bz2', ''];

type Followed = Pick<Upstream, 'components' | 'architectures' | 'sources' | 'contents' | 'translations'>;

export function chooseIndexes(release: ParsedRelease, upstream: Followed): IndexChoice {
  const files = new Map(release.files.map((file) => [file.path, file]));
  const find = (name: IndexName) => findIndex(files, name);
  const wanted: WantedIndex[] = [];
  const missing: string[] = [];
  const absent: string[] = [];
  const take = (names: readonly IndexName[], otherwise: string[]) => {
    // The first name that is listed: Contents may stand beside the components or in each.
    const found = names.map(find).find((each) => each !== undefined);
    if (found === undefined) otherwise.push(names[0]!.path);
    else if (!wanted.some(({ name }) => name.path === found.name.path)) wanted.push(found);
  };
  for (const component of upstream.components) {
    for (const architecture of upstream.architectures) take([packages(component, architecture)], missing);
    if (hasOwnAll(release)) take([packages(component, 'all')], []);
    if (upstream.sources) {
      take([index(component, 'source', 'sources', `${component}/source/Sources`)], missing);
    }
    if (upstream.contents) {
      for (const architecture of upstream.architectures) take(contents(component, architecture), absent);
      if (release.architectures.includes('all')) take(contents(component, 'all'), []);
    }
    for (const language of upstream.translations) {
      take([index(component, '', 'translation', `${component}/i18n/Translation-${language}`)], absent);
    }
  }
  return { wanted, missing, absent };
}

/** RepositoryFormat, "No-Support-for-Architecture-all": then `all` packages stand in every architecture's index. */
function hasOwnAll({ architectures, stanza }: ParsedRelease): boolean {
  const without = (field(stanza, 'No-Support-for-Architecture-all') ?? '').split(/\s+/);
  return architectures.includes('all') && !without.includes('Packages');
}

function index(component: string, architecture: string, kind: IndexName['kind'], path: string): IndexName {
  return { path, kind, component, architecture };
}

function packages(component: string, architecture: string): IndexName {
  return index(component, architecture, 'packages', `${component}/binary-${architecture}/Packages`);
}

function contents(component: string, architecture: string): IndexName[] {
  const name = `Contents-${architecture}`;
  return [
    index(component, architecture, 'contents', `${component}/${name}`),
    index('', architecture, 'contents', name),
  ];
}

function findIndex(files: ReadonlyMap<string, ReleaseFile>, name: IndexName): WantedIndex | undefined {
  const candidates = compressions.flatMap((compression) => {
    const file = files.get(`${name.path}${compression}`);
    return file === undefined ? [] : [{ compression, file }];
  });
  if (candidates.length === 0) return undefined;
  return { name, candidates, plain: files.get(name.path), diffIndex: files.get(`${name.path}.diff/Index`) };
}
