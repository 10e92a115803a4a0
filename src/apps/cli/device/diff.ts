/** The two sides of `sheaf device diff` as they are named: a lock alone needs neither a distribution nor a database. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { parseManifest, type Manifest } from '../../../device/mod.ts';
import { diffDevice, type Against, type DeviceDeps, type DeviceDifference } from '../../../flows/device-diff.ts';
import { isSha256, type Sha256 } from '../../../kit/digest.ts';
import { SheafError } from '../../../kit/error.ts';
import type { Blobs } from '../../../plumbing/blobs.ts';
import { changelogReader } from '../../../plumbing/changelogs.ts';
import { DebCache } from '../../../plumbing/deb-cache.ts';
import { DeviceRoot } from '../../../plumbing/device-root.ts';
import { packagedFiles } from '../../../plumbing/packaged-files.ts';
import { cacheDirectory } from '../../roots.ts';
import { withHouse, type HasOptions } from '../context.ts';
import { interruptible } from '../interrupt.ts';
import { readLocks } from '../lock/read.ts';
import { readSystem } from '../manifest/write.ts';
import { startProgress } from '../progress.ts';
import { throwUnreadable, whyUnreadable } from '../unreadable.ts';

export type DiffOptions = {
  readonly root?: string | undefined;
  readonly files?: true | undefined;
  /** Look for versions that are not listed in all that the distribution's history has. */
  readonly find?: true | undefined;
  readonly json: boolean;
};

const largestText = 256 * 2 ** 20;

/** Throws `no-manifest`, `no-root`, `bad-manifest`, `bad-lock`, `unknown-place` and what reading throws. */
export async function diffNamed(
  command: HasOptions,
  words: readonly string[],
  options: DiffOptions,
): Promise<DeviceDifference> {
  const { root, files } = options;
  if (files === true && root === undefined) {
    throw new SheafError('no-root', 'Cannot compare files: a manifest names files, it does not hold them', {
      kind: 'usage',
      hint: 'Make the manifest with --files, or name the system itself by --root DIR.',
    });
  }
  const places = root === undefined ? words.slice(1) : words;
  if (places.length === 0) {
    throw new SheafError('no-place', `Cannot compare ${words[0]}: there is nothing to compare it with`, {
      kind: 'usage',
      hint: 'Name a lock file or a suite after it.',
    });
  }
  const against = await readAgainst(places);
  const manifest =
    root === undefined ? await readManifest(words[0]!) : await readSystem({ root, files, json: options.json });
  if (against.kind === 'lock' && options.find !== true) return compare(ownDeps(), manifest, against, options);
  try {
    return await withHouse(command, async ({ history, distribution, blobs }) => {
      const deps = { history: { ...history, distribution }, ...packagesIn(blobs) };
      return compare(deps, manifest, against, options);
    });
  } catch (error) {
    if (!(error instanceof SheafError) || error.code !== 'no-distribution' || against.kind === 'lock') throw error;
    throw new SheafError(
      'unknown-place',
      `Cannot find "${places[0]}": there is no such lock file, and no distribution that could know such a suite`,
      {
        kind: 'usage',
        hint: 'Name a lock file that exists, or the folder of the distribution by -C DIR.',
        cause: error,
      },
    );
  }
}

async function compare(
  deps: DeviceDeps,
  manifest: Manifest,
  against: Against,
  { root, files, find, json }: DiffOptions,
): Promise<DeviceDifference> {
  const progress = startProgress({ json });
  try {
    return await interruptible((signal) =>
      diffDevice(deps, manifest, against, {
        root: root !== undefined && files === true ? new DeviceRoot(root) : undefined,
        onProgress: progress.at,
        find,
        signal,
      }),
    );
  } finally {
    progress.end();
  }
}

/** What exists as a file, or is named like one, is a lock; several words are suites. */
async function readAgainst(places: readonly string[]): Promise<Against> {
  const [first = '', ...rest] = places;
  const isFile = await stat(first).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile && !/^\.{0,2}\/|\.lock$/.test(first)) return { kind: 'places', places };
  if (rest.length > 0) {
    throw new SheafError('several-locks', `Cannot compare with ${first} and ${rest.join(', ')}: a lock stands alone`, {
      kind: 'usage',
      hint: 'Name one lock file, or one or several suites.',
    });
  }
  return { kind: 'lock', name: first, locks: (await readLocks(first)).locks };
}

async function readManifest(path: string): Promise<Manifest> {
  const text = await readText(path);
  try {
    return parseManifest(text, path === '-' ? 'standard input' : path);
  } catch (error) {
    return throwUnreadable(error);
  }
}

async function readText(path: string): Promise<string> {
  const stream = path === '-' ? process.stdin : createReadStream(path);
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of stream as AsyncIterable<Uint8Array>) {
      size += part.length;
      if (size > largestText)
        throw new SheafError('no-manifest', `Cannot read ${path}: it is larger than ${largestText} bytes`, {
          kind: 'usage',
        });
      parts.push(part);
    }
  } catch (error) {
    if (error instanceof SheafError) throw error;
    throw new SheafError('no-manifest', `Cannot read ${path}: ${whyUnreadable(error as NodeJS.ErrnoException)}`, {
      kind: 'usage',
      hint: 'A manifest is made by: sheaf manifest --output FILE',
      cause: error,
    });
  }
  return new TextDecoder().decode(Buffer.concat(parts));
}

/** The packages that this user's roots were made of. */
function ownDeps(): Pick<DeviceDeps, 'changelogs' | 'packaged'> {
  const cache = new DebCache({ directory: join(cacheDirectory(), 'debs') });
  const info = async (digest: Sha256) => {
    const size = await stat(cache.path(digest)).then(
      (found) => found.size,
      () => undefined,
    );
    return size === undefined ? undefined : { sha256: digest, size };
  };
  const reader = {
    ...{ info, bring: async (digest: Sha256) => cache.path(digest) },
    read: async () => Buffer.alloc(0),
    stream: (digest: Sha256) => createReadStream(cache.path(digest)),
  };
  return {
    changelogs: changelogReader(reader as Pick<Blobs, 'info' | 'bring' | 'read' | 'stream'>),
    packaged: (sha256) => packagedFiles(cache.path(sha256), sha256),
  };
}

/** The packages that a distribution keeps, and those of this user. */
function packagesIn(blobs: Blobs): Pick<DeviceDeps, 'changelogs' | 'packaged'> {
  const own = ownDeps();
  const read = changelogReader(blobs);
  return {
    changelogs: async (question) => {
      const found = await read(question);
      return found.state === 'absent' ? own.changelogs!(question) : found;
    },
    packaged: async (sha256) => {
      if (!isSha256(sha256)) return undefined;
      const isHere = (await blobs.info(sha256)) !== undefined;
      return isHere ? packagedFiles(await blobs.bring(sha256), sha256) : own.packaged!(sha256);
    },
  };
}
