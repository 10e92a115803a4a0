/** One suite of an archive that somebody else made: its Release file and indexes, read and checked against each other. */
import { poolDirectory, type ImportedBinary, type ImportedSource } from '../archive/mod.ts';
import { compressionKind } from '../formats/container/compression-kind.ts';
import { field, formatStanza, parseStanza, type Stanza } from '../formats/deb/deb822.ts';
import { readPackagesIndex } from '../formats/deb/packages-index.ts';
import { parseRelease, type Release, type ReleaseFile } from '../formats/deb/release.ts';
import { readSourcesIndex, type IndexedSource } from '../formats/deb/sources-index.ts';
import { sha256, type Sha256 } from '../kit/digest.ts';
import { describeError, SheafError } from '../kit/error.ts';
import type { ReleaseFields } from '../model/distribution.ts';
import { isArchitecture, isLabel, isPackageName } from '../model/names.ts';
import type { ForeignTree, FoundSuite } from '../plumbing/foreign-archive/tree.ts';

export type ReadSuiteDeps = {
  readonly tree: ForeignTree;
  readonly decompress: (bytes: Uint8Array, limit: number, file: string) => Promise<Uint8Array>;
  /** Fingerprints of the keys behind good signatures, and what is wrong; undefined without keys to check by. */
  readonly verify:
    | ((
        files: ReleaseBytes,
        date: Date,
      ) => Promise<{ readonly signedBy: readonly string[]; readonly problems: readonly string[] }>)
    | undefined;
};

export type ReleaseBytes =
  | { readonly inRelease: Uint8Array }
  | { readonly release: Uint8Array; readonly signature: Uint8Array };

export type ForeignSuite = FoundSuite & {
  readonly fields: ReleaseFields;
  readonly description: string | undefined;
  readonly date: Date;
  /** Those whose indexes are there; without `all`. */
  readonly architectures: readonly string[];
  readonly components: readonly string[];
  readonly files: ReleaseBytes | undefined;
  /** Undefined when nobody has looked. */
  readonly signedBy: readonly string[] | undefined;
  readonly binaries: readonly ForeignBinary[];
  readonly sources: readonly ForeignSource[];
  /** Whether an index lists several versions of a package. */
  readonly several: boolean;
  /** Whether long descriptions are in Translation indexes. */
  readonly translated: boolean;
  readonly notes: readonly string[];
};

/** `path`: where its file is in the old archive. */
export type ForeignBinary = ImportedBinary & {
  readonly path: string;
  /** The index has only the first line of its description. */
  readonly short: boolean;
};
export type ForeignSource = ImportedSource & { readonly oldDirectory: string };

export type ImportProblem = {
  readonly suite: string;
  /** The package's file, or the index. */
  readonly file: string;
  readonly message: string;
};

const largestRelease = 32 * 2 ** 20;
const largestFile = 2 ** 30;
const largestIndex = 2 ** 31 - 1;
const suffixes = ['', '.gz', '.xz', '.zst', '.bz2'];

/** Throws `bad-release` and `bad-index` for what the rest depends on; `problems` gets what is wrong with single packages. */
export async function readForeignSuite(
  deps: ReadSuiteDeps,
  found: FoundSuite,
  problems: ImportProblem[],
): Promise<ForeignSuite> {
  const { release, files, text } = await readRelease(deps.tree, found.name);
  const checked = await checkSignature(deps, found.name, files, release.date);
  const notes: string[] = [];
  checkComponents(found.name, release, problems);
  const indexes = await readIndexes(deps, found.name, release.files, notes);
  const binaries = new Map<string, ForeignBinary>();
  const sources = new Map<string, ForeignSource>();
  const versions = new Map<string, Set<string>>();
  for (const index of indexes) {
    const add = (file: string, message: string) => problems.push({ suite: found.name, file, message });
    if (index.architecture === 'source') takeSources(index, sources, add);
    else takeBinaries(index, binaries, versions, add);
  }
  noteOthers(release.files, notes);
  const { origin = '', label = '', suite = '', codename = '', version = '' } = release;
  const isYes = (name: string) => field(text, name)?.toLowerCase() === 'yes';
  return {
    ...found,
    fields: {
      ...{ origin, label, suite, codename, version },
      notAutomatic: isYes('NotAutomatic'),
      butAutomaticUpgrades: isYes('ButAutomaticUpgrades'),
    },
    description: release.description,
    date: release.date,
    architectures: distinct(indexes.map((index) => index.architecture)).filter(
      (each) => !/^(?:all|source)$/.test(each),
    ),
    components: distinct(release.components.map((each) => each.split('/').at(-1)!)).filter((each) =>
      indexes.some((index) => index.component === each),
    ),
    files,
    signedBy: checked,
    binaries: [...binaries.values()],
    sources: [...sources.values()],
    several: [...versions.values()].some((each) => each.size > 1),
    translated: [...binaries.values()].some((each) => each.short),
    notes,
  };
}

async function readRelease(tree: ForeignTree, suite: string) {
  const at = (name: string) => tree.read(`dists/${suite}/${name}`, largestRelease);
  const inRelease = await at('InRelease');
  const release = inRelease === undefined ? await at('Release') : undefined;
  const bytes = inRelease ?? release;
  if (bytes === undefined) throw bad('bad-release', suite, 'its Release file is gone');
  const parsed = parseRelease(new TextDecoder().decode(bytes), `dists/${suite}/${inRelease ? 'InRelease' : 'Release'}`);
  const signature = release === undefined ? undefined : await at('Release.gpg');
  const files: ReleaseBytes | undefined =
    inRelease !== undefined
      ? new TextDecoder().decode(inRelease.subarray(0, 40)).startsWith('-----BEGIN PGP SIGNED')
        ? { inRelease }
        : undefined
      : signature && { release: release!, signature };
  return { release: parsed, files, text: parsed.stanza };
}

async function checkSignature(
  { verify }: ReadSuiteDeps,
  suite: string,
  files: ReleaseBytes | undefined,
  date: Date,
): Promise<readonly string[] | undefined> {
  if (verify === undefined) return undefined;
  if (files === undefined) throw bad('bad-release', suite, 'its Release file is not signed');
  const { signedBy, problems } = await verify(files, date);
  if (problems.length > 0) throw bad('bad-release', suite, problems.join(' '));
  return signedBy;
}

type ReadIndex = {
  /** In the archive, for messages. */
  readonly file: string;
  readonly component: string;
  /** `source` for one of sources. */
  readonly architecture: string;
  readonly bytes: Uint8Array;
};

type ListedIndex = Pick<ReadIndex, 'component' | 'architecture'> & { readonly forms: ReadonlyMap<string, ReleaseFile> };

/**
 * Of a partial mirror whole architectures and components are missing: these are left out. One index that is missing
 * where others of its kind are there is a fault.
 */
async function readIndexes(
  { tree, decompress }: ReadSuiteDeps,
  suite: string,
  files: readonly ReleaseFile[],
  notes: string[],
): Promise<ReadIndex[]> {
  const found: ReadIndex[] = [];
  const missing: ListedIndex[] = [];
  for (const index of listIndexes(files, notes)) {
    const read = await readForm(tree, decompress, suite, index);
    if (read === undefined) missing.push(index);
    else found.push(read);
  }
  if (found.length === 0)
    throw bad('bad-index', suite, 'none of the Packages and Sources of its Release file is there');
  const has = (name: 'component' | 'architecture', value: string) => found.some((each) => each[name] === value);
  for (const { component, architecture } of missing) {
    if (has('component', component) && has('architecture', architecture)) {
      throw bad('bad-index', suite, `the index of ${component}, ${architecture} is not there`);
    }
  }
  const gone = distinct(missing.map(({ component, architecture }) => `${component}/${architecture}`));
  if (gone.length > 0) notes.push(`Left out, since their indexes are not there: ${gone.slice(0, 20).join(', ')}.`);
  return found;
}

/** What Release calls a component and none is here, apart from those that are empty: their packages would stay behind. */
function checkComponents(suite: string, { components, files }: Release, problems: ImportProblem[]): void {
  for (const component of components.filter((each) => !isLabel(each))) {
    const index = files.find(({ path, size }) => size > 0 && indexPattern.exec(path)?.[1] === component);
    if (index === undefined) continue;
    const file = `dists/${suite}/${component}`;
    problems.push({
      suite,
      file,
      message: `no component is called "${component}" here: publish it under another name`,
    });
  }
}

/** Component, architecture, suffix. */
const indexPattern = /^(?:(.+)\/)?(?:binary-([^/]+)\/Packages|source\/Sources)(\.[a-z0-9]+)?$/;

function listIndexes(files: readonly ReleaseFile[], notes: string[]): ListedIndex[] {
  const indexes = new Map<string, ListedIndex & { forms: Map<string, ReleaseFile> }>();
  const odd = new Set<string>();
  for (const file of files) {
    const match = indexPattern.exec(file.path);
    if (match === null || !suffixes.includes(match[3] ?? '')) continue;
    const [, component = 'main', architecture = 'source', suffix = ''] = match;
    const isBinary = architecture === 'source' || isArchitecture(architecture);
    if (!isLabel(component) || !isBinary) {
      odd.add(`${component}/${architecture}`);
      continue;
    }
    const key = `${component} ${architecture}`;
    const index = indexes.get(key) ?? { component, architecture, forms: new Map<string, ReleaseFile>() };
    index.forms.set(suffix, file);
    indexes.set(key, index);
  }
  if (odd.size > 0) notes.push(`Left out: ${[...odd].slice(0, 20).join(', ')}.`);
  return [...indexes.values()];
}

/** The first form that is there and is what Release lists; throws when those that are there are all wrong. */
async function readForm(
  tree: ForeignTree,
  decompress: ReadSuiteDeps['decompress'],
  suite: string,
  { component, architecture, forms }: ListedIndex,
): Promise<ReadIndex | undefined> {
  let wrong: string | undefined;
  const plain = forms.get('');
  for (const suffix of suffixes) {
    const listed = forms.get(suffix) ?? (plain && { ...plain, path: `${plain.path}${suffix}`, derived: true });
    if (listed === undefined) continue;
    const file = `dists/${suite}/${listed.path}`;
    const packed = await tree.read(file, largestFile);
    if (packed === undefined) continue;
    const isListed = !('derived' in listed);
    if (isListed && (packed.length !== listed.size || sha256(packed) !== listed.sha256)) {
      wrong ??= `${file} is not what its Release file lists`;
      continue;
    }
    const bytes =
      suffix === '' || compressionKind(packed) === 'none' ? packed : await decompress(packed, largestIndex, file);
    if (plain !== undefined && (bytes.length !== plain.size || sha256(bytes) !== plain.sha256)) {
      wrong ??= `${file} is not what its Release file lists`;
      continue;
    }
    return { file, component, architecture, bytes };
  }
  if (wrong === undefined) return undefined;
  throw new SheafError('bad-index', `Cannot import suite "${suite}": ${wrong}`, {
    hint: 'Somebody is publishing right now, or the archive is damaged: publish it once more with the program that made it.',
  });
}

type AddProblem = (file: string, message: string) => void;

function takeBinaries(
  index: ReadIndex,
  binaries: Map<string, ForeignBinary>,
  versions: Map<string, Set<string>>,
  add: AddProblem,
): void {
  const onBad = (error: SheafError) => add(index.file, describeError(error));
  for (const entry of readPackagesIndex(index.bytes, index.file, { onBad })) {
    const { name, version, architecture, filename: path } = entry;
    const place = path ?? `${name} ${version}`;
    if (!isPackageName(name)) add(place, `"${name}" is not a package name`);
    else if (architecture !== 'all' && architecture !== index.architecture) {
      add(place, `it is for ${architecture}, and stands in the index of ${index.architecture}`);
    } else if (path === undefined || entry.sha256 === '') add(place, 'the index has no file or no SHA-256 of it');
    else {
      const short = entry.descriptionMd5 !== '' && !entry.description.includes('\n');
      const control = readControl(index, entry, short, onBad);
      if (control === undefined) continue;
      const key = `${name} ${version} ${architecture}`;
      const here = `${index.component} ${name} ${architecture}`;
      versions.set(here, (versions.get(here) ?? new Set()).add(version));
      const before = binaries.get(key);
      const binary: ForeignBinary = {
        ...{
          name,
          version,
          architecture,
          source: entry.source,
          sourceVersion: entry.sourceVersion,
          control,
          short,
          path,
        },
        ...{ component: index.component, sha256: entry.sha256, size: entry.size },
        filename: keptPath(path) ?? `${poolDirectory(index.component, entry.source)}/${path.split('/').at(-1)!}`,
      };
      if (before === undefined) binaries.set(key, binary);
      else if (before.sha256 !== binary.sha256)
        add(place, `${key} stands in the indexes with other bytes too, as ${before.path}`);
      else if (before.component !== binary.component) add(place, `${key} stands in component ${before.component} too`);
    }
  }
}

/** What the archive says of the file, and not the package of itself. */
const ofTheFile = new Set(['filename', 'size', 'md5sum', 'sha1', 'sha256', 'sha512']);

function readControl(
  { bytes, file }: ReadIndex,
  { start, end }: { readonly start: number; readonly end: number },
  short: boolean,
  onBad: (error: SheafError) => void,
): string | undefined {
  try {
    const { fields } = parseStanza(textAt(bytes, start, end), file);
    const kept = fields.filter(({ name }) => {
      const lower = name.toLowerCase();
      return !ofTheFile.has(lower) && !(short && lower === 'description-md5');
    });
    return formatStanza(kept.map(({ name, value }) => [name, value]));
  } catch (error) {
    if (!(error instanceof SheafError)) throw error;
    onBad(error);
    return undefined;
  }
}

/** Old archives have bytes that are not UTF-8 in prose: read as Latin-1, as the readers of indexes do. */
function textAt(bytes: Uint8Array, start: number, end: number): string {
  const part = bytes.subarray(start, end);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(part);
  } catch {
    return new TextDecoder('latin1').decode(part);
  }
}

const ofTheFiles = new Set(['directory', 'files', 'checksums-sha1', 'checksums-sha256', 'checksums-sha512']);

function takeSources(index: ReadIndex, sources: Map<string, ForeignSource>, add: AddProblem): void {
  const onBad = (error: SheafError) => add(index.file, describeError(error));
  for (const entry of readSourcesIndex(index.bytes, index.file, { onBad })) {
    const { name, version, directory } = entry;
    const place = `${directory ?? ''}/${name}_${version}`;
    const files = orderFiles(entry);
    if (!isPackageName(name)) add(place, `"${name}" is not a package name`);
    else if (directory === undefined || files === undefined) {
      add(place, `source ${name} ${version}: the index has no directory, no single .dsc or no SHA-256 of a file`);
    } else {
      const stanza = readSourceStanza(index, entry, onBad);
      if (stanza === undefined) continue;
      const key = `${name} ${version}`;
      const before = sources.get(key);
      const source: ForeignSource = {
        ...{ name, version, component: index.component, stanza, files, oldDirectory: directory },
        directory: keptPath(directory) ?? poolDirectory(index.component, name),
      };
      if (before === undefined) sources.set(key, source);
      else if (JSON.stringify(before.files) !== JSON.stringify(files))
        add(place, `source ${key} stands in the indexes twice`);
      else if (before.component !== source.component)
        add(place, `source ${key} stands in component ${before.component} too`);
    }
  }
}

function orderFiles({ files }: IndexedSource): ImportedSource['files'] | undefined {
  const isDsc = (file: { readonly name: string }) => file.name.endsWith('.dsc');
  if (files.filter(isDsc).length !== 1 || files.some((file) => file.sha256 === '')) return undefined;
  return [...files.filter(isDsc), ...files.filter((file) => !isDsc(file))].map(({ name, size, ...file }) => ({
    name,
    sha256: file.sha256 as Sha256,
    size,
  }));
}

function readSourceStanza(
  { bytes, file }: ReadIndex,
  { start, end }: IndexedSource,
  onBad: (error: SheafError) => void,
): string | undefined {
  try {
    const stanza: Stanza = parseStanza(textAt(bytes, start, end), file);
    const kept = stanza.fields.filter(
      ({ name }) => !ofTheFiles.has(name.toLowerCase()) && name.toLowerCase() !== 'source',
    );
    return formatStanza(
      kept.map(({ name, value }) => [name.toLowerCase() === 'package' ? 'Source' : name, value] as const),
    );
  } catch (error) {
    if (!(error instanceof SheafError)) throw error;
    onBad(error);
    return undefined;
  }
}

/** Snapshots, exports and mirrors carry the pool and nothing beside it: other paths are not kept. */
function keptPath(path: string): string | undefined {
  const plain = path.replace(/^(?:\.\/)+/, '');
  const parts = plain.split('/');
  return parts[0] === 'pool' && parts.every((part) => /^[A-Za-z0-9_+~][A-Za-z0-9._+~:=@-]*$/.test(part))
    ? plain
    : undefined;
}

/** What we make ourselves, or do not have at all. */
function noteOthers(files: readonly ReleaseFile[], notes: string[]): void {
  const has = (pattern: RegExp) => files.some(({ path }) => pattern.test(path));
  if (has(/(?:^|\/)dep11\//)) notes.push('Left out: dep11, the metadata of AppStream.');
  if (has(/(?:^|\/)cnf\//)) notes.push('Left out: cnf, the metadata of command-not-found.');
  if (has(/(?:^|\/)i18n\/Translation-(?!en(?:\.|$))/)) notes.push('Left out: translations of descriptions.');
}

function bad(code: 'bad-release' | 'bad-index', suite: string, state: string): SheafError {
  return new SheafError(code, `Cannot import suite "${suite}": ${state}`);
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}
