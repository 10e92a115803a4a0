/**
 * An archive that somebody else made becomes a part of ours: its files become blobs, each checked against the indexes; then
 * all packages of a suite enter in one transaction, and the suite is published. What was done before is passed over, so
 * that a run that was broken off is simply made again.
 */
import {
  acceptImported,
  findImported,
  importConflicts,
  publishSuite,
  suiteContent,
  type ArchiveDeps,
  type ImportedBinary,
  type ImportedPackages,
  type ImportedSource,
} from '../archive/mod.ts';
import { field, formatStanza, parseStanza } from '../formats/deb/deb822.ts';
import type { Deb } from '../formats/deb/deb.ts';
import { parseDsc } from '../formats/deb/dsc.ts';
import type { Sha256 } from '../kit/digest.ts';
import { describeError, SheafError } from '../kit/error.ts';
import type { Label, SuiteName } from '../model/names.ts';
import type { ForeignTree } from '../plumbing/foreign-archive/tree.ts';
import type { ForeignBinary, ForeignSource, ForeignSuite, ImportProblem } from './import-archive-suite.ts';

export type BringDeps = {
  readonly archive: Pick<ArchiveDeps, 'db' | 'blobs'>;
  readonly tree: ForeignTree;
  /** The control part of a `.deb` that is a blob. */
  readonly readControl: (
    digest: Sha256,
    file: string,
  ) => Promise<Pick<Deb, 'name' | 'version' | 'architecture' | 'stanza'>>;
  readonly signal: AbortSignal;
  /** How many bytes of how many are done. */
  readonly onProgress: (text: string, done: number, total: number) => void;
};

/** A suite's packages that nothing stands against, ready to be accepted. */
export type BroughtSuite = { readonly suite: ForeignSuite; readonly packages: ImportedPackages };

type Package = { readonly suite: ForeignSuite } & (
  | { readonly binary: ForeignBinary; readonly source?: never }
  | { readonly source: ForeignSource; readonly binary?: never }
);

const atOnce = 8;
const largestDsc = 2 ** 20;

/**
 * What stands against packages without reading their files: a file that is missing or of another size, a name that means
 * other bytes in the repository already.
 */
export async function checkPackages(
  { archive, tree }: Pick<BringDeps, 'archive' | 'tree'>,
  repository: Label,
  suites: readonly ForeignSuite[],
  problems: ImportProblem[],
): Promise<ReadonlyMap<ForeignSuite, ReadonlySet<ImportedSource | ImportedBinary>>> {
  const broken = new Map<ForeignSuite, Set<ImportedSource | ImportedBinary>>();
  const places = new Map<string, string>();
  const packages = new Map<string, Package>();
  for (const suite of suites) {
    const bad = new Set<ImportedSource | ImportedBinary>();
    broken.set(suite, bad);
    const known = await findImported(archive.db, repository, suite);
    const add = (subject: ImportedSource | ImportedBinary, file: string, message: string) => {
      bad.add(subject);
      problems.push({ suite: suite.name, file, message });
    };
    for (const each of packagesOf(suite)) {
      const subject = each.binary ?? each.source;
      const other = packages.get(nameOf(subject)) ?? each;
      packages.set(nameOf(subject), other);
      const difference = compareSuites(other, each);
      if (difference !== undefined) add(subject, filesOf(each)[0]!.path, difference);
      for (const { path, to, sha256, size } of filesOf(each)) {
        const other = places.get(to) ?? sha256;
        places.set(to, other);
        if (other !== sha256) add(subject, path, `the archive has other bytes for ${to} too`);
        const here = await readSize(tree, path);
        const isHere = known.has(subject) || (await archive.blobs.info(sha256))?.size === size;
        if (typeof here === 'string') add(subject, path, here);
        else if (here === undefined && !isHere) add(subject, path, 'the index names it, but it is not there');
        else if (here !== undefined && here !== size) {
          add(subject, path, `it has ${here} bytes, ${size} by the index`);
        }
      }
    }
    for (const { subject, message } of await importConflicts(archive.db, repository, suite)) {
      if (bad.has(subject)) continue;
      add(subject, 'path' in subject ? String(subject.path) : subject.name, message);
    }
  }
  return broken;
}

/**
 * Makes every file a blob and looks into it. Files that turn out to be others than the indexes say are added to the
 * problems; their packages are not in what comes back, nor are those of `broken`.
 */
export async function bringPackages(
  deps: BringDeps,
  repository: Label,
  suites: readonly ForeignSuite[],
  broken: ReadonlyMap<ForeignSuite, ReadonlySet<ImportedSource | ImportedBinary>>,
  problems: ImportProblem[],
): Promise<readonly BroughtSuite[]> {
  const all = suites.flatMap((suite) =>
    packagesOf(suite).filter((each) => !broken.get(suite)!.has(each.binary ?? each.source)),
  );
  const total = all.reduce((sum, each) => sum + filesOf(each).reduce((bytes, { size }) => bytes + size, 0), 0);
  const known = new Map<ForeignSuite, ReadonlySet<ImportedSource | ImportedBinary>>();
  for (const suite of suites) known.set(suite, await findImported(deps.archive.db, repository, suite));
  const taken = new Map<ForeignSuite, { sources: ImportedSource[]; binaries: ImportedBinary[] }>(
    suites.map((suite) => [suite, { sources: [], binaries: [] }]),
  );
  const controls = new Map<string, string>();
  const queue = all.values();
  let done = 0;
  const work = async () => {
    for (const each of queue) {
      if (deps.signal.aborted) {
        throw new SheafError('interrupted', 'Cannot finish the import: it was stopped', {
          hint: 'The same command again goes on where this one was.',
        });
      }
      const { suite } = each;
      try {
        const isKnown = known.get(suite)!.has(each.binary ?? each.source);
        if (each.binary !== undefined)
          taken.get(suite)!.binaries.push(await bringBinary(deps, each.binary, isKnown, controls));
        else taken.get(suite)!.sources.push(await bringSource(deps, each.source, isKnown));
      } catch (error) {
        if (!(error instanceof SheafError) || error.kind === 'environment') throw error;
        problems.push({ suite: suite.name, file: filesOf(each)[0]!.path, message: describeError(error) });
      }
      done += filesOf(each).reduce((bytes, { size }) => bytes + size, 0);
      deps.onProgress('Bringing packages', done, total);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return suites.map((suite) => ({ suite, packages: taken.get(suite)! }));
}

async function bringBinary(
  deps: BringDeps,
  { path, short, ...binary }: ForeignBinary,
  known: boolean,
  controls: Map<string, string>,
): Promise<ImportedBinary> {
  const digest = binary.sha256 as Sha256;
  if (!(await bringFile(deps, path, digest, binary.size)) && known) return binary;
  const before = controls.get(`${digest} ${binary.control}`);
  if (before !== undefined) return { ...binary, control: before };
  const deb = await deps.readControl(digest, path);
  for (const name of ['name', 'version', 'architecture'] as const) {
    if (deb[name] === binary[name]) continue;
    throw new SheafError('import-differs', `the index says ${name} ${binary[name]}, the package itself ${deb[name]}`);
  }
  const control = short ? withDescription(binary.control, field(deb.stanza, 'Description')) : binary.control;
  controls.set(`${digest} ${binary.control}`, control);
  return { ...binary, control };
}

/** Where the index has only a description's first line, the package has all of it. */
function withDescription(control: string, description: string | undefined): string {
  const { fields } = parseStanza(control);
  const others = fields.filter(({ name }) => name.toLowerCase() !== 'description');
  const own = description === undefined ? [] : [['Description', description] as const];
  return formatStanza([...others.map(({ name, value }) => [name, value] as const), ...own]);
}

async function bringSource(
  deps: BringDeps,
  { oldDirectory, ...source }: ForeignSource,
  known: boolean,
): Promise<ImportedSource> {
  let isNew = false;
  for (const { name, sha256, size } of source.files) {
    isNew = (await bringFile(deps, join(oldDirectory, name), sha256, size)) || isNew;
  }
  if (known && !isNew) return source;
  const [description, ...others] = source.files;
  if (description!.size > largestDsc)
    throw new SheafError('import-differs', `the .dsc is larger than ${largestDsc} bytes`);
  const text = new TextDecoder().decode(await deps.archive.blobs.read(description!.sha256));
  const dsc = parseDsc(text, description!.name);
  if (dsc.source !== source.name || dsc.version !== source.version) {
    const state = `the index says ${source.name} ${source.version}, the .dsc itself ${dsc.source} ${dsc.version}`;
    throw new SheafError('import-differs', state);
  }
  const listed = new Map(others.map((file) => [file.name, file.sha256 as string]));
  const other = dsc.files.find((file) => listed.get(file.name) !== file.sha256);
  if (other === undefined && dsc.files.length === others.length) return source;
  throw new SheafError(
    'import-differs',
    `the index and the .dsc name other files${other === undefined ? '' : `: ${other.name}`}`,
  );
}

/** Whether it was not here. Throws `blob-mismatch`, `blob-too-large`, `foreign-file`. */
async function bringFile(
  { archive: { blobs }, tree }: BringDeps,
  path: string,
  digest: Sha256,
  size: number,
): Promise<boolean> {
  if ((await blobs.info(digest))?.size === size) return false;
  await blobs.put(tree.stream(path), { expect: digest, limit: size });
  return true;
}

export type ImportedSuite = {
  readonly suite: SuiteName;
  /** Below dists/ of the old archive. */
  readonly from: string;
  readonly packages: number;
  readonly sources: number;
  /** Of these, how many the suite never had before. */
  readonly added: number;
  readonly number: number;
  /** In the old indexes and not in ours: of several versions the lower ones, or what its source no longer builds. */
  readonly superseded: readonly string[];
  /** Sources of which no binary package is there: they wait for one. */
  readonly waiting: readonly string[];
  /** In the suite here and not in the old one: somebody removed them there, or they came from elsewhere. */
  readonly others: readonly string[];
};

/** Throws `import-refused`, and what `publishSuite` does. */
export async function takeSuite(
  archive: ArchiveDeps,
  { suite: foreign, packages }: BroughtSuite,
  { name, by, from }: { readonly name: SuiteName; readonly by: string; readonly from: string },
  now: Date,
): Promise<ImportedSuite> {
  const answer = await acceptImported(archive, { ...packages, suite: name, by, from }, now);
  if (answer.kind === 'refused') {
    throw new SheafError(
      'import-refused',
      `Cannot import into suite "${name}": ${answer.reasons.slice(0, 20).join('; ')}`,
    );
  }
  const { number } = await publishSuite(archive, name, now);
  const content = await suiteContent(archive.db, name);
  const shown = (kind: 'PUBLISHED' | 'PENDING') => ({
    binaries: new Set(content.binaries.filter((each) => each.state === kind).map(nameOf)),
    sources: new Set(content.sources.filter((each) => each.state === kind).map(nameOf)),
  });
  const published = shown('PUBLISHED');
  const pending = shown('PENDING');
  const old = new Set(packages.binaries.map(nameOf));
  const waiting = packages.sources.map(nameOf).filter((each) => pending.sources.has(each));
  return {
    suite: name,
    from: foreign.name,
    packages: packages.binaries.length,
    sources: packages.sources.length,
    added: answer.sources + answer.binaries,
    number,
    superseded: [...old].filter((each) => !published.binaries.has(each)).toSorted(),
    waiting: waiting.toSorted(),
    others: [...published.binaries].filter((each) => !old.has(each)).toSorted(),
  };
}

function nameOf({ name, version, architecture }: { name: string; version: string; architecture?: string }): string {
  return architecture === undefined ? `${name} ${version}` : `${name} ${version} ${architecture}`;
}

function packagesOf(suite: ForeignSuite): Package[] {
  return [
    ...suite.sources.map((source): Package => ({ suite, source })),
    ...suite.binaries.map((binary): Package => ({ suite, binary })),
  ];
}

/** A version means one package in all suites of a repository. */
function compareSuites(one: Package, other: Package): string | undefined {
  const [a, b] = [one.binary ?? one.source, other.binary ?? other.source];
  const name = nameOf(b);
  const hashes = (each: Package) => JSON.stringify(filesOf(each).map(({ sha256 }) => sha256));
  if (hashes(one) !== hashes(other)) return `${name} is in suite "${one.suite.name}" with other bytes`;
  if (a.component === b.component) return undefined;
  return `${name} is in component ${b.component}, and in ${a.component} of suite "${one.suite.name}": import one of the suites into another repository`;
}

/** Where a package's files are in the old archive, and where they will be. */
function filesOf({ binary, source }: Package) {
  if (binary !== undefined) {
    return [{ path: binary.path, to: binary.filename, sha256: binary.sha256 as Sha256, size: binary.size }];
  }
  return source.files.map(({ name, sha256, size }) => ({
    path: join(source.oldDirectory, name),
    to: `${source.directory}/${name}`,
    sha256,
    size,
  }));
}

function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

/** A sentence for what cannot be read at all. */
async function readSize(tree: ForeignTree, path: string): Promise<number | string | undefined> {
  try {
    return await tree.size(path);
  } catch (error) {
    if (!(error instanceof SheafError)) throw error;
    return describeError(error);
  }
}
