/** `sheaf root build`: a root as an archive, a directory or an image. */
import { spawn } from 'node:child_process';
import { chmod, lstat, readdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Writable } from 'node:stream';

import { formatSize } from '../../../kit/bytes.ts';
import { formatDuration } from '../../../kit/duration.ts';
import { SheafError } from '../../../kit/error.ts';
import { writeOciLayout, type OciContent } from '../../../plumbing/oci-layout.ts';
import { writePacked, type Packing } from '../../../plumbing/packed-file.ts';
import { hostEnvironment } from '../../../plumbing/process.ts';
import { diskOwn, fillDirectory } from '../../../plumbing/whole-directory.ts';
import { exportTar, newestTime, tellShortage } from '../../../root/mod.ts';
import { interruptible } from '../interrupt.ts';
import { checkOutputFile, tellUnwritable } from '../output-file.ts';
import { startProgress } from '../progress.ts';
import { openRoot, type OpenedRoot, type OpenFlags } from './open.ts';
import { newScratch } from './scratch.ts';

export type BuildFlags = Omit<OpenFlags, 'signal' | 'arch'> & {
  readonly output: string;
  /** Several make one image. */
  readonly arch?: readonly string[] | undefined;
};

export type Built = {
  readonly output: string;
  readonly kind: Output['kind'];
  /** Of the file, or of the image's manifest, or of the index of several. */
  readonly sha256: string | undefined;
  readonly size: number | undefined;
  /** Where there is one. */
  readonly architecture: string | undefined;
  /** Where there are several: one for each, with its manifest's. */
  readonly images: readonly { readonly architecture: string; readonly sha256: string }[] | undefined;
  /** Of all. */
  readonly packages: number;
  readonly lock: string;
  /** Milliseconds. */
  readonly duration: number;
  readonly cached: boolean;
};

type Output =
  | { readonly kind: 'tar'; readonly path: string; readonly packing: Packing }
  | { readonly kind: 'oci' | 'directory'; readonly path: string };

const packings: Readonly<Record<string, Packing>> = { '': 'none', gz: 'gzip', xz: 'xz', zst: 'zstd' };

export async function build(file: string, flags: BuildFlags): Promise<Built> {
  const output = parseOutput(flags.output);
  const wanted = [...new Set<string | undefined>(flags.arch ?? [undefined])];
  if (wanted.length > 1 && output.kind !== 'oci') throw onlyImages(flags.output);
  const place = await checkOutput(output);
  const started = performance.now();
  // Files of the cache and of the sandbox are read by others than us; only the output is as the caller wants.
  const umask = process.umask(0o022);
  return interruptible(async (signal) => {
    const roots: OpenedRoot[] = [];
    for (const arch of wanted) roots.push(await openRoot(file, { ...flags, arch, signal }));
    const isOne = roots.length === 1;
    const { lock, lockSha256 } = roots[0]!;
    const progress = startProgress({ json: flags.json });
    progress.at(`Writing ${output.path}`);
    const written = await write(output, roots, signal)
      .catch(async (error: unknown) => {
        const packages = roots.flatMap((root) => root.lock.packages);
        throw tellUnwritable(output.path, await tellShortage(error, 'write the root', place, packages));
      })
      .finally(progress.end);
    if (output.kind === 'tar') await chmod(output.path, 0o666 & ~umask);
    return {
      ...{ output: flags.output, kind: output.kind, sha256: written?.sha256, size: written?.size },
      architecture: isOne ? lock.architecture : undefined,
      images: isOne ? undefined : written?.images,
      packages: roots.reduce((sum, each) => sum + each.lock.packages.length, 0),
      lock: lockSha256,
      duration: Math.round(performance.now() - started),
      cached: roots.every(({ cached }) => cached),
    };
  });
}

function onlyImages(output: string): SheafError {
  return new SheafError('usage', `Cannot write several architectures to ${output}: only an image holds them`, {
    kind: 'usage',
    hint: 'Write an image (--output oci:DIR), or one file for each --arch.',
  });
}

export function formatBuilt({ output, kind, sha256, images, size, packages, duration, cached }: Built): string[] {
  const amount = size === undefined ? '' : `, ${formatSize(size)}`;
  const how = cached ? 'from the cache' : 'made';
  return [
    `${output}: ${packages} packages${amount}; ${how} in ${formatDuration(duration)}`,
    ...(sha256 === undefined ? [] : [`${kind === 'oci' ? 'image ' : ''}sha256:${sha256}`]),
    ...(images ?? []).map((each) => `  ${each.architecture} sha256:${each.sha256}`),
  ];
}

/** Throws `usage` for what looks like an archive or an image that is not made here: it would become a directory. */
function parseOutput(text: string): Output {
  const image = /^oci:(?<directory>[^:]+)$/.exec(text)?.groups?.['directory'];
  if (image !== undefined) return { kind: 'oci', path: resolve(image) };
  const suffix = /\.tar(?:\.(?<suffix>gz|xz|zst))?$/.exec(text);
  if (suffix !== null) return { kind: 'tar', path: resolve(text), packing: packings[suffix.groups?.['suffix'] ?? '']! };
  if (!/^[a-z][a-z-]*:/.test(text) && !otherForms.test(text)) return { kind: 'directory', path: resolve(text) };
  throw new SheafError('usage', `Cannot write the root to ${text}: this form is not known`, {
    kind: 'usage',
    hint: text.startsWith('oci:')
      ? 'An image is written to oci:DIR, and is called latest there.'
      : `There are FILE.tar, .tar.gz, .tar.xz and .tar.zst, and oci:DIR; a directory of that name is ./${text}/.`,
  });
}

const otherForms = /^-$|\.(?:tar(?:\.\w+)?|t[bgx]z2?|tzst|zip|cpio|iso|img|raw|qcow2|ext4|squashfs|sqfs|erofs)$/i;

/** Before anything is fetched. A folder of the disk that is written to. Throws `output-unwritable`, `output-exists`, `not-root`. */
async function checkOutput({ kind, path }: Output): Promise<string> {
  if (kind === 'tar') {
    await checkOutputFile(path);
    return dirname(path);
  }
  const there = await readdir(path).catch((error: NodeJS.ErrnoException) => error);
  if (!Array.isArray(there) && there.code === 'EACCES') throw tellUnwritable(path, there);
  const isFree = Array.isArray(there)
    ? there.every((name) => name === diskOwn)
    : (await lstat(path).catch(() => undefined)) === undefined;
  if (!isFree) {
    throw new SheafError('output-exists', `Cannot write the root to ${path}: it is there already`, {
      kind: 'usage',
      hint: 'Name a directory that does not exist yet, or an empty one.',
    });
  }
  if (kind === 'directory' && process.getuid!() !== 0) {
    throw new SheafError(
      'not-root',
      `Cannot write the root to the directory ${path}: only root can make files of others`,
      {
        kind: 'usage',
        hint: 'Write an archive (--output root.tar), or run commands in it: sheaf root run LOCK -- CMD',
      },
    );
  }
  return Array.isArray(there) ? path : dirname(path);
}

type Written = Partial<Pick<Built, 'images'>> & { readonly sha256: string; readonly size: number };

async function write(output: Output, roots: readonly OpenedRoot[], signal: AbortSignal): Promise<Written | undefined> {
  const whole = putter(roots[0]!, signal)(roots[0]!.layers, 'merged');
  switch (output.kind) {
    case 'tar':
      return writePacked(output.path, output.packing, whole);
    case 'directory':
      await fillDirectory(output.path, async (directory) => unpack(directory, whole));
      return undefined;
    case 'oci': {
      const contents = roots.map((root) => contentOf(root, signal));
      const { digest, size, images } = await writeOciLayout(output.path, contents);
      const named = images.map((each, index) => ({ architecture: contents[index]!.architecture, sha256: each }));
      return { sha256: digest, size, images: named };
    }
  }
}

/** With a base, its root is a layer of its own. */
function contentOf(root: OpenedRoot, signal: AbortSignal): OciContent {
  const put = putter(root, signal);
  const above = root.layers.filter((layer) => !root.baseLayers.includes(layer));
  const created = new Date(newestTime(root.lock) * 1000);
  const layers =
    root.baseLayers.length === 0 ? [put(root.layers, 'merged')] : [put(root.baseLayers, 'merged'), put(above, 'layer')];
  return { architecture: root.lock.architecture, layers, created, lock: root.lockSha256 };
}

/** What puts layers into a stream as an archive. */
function putter(root: OpenedRoot, signal: AbortSignal) {
  const newest = newestTime(root.lock);
  return (layers: readonly string[], kind: 'merged' | 'layer') => async (stream: Writable) => {
    const scratch = await newScratch(root);
    await exportTar(root.sandbox, { layers, kind, newest, scratch, signal }, stream);
  };
}

/** By tar, as root: owners and capabilities are those of the archive. */
async function unpack(directory: string, fill: (stream: Writable) => Promise<void>): Promise<void> {
  const owners = ['--preserve-permissions', '--same-owner', '--numeric-owner', '--xattrs', '--xattrs-include=*'];
  const child = spawn('tar', ['--extract', '--delay-directory-restore', ...owners, '--directory', directory], {
    env: { ...hostEnvironment },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-2000)));
  const ended = new Promise<number | null>((done, failed) => {
    child.on('error', failed);
    child.on('close', done);
  });
  child.stdin.on('error', () => {});
  const filled = fill(child.stdin).catch((error: unknown) => {
    child.stdin.destroy();
    throw error;
  });
  const [code, writer] = await Promise.allSettled([ended, filled]);
  if (code.status === 'rejected') throw code.reason;
  if (/: (?:No space left on device|Disk quota exceeded)$/m.test(said)) {
    throw Object.assign(new Error('tar found the disk full'), { code: 'ENOSPC' });
  }
  if (code.value !== 0 && said !== '') {
    throw new SheafError('program-failed', `Cannot write the root to ${directory}: ${said.trim()}`, {
      kind: 'environment',
    });
  }
  if (writer.status === 'rejected') throw writer.reason;
}
