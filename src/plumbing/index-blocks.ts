/** Blocks of an index, compressed one by one: what `PackBlock` in archive/ports.ts asks for. */
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';

import { lzma2 } from '@napi-rs/lzma';

import { gzipMember, type GzipMember } from '../formats/container/gzip-members.ts';
import { xzBlock, type XzBlock } from '../formats/container/xz-stream.ts';

const deflate = promisify(deflateRaw);

export type PackedBlock = { readonly gzip: GzipMember; readonly xz: XzBlock };

/** An encoder takes twelve times its dictionary: so this many work at a time in the whole process. */
const atOnce = 2;
let working = 0;
const waiting: (() => void)[] = [];

/** The same bytes for the same block: as `gzip -9` and `xz -5`. Both off the main thread. */
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
  const crc = crc32(bytes);
  const bits = dictionaryBits(bytes.length);
  const [deflated, encoded] = await Promise.all([
    deflate(bytes, { level: constants.Z_BEST_COMPRESSION }),
    encode(bytes, bits),
  ]);
  return { gzip: gzipMember(deflated, crc, bytes.length), xz: xzBlock(encoded, bits, crc, bytes.length) };
}

/** A dictionary larger than the block finds nothing more, and in the few blocks larger than this one hardly anything. */
function dictionaryBits(size: number): number {
  return Math.min(Math.max(Math.ceil(Math.log2(size)), 12), 18);
}

/** Raw LZMA2. Preset 6 takes a fifth longer for 1 % less. */
async function encode(bytes: Uint8Array, bits: number): Promise<Buffer> {
  const input = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
  const parts: Buffer[] = [];
  for await (const part of lzma2.compressStream(input, { preset: 5, dictSize: 2 ** bits })) parts.push(part);
  return Buffer.concat(parts);
}
