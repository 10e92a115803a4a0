/**
 * The newest version of each large index lies uncompressed beside the archive, so that changing a package does not begin
 * with decompressing all of them. It is a copy that may be lost at any time, is not flushed to the disk, and is believed
 * only as far as the check sums in the compressed index agree.
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

import type { ReleaseFile } from '../formats/deb/release.ts';
import { sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { SuitePaths } from './layout.ts';
import type { Block } from './pack-index.ts';
import type { ArchiveDeps } from './ports.ts';

/** Smaller ones are decompressed as fast. */
const leastSize = 2 ** 20;

/** The index, from the copy or else from its .gz; undefined when that is not what Release says. */
export async function readPlain(
  { files, compression }: ArchiveDeps,
  paths: SuitePaths,
  plain: ReleaseFile,
  packed: { readonly blocks: readonly Block[]; readonly gzip: Uint8Array },
): Promise<Uint8Array | undefined> {
  const copy = plain.size < leastSize ? undefined : await files.readBytes(copyOf(paths, plain));
  if (copy !== undefined && agrees(copy, packed.blocks)) return copy;
  const index = tryTo(() => compression.gunzip(packed.gzip, Math.max(plain.size, 1)));
  if (index === undefined) return undefined;
  return sha256(index) === plain.sha256 ? index : undefined;
}

/** Keeps the new version's parts in place of the one before. */
export async function keepPlain(
  { files }: ArchiveDeps,
  paths: SuitePaths,
  plain: ReleaseFile,
  before: ReleaseFile | undefined,
  parts: readonly Uint8Array[],
): Promise<void> {
  if (plain.size >= leastSize) await files.keep(copyOf(paths, plain), parts);
  if (before !== undefined && before.size >= leastSize) await files.remove(copyOf(paths, before));
}

/** The .gz may be damaged: its hash is compared meanwhile. */
function tryTo<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof SheafError) return undefined;
    throw error;
  }
}

function copyOf(paths: SuitePaths, plain: ReleaseFile): string {
  return join(paths.copies, plain.sha256);
}

/** RFC 1952: each member of the .gz, whose own hash was compared, ends with the CRC-32 of what is in it. */
function agrees(copy: Uint8Array, blocks: readonly Block[]): boolean {
  let position = 0;
  for (const { gzip } of blocks) {
    const part = copy.subarray(position, (position += gzip.uncompressedSize));
    const { buffer, byteOffset, length } = gzip.bytes;
    if (crc32(part) !== new DataView(buffer, byteOffset, length).getUint32(length - 8, true)) return false;
  }
  return position === copy.length;
}
