/** Blocks of an index, compressed one by one: what `PackBlock` in archive/ports.ts asks for. */
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';

import { xz } from '@napi-rs/lzma';

import { gzipMember, type GzipMember } from '../formats/container/gzip-members.ts';
import { splitXz, type XzStream } from '../formats/container/xz-stream.ts';

const deflate = promisify(deflateRaw);

export type PackedBlock = { readonly gzip: GzipMember; readonly xz: XzStream };

/** An .xz encoder takes 94 MB, however small the block is: so this many work at a time in the whole process. */
const atOnce = 2;
let working = 0;
const waiting: (() => void)[] = [];

/** The same bytes for the same block: `gzip -9` and `xz -6`. Both off the main thread. */
export async function packBlock(bytes: Uint8Array): Promise<PackedBlock> {
  if (working === atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
  else working++;
  try {
    return await pack(bytes);
  } finally {
    const next = waiting.shift();
    if (next === undefined) working--;
    else next();
  }
}

async function pack(bytes: Uint8Array): Promise<PackedBlock> {
  const [deflated, stream] = await Promise.all([
    deflate(bytes, { level: constants.Z_BEST_COMPRESSION }),
    xz.compress(bytes),
  ]);
  return { gzip: gzipMember(deflated, crc32(bytes), bytes.length), xz: splitXz(stream) };
}
