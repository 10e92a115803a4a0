/** What `sheaf rebuild run` is to rebuild: a name in a suite, a file, or a folder of files. */
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

import { findPublished, placesOf, type Original, type OriginalFile } from '../../../flows/rebuild-original.ts';
import { parseBuildinfo } from '../../../formats/deb/buildinfo.ts';
import { parseDsc } from '../../../formats/deb/dsc.ts';
import { isSafeFileName } from '../../../formats/deb/files.ts';
import { SheafError } from '../../../kit/error.ts';
import { formatSuiteRef } from '../../../model/index-history.ts';
import type { InputFile } from '../../../model/job.ts';
import { parseArchitecture, parsePackageName, parseVersion, type Architecture } from '../../../model/names.ts';
import type { Blobs } from '../../../plumbing/blobs.ts';
import { openDebFile } from '../../../plumbing/deb-file.ts';
import type { House } from '../../house.ts';

export type TargetDeps = {
  /** Undefined: without a distribution, only what is in files can be found. */
  readonly house: Pick<House, 'history' | 'distribution'> | undefined;
  readonly blobs: Blobs;
  readonly architecture: Architecture;
  /** A place that the package is looked up in. */
  readonly from: string | undefined;
};

export type Target = { readonly original: Original; readonly sources?: readonly InputFile[] | undefined };

/** Largest .dsc and .buildinfo. */
const largestText = 16 * 2 ** 20;

/** One for the installer too. */
const isPackage = (name: string): boolean => /\.u?deb$/.test(name);

/** Throws `no-target` and what reading the files and the history throws. */
export async function findTarget(deps: TargetDeps, word: string): Promise<Target> {
  const found = await stat(word).catch(() => undefined);
  if (found?.isDirectory() === true) return fromFolder(deps, resolve(word));
  if (word.endsWith('.dsc') && found !== undefined) return fromFolder(deps, dirname(resolve(word)), basename(word));
  if (isPackage(word) && found !== undefined) return fromDeb(deps, resolve(word));
  if (word.endsWith('.buildinfo') && found !== undefined) return fromBuildinfo(deps, resolve(word));
  if (found !== undefined && word.includes('/'))
    throw noTarget(word, 'it is neither a .deb, a .dsc, a .buildinfo nor a folder');
  if (/\.(?:u?deb|dsc|buildinfo)$/.test(word) || word.includes('/')) throw noTarget(word, 'there is no such file');
  return fromName(deps, word);
}

async function fromName(deps: TargetDeps, word: string): Promise<Target> {
  const [name = '', version] = word.split('=', 2);
  if (deps.house === undefined) throw noTarget(word, 'there is no distribution here to look it up in');
  const from = deps.from ?? onlySuite(deps.house);
  return { original: await findPublished(deps.house, { name, version, from }, deps.architecture) };
}

function onlySuite({ distribution }: NonNullable<TargetDeps['house']>): string {
  const [only, ...others] = [...distribution.suites.keys()];
  if (only !== undefined && others.length === 0) return only;
  throw new SheafError('usage', 'Cannot look the package up: it is not said where', {
    kind: 'usage',
    hint: `Name a suite by --from: ${[only, ...others].join(', ')}, or one of an upstream such as debian/bookworm.`,
  });
}

/** The package alone, or all that its source built where the history knows this very file. */
async function fromDeb(deps: TargetDeps, path: string): Promise<Target> {
  const deb = await openDebFile(path);
  await deb.close();
  const blob = await deps.blobs.put(createReadStream(path));
  const published = await publishedWith(deps, blob.sha256);
  if (published !== undefined) return { original: published, sources: await besides(deps, dirname(path), published) };
  const original: Original = {
    source: parsePackageName(deb.source),
    version: parseVersion(deb.sourceVersion),
    architecture: deb.architecture === 'all' ? deps.architecture : parseArchitecture(deb.architecture),
    place: undefined,
    files: [{ ...namesOf(deb), file: basename(path), ...blob }],
  };
  return { original, sources: await besides(deps, dirname(path), original) };
}

async function publishedWith({ house, from, architecture }: TargetDeps, sha256: InputFile['sha256']) {
  if (house === undefined) return undefined;
  const sightings = await placesOf(house.history, sha256);
  const found = sightings.find((each) => from === undefined || formatSuiteRef(each) === from.split('@')[0]);
  if (found === undefined) return undefined;
  const { source, sourceVersion } = found.entry;
  const place = `${formatSuiteRef(found)}@${found.since}`;
  return findPublished(house, { name: source, version: sourceVersion, from: place }, architecture);
}

async function fromBuildinfo(deps: TargetDeps, path: string): Promise<Target> {
  const text = await readText(path);
  const { source, version, sourceVersion, buildArchitecture, files } = parseBuildinfo(text, path);
  const listed = files.filter(({ name }) => isPackage(name) && isSafeFileName(name));
  if (listed.length === 0) throw noTarget(path, 'it lists no .deb');
  await bringBesides(deps, dirname(path), listed);
  const originals: OriginalFile[] = [];
  for (const { name, sha256, size } of listed) {
    originals.push({ ...(await namesOfListed(deps, { name, sha256 }, version)), file: name, sha256, size });
  }
  const original: Original = {
    source: parsePackageName(source),
    version: parseVersion(sourceVersion),
    architecture: parseArchitecture(buildArchitecture),
    place: await placeOf(deps, originals),
    files: originals,
    buildinfo: { name: basename(path), text },
  };
  return { original, sources: await besides(deps, dirname(path), original) };
}

/** As the package itself has them, or an index; else by the name of its file, which leaves the epoch out. */
async function namesOfListed(
  { blobs, house }: TargetDeps,
  { name: file, sha256 }: { readonly name: string; readonly sha256: InputFile['sha256'] },
  built: string,
) {
  if ((await blobs.info(sha256)) !== undefined) {
    const deb = await openDebFile(await blobs.bring(sha256));
    await deb.close();
    return namesOf(deb);
  }
  const [known] = house === undefined ? [] : await placesOf(house.history, sha256);
  if (known !== undefined) return namesOf(known.entry);
  const [name = '', version = '', rest = ''] = file.split('_');
  const isBuilt = version === built.replace(/^\d+:/, '');
  return namesOf({ name, version: isBuilt ? built : version, architecture: rest.replace(/\.u?deb$/, '') });
}

async function placeOf({ house }: TargetDeps, files: readonly OriginalFile[]): Promise<Original['place']> {
  if (house === undefined) return undefined;
  for (const { sha256 } of files) {
    const [found] = await placesOf(house.history, sha256);
    if (found !== undefined) return { origin: found.origin, suite: found.suite };
  }
  return undefined;
}

/** One source package, the only one or the one that is named, and what was built from it. */
async function fromFolder(deps: TargetDeps, folder: string, named?: string): Promise<Target> {
  const names = (await readdir(folder)).toSorted();
  const [only, ...others] = names.filter((name) => name.endsWith('.dsc') && (named === undefined || name === named));
  if (only === undefined) throw noTarget(folder, 'it has no .dsc');
  if (others.length > 0) {
    throw noTarget(
      folder,
      `it has ${others.length + 1} .dsc files`,
      `Name one of them, such as ${join(folder, only)}.`,
    );
  }
  const dsc = parseDsc(await readText(join(folder, only)), only);
  const files: OriginalFile[] = [];
  for (const name of names.filter(isPackage)) {
    const path = join(folder, name);
    const deb = await openDebFile(path);
    await deb.close();
    const isOf = deb.source === dsc.source && deb.sourceVersion === dsc.version;
    const isFor = deb.architecture === 'all' || deb.architecture === deps.architecture;
    if (isOf && isFor) files.push({ ...namesOf(deb), file: name, ...(await deps.blobs.put(createReadStream(path))) });
  }
  if (files.length === 0)
    throw noTarget(folder, `no .deb in it is of ${dsc.source} ${dsc.version} for ${deps.architecture}`);
  const original: Original = {
    ...{ source: parsePackageName(dsc.source), version: parseVersion(dsc.version), architecture: deps.architecture },
    ...{ place: undefined, files, buildinfo: await recordIn(folder, names, dsc) },
  };
  return { original, sources: await besides(deps, folder, original) };
}

/** The .buildinfo of this source package, when there is one and not several. */
async function recordIn(folder: string, names: readonly string[], dsc: { source: string; version: string }) {
  const found: NonNullable<Original['buildinfo']>[] = [];
  for (const name of names.filter((each) => each.endsWith('.buildinfo'))) {
    const text = await readText(join(folder, name));
    const { source, sourceVersion, architectures } = parseBuildinfo(text, name);
    const isBinary = architectures.some((each) => each !== 'source');
    if (source === dsc.source && sourceVersion === dsc.version && isBinary) found.push({ name, text });
  }
  return found.length === 1 ? found[0] : undefined;
}

/** The source package beside a file, whole and as its .dsc has it; undefined when it is not there. */
async function besides({ blobs }: TargetDeps, folder: string, { source, version }: Original) {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.dsc') || !name.startsWith(`${source}_`)) continue;
    const path = join(folder, name);
    const dsc = parseDsc(await readText(path), name);
    if (dsc.source !== source || dsc.version !== version) continue;
    const files: InputFile[] = [{ name, ...(await blobs.put(createReadStream(path))) }];
    for (const { name: part, sha256, size } of dsc.files) {
      const beside = join(folder, part);
      if (!isSafeFileName(part) || !(await isFile(beside))) return undefined;
      const listed = { expect: sha256, limit: size, name: `${beside}, which ${name} lists` };
      files.push({ name: part, ...(await blobs.put(createReadStream(beside), listed)) });
    }
    return files;
  }
  return undefined;
}

/** For a look into them. */
async function bringBesides(
  { blobs }: TargetDeps,
  folder: string,
  files: readonly { readonly name: string; readonly sha256: InputFile['sha256']; readonly size: number }[],
): Promise<void> {
  for (const { name, sha256, size } of files) {
    const path = join(folder, name);
    const listed = { expect: sha256, limit: size, name: `${path}, which the .buildinfo lists` };
    if (await isFile(path)) await blobs.put(createReadStream(path), listed);
  }
}

function namesOf({ name, version, architecture }: { name: string; version: string; architecture: string }) {
  return {
    name: parsePackageName(name),
    version: parseVersion(version),
    architecture: parseArchitecture(architecture),
  };
}

async function readText(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > largestText) throw noTarget(path, 'it is larger than 16 MiB');
  return readFile(path, 'utf8');
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

const anyTarget =
  'Name a package and a place (hello --from debian/bookworm), a .deb, a .dsc or .buildinfo with .debs beside it, or a folder of .debs with their .dsc.';

function noTarget(word: string, state: string, hint = anyTarget): SheafError {
  return new SheafError('no-target', `Cannot rebuild ${word}: ${state}`, { kind: 'usage', hint });
}
