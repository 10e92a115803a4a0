/** What a person's upload says of itself, and what it must not do to packages that are there already. */
import { parseChanges, type Changes } from '../formats/deb/changes.ts';
import { parseDsc } from '../formats/deb/dsc.ts';
import { compareVersions } from '../formats/deb/version.ts';
import type { Suite } from '../model/distribution.ts';
import type { InputFile } from '../model/job.ts';
import { checkBlobs, checkNames, readBytes, readPackage, readText, type CheckDeps } from './blob-check.ts';
import { checkList } from './check-binaries.ts';
import { poolDirectory } from './layout.ts';
import type { ArchiveDeps } from './ports.ts';
import type { Reasons } from './refusal.ts';
import { findPoolFiles, type Db } from './store.ts';
import { liveBinariesOf, liveSourcesOf, type LiveBinary } from './store-upload.ts';

type Deps = CheckDeps & Pick<ArchiveDeps, 'db'>;

export type UploadFacts = Pick<Changes, 'source' | 'version' | 'sourceVersion' | 'binaries' | 'files'>;

const largestText = 2 ** 22;

/**
 * What the upload is of: by its `.changes`, or, of bare files, by the `.dsc` or the first `.deb`. Undefined when it
 * cannot be known.
 */
export async function readUpload(
  deps: Deps,
  files: readonly InputFile[],
  reasons: Reasons,
): Promise<UploadFacts | undefined> {
  checkNames(files, reasons);
  await checkBlobs(deps, files, reasons);
  if (reasons.any) return undefined;
  const ending = (end: string) => files.filter((file) => file.name.endsWith(end));
  const listed = ending('.changes');
  if (listed.length > 1) reasons.add(`An upload has one .changes: ${listed.length} were given`);
  if (ending('.dsc').length > 1) reasons.add(`An upload has one .dsc: ${ending('.dsc').length} were given`);
  if (reasons.any) return undefined;
  if (listed[0] !== undefined) {
    const [file] = listed;
    const text = await readText(deps, file, largestText, reasons);
    const changes = text === '' ? undefined : await reasons.read(() => parseChanges(text, file.name));
    if (changes !== undefined) {
      checkList(changes, files, reasons);
      checkFields(changes, reasons);
    }
    return changes;
  }
  const bare = { files, binaries: [] };
  const [dsc] = ending('.dsc');
  if (dsc !== undefined) {
    const text = await readText(deps, dsc, largestText, reasons);
    const read = text === '' ? undefined : await reasons.read(() => parseDsc(text, dsc.name));
    if (read === undefined) return undefined;
    const { source, version } = read;
    return { ...bare, files: withoutColumns(files), source, version, sourceVersion: version };
  }
  const [first] = ending('.deb');
  if (first === undefined) {
    reasons.add('An upload is a .changes with its files, a .dsc with its files, or .deb files: none was given');
    return undefined;
  }
  const deb = await readPackage(deps, first, reasons);
  if (deb === undefined) return undefined;
  const { source, version, sourceVersion } = deb;
  return { ...bare, files: withoutColumns(files), source, version, sourceVersion };
}

/** What its fields say of the packages in it, whose names are compared with the packages themselves later. */
function checkFields({ architectures, binaries, files }: Changes, reasons: Reasons): void {
  const listed = [...binaries, ...binaries.map((each) => `${each}-dbgsym`)];
  for (const { name: file } of files) {
    const [, name, architecture] = /^([^_]+)_[^_]+_([^_]+)\.deb$/.exec(file) ?? [];
    if (name === undefined) continue;
    reasons.require(
      binaries.length === 0 || listed.includes(name),
      `${file}: the field "Binary" of the .changes does not name ${name}`,
    );
    reasons.require(
      architectures.includes(architecture!),
      `${file}: the field "Architecture" of the .changes does not name ${architecture}`,
    );
  }
}

function withoutColumns(files: readonly InputFile[]): Changes['files'] {
  return files.map((file) => ({ ...file, section: '-', priority: '-' }));
}

/**
 * Files that the `.dsc` names and the upload leaves out because the repository has them: the upstream tarball of an
 * earlier revision, mostly.
 */
export async function findInPool(
  deps: Deps,
  suite: Suite,
  files: readonly InputFile[],
  component: string | undefined,
): Promise<InputFile[]> {
  const description = files.find((file) => file.name.endsWith('.dsc'));
  if (description === undefined || description.size > largestText) return [];
  const text = new TextDecoder().decode(await readBytes(deps, description));
  let dsc;
  try {
    dsc = parseDsc(text, description.name);
  } catch {
    // What is wrong with it is said by those who check it.
    return [];
  }
  const given = new Set(files.map((file) => file.name));
  const missing = dsc.files.filter((file) => !given.has(file.name));
  return keepPooled(deps.db, suite, dsc.source, missing, component);
}

/** Those of a source's files that the pool of the suite's repository has, with the same bytes. */
export async function keepPooled(
  db: Db,
  suite: Suite,
  source: string,
  files: readonly InputFile[],
  component?: string,
): Promise<InputFile[]> {
  const components = component === undefined ? suite.components : [component];
  const paths = components.flatMap((each) => files.map((file) => `${poolDirectory(each, source)}/${file.name}`));
  const known = await findPoolFiles(db, suite.repository, paths);
  return files.filter((file) =>
    known.some(
      ({ path, sha256, size }) =>
        path.endsWith(`/${file.name}`) && sha256 === file.sha256 && Number(size) === file.size,
    ),
  );
}

/** A binary package that is to come into a suite; `label` is what its reasons begin with. */
export type Comer = {
  readonly label: string;
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: string;
};

/** What is in a suite or waits to be. */
type Live = {
  readonly sources: readonly { readonly version: string }[];
  readonly binaries: readonly LiveBinary[];
};

/** As `refuseLower`, by what the suite has now. */
export async function checkVersions(
  db: Db,
  suite: Suite,
  source: { readonly source: string; readonly version: string } | undefined,
  binaries: readonly Comer[],
  reasons: Reasons,
): Promise<void> {
  const live = {
    sources: await liveSourcesOf(db, suite.name, source === undefined ? [] : [source.source]),
    binaries: await liveBinariesOf(db, suite.name, [...new Set(binaries.map((binary) => binary.name))]),
  };
  refuseLower(live, suite, source, binaries, reasons);
}

/**
 * Never backwards: clients would keep what they have, and nobody would see why; in a suite of all versions they can ask
 * for the lower one. And nobody takes another's name.
 */
export function refuseLower(
  live: Live,
  suite: Suite,
  source: { readonly source: string; readonly version: string } | undefined,
  binaries: readonly Comer[],
  reasons: Reasons,
): void {
  const has = `suite "${suite.name}" has the higher version`;
  const mayBeLower = suite.versions === 'all';
  if (source !== undefined && !mayBeLower) {
    const higher = live.sources.find((each) => compareVersions(each.version, source.version) > 0);
    if (higher !== undefined) reasons.add(`Source ${source.source} ${source.version}: ${has} ${higher.version}`);
  }
  const names = [...new Set(binaries.map((binary) => binary.name))];
  for (const binary of mayBeLower ? [] : binaries) {
    const same = live.binaries.filter((each) => each.name === binary.name && each.architecture === binary.architecture);
    const higher = same.find((each) => compareVersions(each.version, binary.version) > 0);
    if (higher !== undefined) reasons.add(`${binary.label}: ${has} ${higher.version}`);
  }
  for (const name of names) {
    const { source: own } = binaries.find((binary) => binary.name === name)!;
    const other = live.binaries.find((each) => each.name === name && each.source !== own);
    if (other === undefined) continue;
    reasons.add(
      `${name}: in suite "${suite.name}" source ${other.source} builds this package, not ${own}; remove it there first`,
    );
  }
}
