/** Blocks of an index, compressed one by one: what `PackBlock` in archive/ports.ts asks for. */
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';

import { xz } from '@napi-rs/lzma';

import { gzipMember, type GzipMember } from '../formats/container/gzip-members.ts';
import { splitXz, type XzStream } from '../formats/container/xz-stream.ts';

const deflate = promisify(deflateRaw);

export type PackedBlock = { readonly gzip: GzipMember; readonly xz: XzStream };

/** The same bytes for the same block: `gzip -9` and `xz -6`. Both off the main thread. */
export async function packBlock(bytes: Uint8Array): Promise<PackedBlock> {
  const [deflated, stream] = await Promise.all([
    deflate(bytes, { level: constants.Z_BEST_COMPRESSION }),
    xz.compress(bytes),
  ]);
  return { gzip: gzipMember(deflated, crc32(bytes), bytes.length), xz: splitXz(stream) };
}
