/** Whether a result's files are exactly what the job asked for. Pure: the texts of control files are passed in. */
import { parseBuildinfo } from '../formats/deb/buildinfo.ts';
import { parseChangelog } from '../formats/deb/changelog.ts';
import { parseChanges } from '../formats/deb/changes.ts';
import { parseDsc } from '../formats/deb/dsc.ts';
import { isSafeFileName, type ListedFile } from '../formats/deb/files.ts';
import { withoutEpoch } from '../formats/deb/version.ts';
import { describeError } from '../kit/error.ts';
import type { BuildSpec, InputFile } from '../model/job.ts';

/** Files whose text `checkFiles` reads; each is bounded by `mostControlBytes`. */
export const isControlFile = (name: string): boolean => /\.(?:dsc|changes|buildinfo)$/.test(name);
export const mostControlBytes = 4 * 2 ** 20;

/** Every reason against the files, in sentences; none when they fit. `texts` holds the control files by name. */
export function checkFiles(spec: BuildSpec, files: readonly InputFile[], texts: ReadonlyMap<string, string>): string[] {
  const names = files.map(({ name }) => name);
  const unsafe = names.filter((name) => !isSafeFileName(name));
  if (unsafe.length > 0) return [`The name ${JSON.stringify(unsafe[0])} is not a plain file name`];
  if (new Set(names).size !== names.length) return ['A file is named twice'];
  try {
    return spec.kind === 'source' ? checkSource(spec, files, texts) : checkBinary(spec, files, texts);
  } catch (error) {
    return [describeError(error)];
  }
}

function checkSource(spec: BuildSpec, files: readonly InputFile[], texts: ReadonlyMap<string, string>): string[] {
  const name = `${spec.source}_${withoutEpoch(spec.version)}.dsc`;
  const rest = files.filter((file) => file.name !== name);
  if (rest.length === files.length) return [`${name} is missing`];
  const dsc = parseDsc(texts.get(name) ?? '', name);
  return [
    ...differences(name, 'Source', spec.source, dsc.source),
    ...differences(name, 'Version', spec.version, dsc.version),
    ...listDifferences(name, dsc.files, rest),
    // What came in by its name must go out unchanged: the upstream tarball.
    ...spec.inputs.flatMap((input) => {
      const out = rest.find((file) => file.name === input.name);
      return out !== undefined && out.sha256 !== input.sha256 ? [`${input.name} is not the file that went in`] : [];
    }),
  ];
}

function checkBinary(spec: BuildSpec, files: readonly InputFile[], texts: ReadonlyMap<string, string>): string[] {
  const changesFiles = files.filter(({ name }) => name.endsWith('.changes'));
  const buildinfoFiles = files.filter(({ name }) => name.endsWith('.buildinfo'));
  const [changesFile] = changesFiles;
  const [buildinfoFile] = buildinfoFiles;
  if (changesFile === undefined || changesFiles.length > 1)
    return [`There are ${changesFiles.length} .changes files, not one`];
  if (buildinfoFile === undefined || buildinfoFiles.length > 1) {
    return [`There are ${buildinfoFiles.length} .buildinfo files, not one`];
  }
  const packages = files.filter(({ name }) => /\.u?deb$/.test(name));
  // Also what dpkg-distaddfile(1) named, such as an image: whether it is taken is for the archive to say.
  const made = files.filter((file) => file !== changesFile && file !== buildinfoFile);
  const changes = parseChanges(texts.get(changesFile.name) ?? '', changesFile.name);
  const buildinfo = parseBuildinfo(texts.get(buildinfoFile.name) ?? '', buildinfoFile.name);
  return [
    ...(packages.length === 0 ? ['There is no package'] : []),
    ...packages.flatMap(({ name }) => checkPackageFile(spec, name)),
    ...differences(changesFile.name, 'Source', spec.source, changes.source),
    ...differences(changesFile.name, 'Version', binaryVersion(spec), changes.version),
    ...differences(changesFile.name, 'the source version', spec.version, changes.sourceVersion),
    ...changes.architectures
      .filter((architecture) => !architecturesOf(spec).includes(architecture))
      .map((architecture) => `${changesFile.name}: architecture ${architecture} was not asked for`),
    ...listDifferences(
      changesFile.name,
      changes.files,
      files.filter((file) => file !== changesFile),
    ),
    ...differences(buildinfoFile.name, 'Source', spec.source, buildinfo.source),
    ...differences(buildinfoFile.name, 'Version', binaryVersion(spec), buildinfo.version),
    ...differences(buildinfoFile.name, 'Build-Architecture', spec.architecture, buildinfo.buildArchitecture),
    ...listDifferences(buildinfoFile.name, buildinfo.files, made),
  ];
}

/** That of a binary-only upload is of its own entry of the changelog. */
function binaryVersion({ version, conditions }: BuildSpec): string {
  const entry = conditions?.changelogEntry;
  return entry === undefined ? version : parseChangelog(entry, 'changelog entry').version;
}

function architecturesOf(spec: BuildSpec): readonly string[] {
  switch (spec.builds) {
    case 'any':
      return [spec.architecture];
    case 'all':
      return ['all'];
    case 'any+all':
      return [spec.architecture, 'all'];
    case 'source':
      return [];
  }
}

/** Policy 3.9 and deb-name(7): `package_version_architecture.deb`. */
function checkPackageFile(spec: BuildSpec, name: string): string[] {
  const match = /^[a-z0-9][a-z0-9+.-]+_[^_]+_([a-z0-9-]+)\.u?deb$/.exec(name);
  if (match === null) return [`${name} is not named package_version_architecture.deb`];
  return architecturesOf(spec).includes(match[1]!) ? [] : [`${name}: architecture ${match[1]} was not asked for`];
}

function differences(file: string, what: string, expected: string, found: string): string[] {
  return expected === found
    ? []
    : [`${file}: ${what} is ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`];
}

/** `files` must be exactly those that `file` lists, with their sizes and hashes. */
function listDifferences(file: string, listed: readonly ListedFile[], files: readonly InputFile[]): string[] {
  const found = new Map(files.map((each) => [each.name, each]));
  const wanted = new Set(listed.map(({ name }) => name));
  return [
    ...listed.flatMap((each) => {
      const there = found.get(each.name);
      if (there === undefined) return [`${each.name} is missing, ${file} lists it`];
      const same = there.sha256 === each.sha256 && there.size === each.size;
      return same ? [] : [`${each.name} has another hash or size than ${file} says`];
    }),
    ...files.filter(({ name }) => !wanted.has(name)).map(({ name }) => `${name} is not listed by ${file}`),
  ];
}
