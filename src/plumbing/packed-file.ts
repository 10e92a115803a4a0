/**
 * A stream of bytes into a file, compressed on the way. The same input gives the same file on every machine: xz and zstd
 * are the libraries that came with this program, gzip is the host's, whose bytes have not changed for decades.
 */
import { spawn } from 'node:child_process';
import { createHash, randomUUID, type Hash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { Duplex, PassThrough, Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, crc32, createZstdCompress } from 'node:zlib';

import { lzma2 } from '@napi-rs/lzma';

import { joinXz, xzBlock, xzCheckCrc32, type XzBlock } from '../formats/container/xz-stream.ts';
import { SheafError } from '../kit/error.ts';
import { parseSha256, type Sha256 } from '../kit/digest.ts';
import { hostEnvironment } from './process.ts';

export type Packing = 'none' | 'gzip' | 'xz' | 'zstd';

export type PackedFile = {
  /** Of the file. */
  readonly sha256: Sha256;
  readonly size: number;
  /** Of what went in. */
  readonly content: { readonly sha256: Sha256; readonly size: number };
};

/**
 * Writes what `fill` puts into a stream, and ends; the file has its name only when it is whole. Throws what `fill`
 * throws, `program-missing` without gzip, and the errors of the disk.
 */
export async function writePacked(
  path: string,
  packing: Packing,
  fill: (output: Writable) => Promise<void>,
): Promise<PackedFile> {
  const temporary = `${path}.${randomUUID()}.part`;
  const input = new PassThrough({ highWaterMark: 2 ** 20 });
  const before = new Meter();
  const after = packing === 'none' ? before : new Meter();
  // Opened before anything can fail: a stream that opens it by itself may do so after `rm`.
  const file = (await open(temporary, 'wx')).createWriteStream({ highWaterMark: 2 ** 20 });
  try {
    const counted = Readable.from(before.count(input), { objectMode: false });
    const written =
      packing === 'none'
        ? pipeline(counted, file)
        : packing === 'xz'
          ? pipeline(Readable.from(after.count(packXz(counted)), { objectMode: false }), file)
          : pipeline(counted, packing === 'gzip' ? gzipProgram() : zstd(), (source) => after.count(source), file);
    const filled = fill(input).catch((error: unknown) => {
      input.destroy(error as Error);
      throw error;
    });
    // Of two failures the stream's own is the cause: the writer only sees that nobody takes its bytes.
    const [stream, writer] = await Promise.allSettled([written, filled]);
    if (writer.status === 'rejected' && !(stream.status === 'rejected' && isOwn(stream.reason, writer.reason)))
      throw writer.reason;
    if (stream.status === 'rejected') throw stream.reason;
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return { ...after.result(), content: before.result() };
}

function isOwn(stream: unknown, writer: unknown): boolean {
  return stream !== writer && (stream as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE';
}

class Meter {
  readonly #hash: Hash = createHash('sha256');
  #size = 0;

  async *count(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      this.#hash.update(chunk);
      this.#size += chunk.length;
      yield chunk;
    }
  }

  result(): { readonly sha256: Sha256; readonly size: number } {
    return { sha256: parseSha256(this.#hash.copy().digest('hex')), size: this.#size };
  }
}

function zstd(): Duplex {
  return createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 9, [constants.ZSTD_c_checksumFlag]: 1 } });
}

/** Without name and time. Node's own zlib gives other bytes on other processors. */
function gzipProgram(): Duplex {
  const child = spawn('gzip', ['--no-name', '-6'], { env: { ...hostEnvironment }, stdio: ['pipe', 'pipe', 'ignore'] });
  const stream = Duplex.from({ writable: child.stdin, readable: child.stdout });
  child.on('error', (cause) => {
    stream.destroy(
      new SheafError('program-missing', 'Cannot run gzip: this machine has no such program', {
        kind: 'environment',
        cause,
      }),
    );
  });
  child.on('exit', (code) => {
    if (code !== 0) stream.destroy(new SheafError('program-failed', `Cannot compress: gzip ended with ${code}`));
  });
  return stream;
}

/** Blocks of one size, so that several are worked on at once and the bytes do not tell how many. */
const xzBlockSize = 16 * 2 ** 20;
const dictionaryBits = 23;
const atOnce = 2;

async function* packXz(source: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  const blocks: Promise<XzBlock>[] = [];
  for await (const bytes of inBlocks(source)) {
    await blocks.at(-atOnce);
    const block = encode(bytes);
    // Looked at when all are together.
    block.catch(() => {});
    blocks.push(block);
  }
  yield* joinXz({ check: xzCheckCrc32, blocks: await Promise.all(blocks) });
}

async function* inBlocks(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (let chunk of source) {
    while (size + chunk.length >= xzBlockSize) {
      const head = chunk.subarray(0, xzBlockSize - size);
      yield Buffer.concat([...parts, head]);
      chunk = chunk.subarray(head.length);
      [parts, size] = [[], 0];
    }
    if (chunk.length > 0) parts.push(chunk);
    size += chunk.length;
  }
  if (size > 0) yield Buffer.concat(parts);
}

async function encode(bytes: Buffer): Promise<XzBlock> {
  const input = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
  const parts: Buffer[] = [];
  for await (const part of lzma2.compressStream(input, { preset: 6, dictSize: 2 ** dictionaryBits })) parts.push(part);
  return xzBlock(Buffer.concat(parts), dictionaryBits, crc32(bytes), bytes.length);
}
