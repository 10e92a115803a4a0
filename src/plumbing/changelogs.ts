/** Changelogs out of packages that are here: from the packaging of a source package, or the documentation of a `.deb`. */
import { parseDsc } from '../formats/deb/dsc.ts';
import type { ListedFile } from '../formats/deb/files.ts';
import { isSha256, type Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { Blobs } from './blobs.ts';
import { openDebData } from './changelogs/deb-data.ts';
import { searchTar } from './changelogs/tar-search.ts';
import { gunzip } from './compression.ts';
import { decompressStream } from './decompress.ts';

type Found = { readonly state: 'found'; readonly text: string };
type Answer = Found | { readonly state: 'absent' | 'none' };
type Question = { readonly kind: 'binary' | 'source'; readonly name: string; readonly sha256: string };

/** Most bytes of a changelog, and of the archive that it is looked for in. */
const largestChangelog = 32 * 2 ** 20;
const largestArchive = 4 * 2 ** 30;

/**
 * `absent`: the package's files are not kept here. `none`: they are, and hold no changelog that can be read (some
 * packages share another's).
 */
export function changelogReader(blobs: Pick<Blobs, 'info' | 'bring' | 'read' | 'stream'>) {
  return async ({ kind, name, sha256 }: Question): Promise<Answer> => {
    if (!isSha256(sha256) || (await blobs.info(sha256)) === undefined) return { state: 'absent' };
    try {
      return kind === 'source' ? await readSource(blobs, sha256) : await readBinary(blobs, sha256, name);
    } catch (error) {
      if (error instanceof SheafError) return { state: 'none' };
      throw error;
    }
  };
}

type Reader = Parameters<typeof changelogReader>[0];

/** The packaging: a tarball of its own, a patch (format 1.0), or the whole of a native package. */
async function readSource(blobs: Reader, dsc: Sha256): Promise<Answer> {
  const { files } = parseDsc((await blobs.read(dsc)).toString());
  const file = packagingOf(files);
  if (file === undefined) return { state: 'none' };
  if ((await blobs.info(file.sha256)) === undefined) return { state: 'absent' };
  if (file.name.endsWith('.diff.gz')) {
    return toAnswer(fromPatch(decode(gunzip(await blobs.read(file.sha256), largestChangelog))));
  }
  const archive = decompressStream(blobs.stream(file.sha256), { limit: largestArchive, file: file.name });
  const isWanted = (path: string) => /^(?:[^/]+\/)?debian\/changelog$/.test(path);
  for await (const { bytes } of searchTar(archive, { isWanted, limit: largestChangelog }))
    return toAnswer(decode(bytes));
  return { state: 'none' };
}

function packagingOf(files: readonly ListedFile[]): ListedFile | undefined {
  const named = (pattern: RegExp) => files.find(({ name }) => pattern.test(name));
  return named(/\.debian\.tar\.\w+$/) ?? named(/\.diff\.gz$/) ?? named(/(?<!\.orig(?:-[\w-]+)?)\.tar\.\w+$/);
}

/** The lines that a patch adds as debian/changelog; undefined when it adds none. */
function fromPatch(patch: string): string | undefined {
  const start = /^\+\+\+ [^/\n]+\/debian\/changelog(?:\t.*)?\n/m.exec(patch);
  if (start === null) return undefined;
  const lines: string[] = [];
  for (const line of patch.slice(start.index + start[0].length).split('\n')) {
    if (line.startsWith('+')) lines.push(line.slice(1));
    else if (!line.startsWith('@@')) break;
  }
  return `${lines.join('\n')}\n`;
}

/**
 * Policy 12.7: `changelog.Debian.gz`, or `changelog.gz` of a native package. A package that was only built again has
 * one more, of its architecture, with the entry of that build.
 */
async function readBinary(blobs: Reader, deb: Sha256, name: string): Promise<Answer> {
  const path = await blobs.bring(deb);
  const folder = `usr/share/doc/${name}/`;
  const isWanted = (each: string) =>
    each.startsWith(folder) && /^changelog(?:\.Debian(?:\.[a-z0-9-]+)?)?\.gz$/.test(each.slice(folder.length));
  const archive = decompressStream(await openDebData(path), { limit: largestArchive, file: path });
  const found = new Map<string, string>();
  for await (const { path: each, bytes } of searchTar(archive, { isWanted, limit: largestChangelog })) {
    found.set(each.slice(folder.length), decode(gunzip(bytes, largestChangelog)));
    // Files are packed in the order of their names: that of the architecture came before.
    if (each.endsWith('/changelog.Debian.gz')) break;
  }
  const main = found.get('changelog.Debian.gz') ?? found.get('changelog.gz');
  const rebuilt = [...found].find(([each]) => /^changelog\.Debian\..+\.gz$/.test(each))?.[1];
  return toAnswer(rebuilt === undefined ? main : `${rebuilt}\n${main ?? ''}`);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function toAnswer(text: string | undefined): Answer {
  return text === undefined ? { state: 'none' } : { state: 'found', text };
}
