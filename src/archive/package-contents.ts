/** Which files a package has: read from its `.deb` once, and kept by the hash of that. */
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompressSync } from 'node:zlib';

import { isContentsPath } from '../formats/deb/contents.ts';
import { openDeb } from '../formats/deb/deb-stream.ts';
import type { Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import { order } from '../kit/order.ts';
import { all } from './all.ts';
import type { ArchiveDeps } from './ports.ts';
import { findContents, findKnownContents, insertContents } from './store-contents.ts';

type Deps = Pick<ArchiveDeps, 'db' | 'blobs' | 'decompressStream'>;

type Deb = { readonly sha256: string; readonly filename: string };

const zstd = promisify(zstdCompress);

/** The largest packages of Debian unpack to some 10 GiB and have some 120,000 files. */
const limits = { bytes: 32 * 2 ** 30, entries: 1_000_000 };
/** Bytes of all paths of a package: ten times those of the largest. */
const mostPaths = 64 * 2 ** 20;

/** The bytes of UTF-8, one character each: these texts compare as their bytes do, and take a byte of memory for each. */
export type ByteText = string;

/** Reads those of the packages that were never read. Throws `blob-missing`; a package that is broken has no files. */
export async function readMissingContents(deps: Deps, debs: readonly Deb[]): Promise<void> {
  const wanted = new Map(debs.map((deb) => [deb.sha256, deb]));
  const known = await findKnownContents(deps.db, [...wanted.keys()]);
  const missing = [...wanted.values()].filter((deb) => !known.has(deb.sha256));
  await all(
    missing,
    async (deb) => {
      const { paths, problem } = await readContents(deps, deb);
      await insertContents(deps.db, { sha256: deb.sha256, paths: await zstd(paths), problem });
    },
    2,
  );
}

/** The paths of packages by the hash of those, sorted, each with LF behind it. All must have been read before. */
export async function findPaths(
  { db }: Pick<Deps, 'db'>,
  debs: readonly Deb[],
): Promise<ReadonlyMap<string, ByteText>> {
  const lists = await findContents(db, [...new Set(debs.map((deb) => deb.sha256))]);
  const missing = debs.find((deb) => !lists.has(deb.sha256));
  if (missing !== undefined) {
    throw new SheafError('lost-contents', `Cannot list the files of ${missing.filename}: they were not read`);
  }
  const unpack = (list: Uint8Array) => zstdDecompressSync(list, { maxOutputLength: mostPaths + 1 }).toString('latin1');
  return new Map([...lists].map(([digest, list]) => [digest, unpack(list)]));
}

async function readContents(
  { blobs, decompressStream }: Deps,
  { sha256, filename }: Deb,
): Promise<{ readonly paths: Buffer; readonly problem: string | null }> {
  const paths = new Set<ByteText>();
  let size = 0;
  try {
    const deb = await openDeb(blobs.stream(sha256 as Sha256), decompressStream, limits, filename);
    for await (const { path, type } of deb.entries()) {
      if (type === 'directory' || !isContentsPath(path)) continue;
      const bytes = Buffer.from(path).toString('latin1');
      paths.add(bytes);
      size += bytes.length + 1;
      if (size > mostPaths) return { paths: Buffer.alloc(0), problem: `its paths have more than ${mostPaths} bytes` };
    }
  } catch (error) {
    if (!isBroken(error)) throw error;
    return { paths: Buffer.alloc(0), problem: error.message.slice(0, 2000).toWellFormed().replaceAll('\0', '') };
  }
  const sorted = [...paths].toSorted(order).map((path) => `${path}\n`);
  return { paths: Buffer.from(sorted.join(''), 'latin1'), problem: null };
}

/** Whether the package is to blame, which was accepted by its control part alone. */
function isBroken(error: unknown): error is SheafError {
  if (!(error instanceof SheafError) || error.kind === 'environment') return false;
  return /^bad-|^missing-field$|^over-limit$/.test(error.code);
}
