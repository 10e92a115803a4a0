/** The results of a binary job: `.deb`s and the `.changes` that lists them. */
import { parseBuildinfo } from '../formats/deb/buildinfo.ts';
import { parseChanges, type Changes } from '../formats/deb/changes.ts';
import type { Deb } from '../formats/deb/deb.ts';
import { field } from '../formats/deb/deb822.ts';
import type { Suite } from '../model/distribution.ts';
import type { InputFile, JobSpec } from '../model/job.ts';
import { isPackageName, isVersion } from '../model/names.ts';
import { checkBlobs, checkNames, readPackage, readText, type CheckDeps } from './blob-check.ts';
import { componentOfSection } from './component.ts';
import { outsideComponents } from './check-source.ts';
import { debFileName, longestFileName, poolDirectory } from './layout.ts';
import { whyNotTaken, type Reasons } from './refusal.ts';

/** What the archive already knows about what was asked for. */
export type Expected = {
  readonly source: string;
  readonly version: string;
  /** The Binary field of the accepted `.dsc`: the names that this source may build; undefined when it is not here. */
  readonly binaries: readonly string[] | undefined;
  /** The job's architecture and what of it was asked for; undefined without a job. */
  readonly job: { readonly architecture: string; readonly builds: JobSpec['builds'] } | undefined;
};

export type CheckedBinary = {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: string;
  readonly sourceVersion: string;
  readonly component: string;
  readonly control: string;
  /** In the repository. */
  readonly filename: string;
  readonly file: InputFile;
};

const largestChanges = 2 ** 22;
const largestBuildinfo = 2 ** 24;

/** The source that a set of results says it was built from, read from its `.changes`. */
export async function readChanges(
  deps: Pick<CheckDeps, 'blobs' | 'kept'>,
  files: readonly InputFile[],
  reasons: Reasons,
): Promise<Changes | undefined> {
  checkNames(files, reasons);
  await checkBlobs(deps, files, reasons);
  const found = files.filter((file) => file.name.endsWith('.changes'));
  if (found.length !== 1) reasons.add(`The results of a build have one .changes: ${found.length} were given`);
  if (reasons.any) return undefined;
  const text = await readText(deps, found[0]!, largestChanges, reasons);
  return reasons.any ? undefined : reasons.read(() => parseChanges(text, found[0]!.name));
}

export async function checkBinaries(
  deps: CheckDeps,
  suite: Suite,
  files: readonly InputFile[],
  changes: Pick<Changes, 'source' | 'sourceVersion' | 'files'>,
  expected: Expected,
  component: string | undefined,
  reasons: Reasons,
): Promise<readonly CheckedBinary[]> {
  checkList(changes, files, reasons);
  checkOrigin(`The .changes`, changes.source, changes.sourceVersion, expected, reasons);
  const packages: CheckedBinary[] = [];
  // Bare files are called as whoever brings them likes: apt-get download writes an epoch as `4%3a`.
  const isListed = files.some((file) => file.name.endsWith('.changes'));
  for (const file of files) {
    if (file.name.endsWith('.changes')) continue;
    if (file.name.endsWith('.buildinfo')) {
      await checkBuildinfo(deps, file, expected, reasons);
    } else if (!file.name.endsWith('.deb')) {
      reasons.add(whyNotTaken(file.name, 'only .deb, .changes and .buildinfo files are taken from a build'));
    } else {
      const deb = await readPackage(deps, file, reasons);
      if (deb === undefined) continue;
      if (isListed) checkFileName(deb, file, reasons);
      packages.push(checkDeb(deb, file, suite, expected, component, reasons));
    }
  }
  reasons.require(packages.length > 0 || reasons.any, 'The results hold no .deb');
  return packages;
}

/** Both lists must be the same: a file that the .changes does not vouch for is nobody's. */
export function checkList(changes: Pick<Changes, 'files'>, files: readonly InputFile[], reasons: Reasons): void {
  const listed = new Map(changes.files.map((file) => [file.name, file]));
  const given = new Set(files.map((file) => file.name));
  for (const file of files) {
    if (file.name.endsWith('.changes')) continue;
    const other = listed.get(file.name);
    if (other === undefined) reasons.add(`${file.name}: the .changes does not list it`);
    else if (other.sha256 !== file.sha256 || other.size !== file.size) {
      reasons.add(`${file.name}: its size or SHA-256 is not that in the .changes`);
    }
  }
  for (const name of listed.keys()) {
    reasons.require(given.has(name), `${name}: the .changes lists it, but it was not given with that size and SHA-256`);
  }
}

async function checkBuildinfo(
  deps: Pick<CheckDeps, 'blobs' | 'kept'>,
  file: InputFile,
  expected: Expected,
  reasons: Reasons,
): Promise<void> {
  const text = await readText(deps, file, largestBuildinfo, reasons);
  if (text === '') return;
  const buildinfo = await reasons.read(() => parseBuildinfo(text, file.name));
  if (buildinfo === undefined) return;
  checkOrigin(file.name, buildinfo.source, buildinfo.sourceVersion, expected, reasons);
}

function checkDeb(
  deb: Deb,
  file: InputFile,
  suite: Suite,
  expected: Expected,
  component: string | undefined,
  reasons: Reasons,
): CheckedBinary {
  const { name, version, architecture } = deb;
  reasons.require(isPackageName(name), `${file.name}: "${name}" is not a package name`);
  reasons.require(isVersion(version), `${file.name}: "${version}" is not a version`);
  checkOrigin(file.name, deb.source, deb.sourceVersion, expected, reasons);
  checkName(deb, file, expected, reasons);
  checkArchitecture(deb, file, suite, expected, reasons);
  for (const wanted of ['Maintainer', 'Description']) {
    reasons.require(!!field(deb.stanza, wanted), `${file.name}: its control file has no ${wanted}`);
  }
  const fileName = debFileName(name, version, architecture);
  reasons.require(
    fileName.length <= longestFileName,
    `${file.name}: with its version it is called by ${fileName.length} characters, more than ${longestFileName}`,
  );
  const home = component ?? componentOfSection(field(deb.stanza, 'Section'));
  reasons.require(suite.components.includes(home), outsideComponents(file.name, home, suite));
  return {
    name,
    version,
    architecture,
    source: deb.source,
    sourceVersion: deb.sourceVersion,
    component: home,
    control: deb.control,
    filename: `${poolDirectory(home, deb.source)}/${fileName}`,
    file,
  };
}

function checkFileName({ name, version, architecture }: Deb, file: InputFile, reasons: Reasons): void {
  const canonical = debFileName(name, version, architecture);
  reasons.require(
    file.name === canonical,
    `${file.name}: ${name} ${version} for ${architecture} is called ${canonical}`,
  );
}

/** What came must be of the source that was asked for, or a build could replace any other package. */
function checkOrigin(what: string, source: string, version: string, expected: Expected, reasons: Reasons): void {
  reasons.require(
    source === expected.source && version === expected.version,
    `${what}: it is of source ${source} ${version}, asked for was ${expected.source} ${expected.version}`,
  );
}

/** Only what the source says it builds, and the debug symbols of it that debhelper adds by itself. */
function checkName(deb: Deb, file: InputFile, expected: Expected, reasons: Reasons): void {
  const symbols = field(deb.stanza, 'Auto-Built-Package') === 'debug-symbols' && deb.name.endsWith('-dbgsym');
  const name = symbols ? deb.name.slice(0, -'-dbgsym'.length) : deb.name;
  reasons.require(
    expected.binaries?.includes(name) ?? true,
    `${file.name}: source ${expected.source} ${expected.version} does not build a package "${name}"`,
  );
}

function checkArchitecture(deb: Deb, file: InputFile, suite: Suite, expected: Expected, reasons: Reasons): void {
  const isAll = deb.architecture === 'all';
  reasons.require(
    isAll || suite.architectures.some((architecture) => architecture === deb.architecture),
    `${file.name}: architecture ${deb.architecture} is not one of suite "${suite.name}" (${suite.architectures.join(', ')})`,
  );
  const { job } = expected;
  if (job === undefined) return;
  const asked = isAll
    ? job.builds.includes('all')
    : job.builds.includes('any') && deb.architecture === job.architecture;
  reasons.require(asked, `${file.name}: the job was to build ${job.builds} for ${job.architecture}`);
}
