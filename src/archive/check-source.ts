/** A source package as it arrives: its `.dsc` and the files that it names, and nothing else. */
import { parseDsc, type Dsc } from '../formats/deb/dsc.ts';
import { field } from '../formats/deb/deb822.ts';
import { withoutEpoch, withoutRevision } from '../formats/deb/version.ts';
import type { Suite } from '../model/distribution.ts';
import type { InputFile } from '../model/job.ts';
import { isPackageName, isVersion } from '../model/names.ts';
import { checkBlobs, checkNames, readText, type CheckDeps } from './blob-check.ts';
import { componentOfSection } from './component.ts';
import { dscFileName, longestFileName } from './layout.ts';
import { whyNotTaken, type Reasons } from './refusal.ts';

export type CheckedSource = {
  readonly dsc: Dsc;
  readonly component: string;
  /** The `.dsc` first. */
  readonly files: readonly InputFile[];
};

const largestDsc = 2 ** 20;

/** Undefined when there are reasons against it. */
export async function checkSource(
  deps: Pick<CheckDeps, 'blobs' | 'kept'>,
  suite: Suite,
  files: readonly InputFile[],
  component: string | undefined,
  reasons: Reasons,
): Promise<CheckedSource | undefined> {
  checkNames(files, reasons);
  const descriptions = files.filter((file) => file.name.endsWith('.dsc'));
  const [description] = descriptions;
  if (description === undefined || descriptions.length > 1) {
    reasons.add(`A source package has one .dsc: ${descriptions.length} were given`);
    return undefined;
  }
  await checkBlobs(deps, files, reasons);
  if (reasons.any) return undefined;
  const text = await readText(deps, description, largestDsc, reasons);
  const dsc = await reasons.read(() => parseDsc(text, description.name));
  if (dsc === undefined) return undefined;
  checkDsc(dsc, description.name, reasons);
  const named = checkFiles(dsc, files, reasons);
  const home = component ?? componentOfSource(dsc);
  reasons.require(suite.components.includes(home), outsideComponents(dsc.source, home, suite));
  for (const { name } of [description, ...named]) {
    const long = `${name}: it is called by ${name.length} characters, more than ${longestFileName}`;
    reasons.require(name.length <= longestFileName, long);
  }
  return reasons.any ? undefined : { dsc, component: home, files: [description, ...named] };
}

export function outsideComponents(name: string, component: string, suite: Suite): string {
  return `${name}: its component "${component}" is not one of suite "${suite.name}" (${suite.components.join(', ')})`;
}

function checkDsc(dsc: Dsc, name: string, reasons: Reasons): void {
  reasons.require(isPackageName(dsc.source), `${name}: "${dsc.source}" is not a package name`);
  reasons.require(isVersion(dsc.version), `${name}: "${dsc.version}" is not a version`);
  const expected = dscFileName(dsc.source, dsc.version);
  reasons.require(name === expected, `${name}: a .dsc of ${dsc.source} ${dsc.version} is called ${expected}`);
}

function checkFiles(dsc: Dsc, files: readonly InputFile[], reasons: Reasons): InputFile[] {
  const given = new Map(files.map((file) => [file.name, file]));
  const wanted = new Set(dsc.files.map((file) => file.name));
  for (const file of files) {
    reasons.require(
      wanted.has(file.name) || /\.(?:dsc|changes|buildinfo)$/.test(file.name),
      whyNotTaken(file.name, 'the .dsc does not name it'),
    );
  }
  return dsc.files.flatMap((listed) => {
    const file = given.get(listed.name);
    reasons.require(
      isSourceFileName(listed.name, dsc),
      `${listed.name}: not the name of a part of ${dsc.source} ${dsc.version}`,
    );
    if (file === undefined) {
      reasons.add(`${listed.name}: the .dsc names it, but it was not given`);
      return [];
    }
    const same = file.sha256 === listed.sha256 && file.size === listed.size;
    reasons.require(same, `${listed.name}: its size or SHA-256 is not that in the .dsc`);
    return [file];
  });
}

/** dsc(5) and dpkg-source(1), "Source package formats": the names of tarballs and diffs. */
function isSourceFileName(name: string, dsc: Dsc): boolean {
  const version = withoutEpoch(dsc.version);
  const upstream = withoutRevision(dsc.version);
  const own = `${dsc.source}_${version}`;
  const original = `${dsc.source}_${upstream}.orig`;
  if (
    name.startsWith(own) &&
    /^(?:\.debian)?\.tar\.(?:gz|bz2|lzma|xz|zst)$|^\.diff\.gz$/.test(name.slice(own.length))
  ) {
    return true;
  }
  return (
    name.startsWith(original) &&
    /^(?:-[A-Za-z0-9-]+)?\.tar\.(?:gz|bz2|lzma|xz|zst)(?:\.asc)?$/.test(name.slice(original.length))
  );
}

/** A `.dsc` has no Section; its Package-List has one for each binary: `name type section priority`. */
function componentOfSource(dsc: Dsc): string {
  const [first] = (field(dsc.stanza, 'Package-List') ?? '').split('\n').filter((line) => line.trim() !== '');
  return componentOfSection(first?.trim().split(/\s+/)[2]);
}
