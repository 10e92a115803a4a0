/** Compressed bytes of any kind to bytes, as a stream or as a whole; nobody gets more than they have room for. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';

import { lzma, xz } from '@napi-rs/lzma';

import { compressionKind, compressionMagicSize, type CompressionKind } from '../formats/container/compression-kind.ts';
import { SheafError } from '../kit/error.ts';
import { hostEnvironment } from './process.ts';
import { largestDictionary, XzCounter } from './xz-size.ts';
import { ZstdSplitter, type FramePart } from './zstd-frames.ts';

type Bytes = AsyncIterable<Uint8Array>;

type Named = CompressionKind | 'lzma';

export type DecompressOptions = {
  /** Most bytes that may come out. */
  readonly limit: number;
  /** Default: told by the first bytes. `lzma`, the older format of xz, has no mark of its own and must be said. */
  readonly kind?: Named;
  /** For messages. */
  readonly file?: string;
  /** Of what comes in, where it is known: what is large may be given to a program. */
  readonly size?: number;
};

/**
 * An index as a whole, whatever it is compressed with: xz (of many blocks), gzip, zstd, bzip2, or nothing. Throws
 * `bad-compression` for damaged data, `over-limit` when more than `limit` bytes would come out, and `program-missing`
 * when bzip2 is needed and not installed.
 */
export async function decompressIndex(bytes: Uint8Array, limit: number, file?: string): Promise<Uint8Array> {
  if (compressionKind(bytes) === 'none' && bytes.length <= limit) return bytes;
  // One buffer from the beginning: joining chunks would hold everything twice. What is not written to takes no memory.
  let whole = Buffer.allocUnsafeSlow(Math.min(limit, bytes.length * 16 + chunkSize));
  let size = 0;
  const options = { limit, size: bytes.length, ...(file === undefined ? {} : { file }) };
  for await (const chunk of decompressStream(slices(bytes), options)) {
    if (size + chunk.length > whole.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(limit, Math.max(whole.length * 2, size + chunk.length)));
      whole.copy(larger, 0, 0, size);
      whole = larger;
    }
    whole.set(chunk, size);
    size += chunk.length;
  }
  return whole.subarray(0, size);
}

async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkSize) yield bytes.subarray(at, at + chunkSize);
}

/** The same piece by piece, in bounded memory; it reads on only when its reader does. */
export async function* decompressStream(source: Bytes, options: DecompressOptions): AsyncGenerator<Uint8Array> {
  const { kind, bytes } = options.kind === undefined ? await told(source) : { kind: options.kind, bytes: source };
  yield* bounded(kind, decoders[kind], bytes, options);
}

/** No more than the limit, and every failure in words. */
async function* bounded(
  kind: Named,
  decode: Decoder,
  source: Bytes,
  { limit, size: known = 0, file = 'compressed data' }: DecompressOptions,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  try {
    for await (const chunk of decode(source, limit, known)) {
      size += chunk.length;
      if (size > limit) throw new OverLimit();
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof OverLimit) {
      throw new SheafError('over-limit', `Cannot decompress ${file}: more than ${limit} bytes would come out`, {
        place: { file },
      });
    }
    if (!(cause instanceof BadData)) throw cause;
    throw new SheafError('bad-compression', `Cannot decompress ${file} (${kind}): ${cause.message}`, {
      place: { file },
      cause: cause.cause,
    });
  }
}

type Decoder = (source: Bytes, limit: number, size: number) => Bytes;

/** The library in this process takes longer, and keeps some 100 MB once it has decoded a large file. */
const largeXz = 2 ** 20;

const decoders: Readonly<Record<Named, Decoder>> = {
  none: (source) => source,
  gzip: (source) => through(source, createGunzip({ chunkSize })),
  zstd: unzstd,
  xz: (source, limit, size) => {
    const inProcess = (bytes: Bytes) => native(bytes, (input) => xz.decompressStream(input));
    const bytes = counted(source, limit);
    return size < largeXz ? inProcess(bytes) : byProgram(bytes, 'xz', inProcess);
  },
  lzma: (source) => native(checkedLzma(source), (input) => lzma.decompressStream(input)),
  bzip2: (source) => byProgram(source, 'bzip2'),
};

/** Large ones save many turns of the loop. */
const chunkSize = 256 * 2 ** 10;

/** The data is damaged: everything else that is thrown in here is somebody else's, as an error of the source. */
class BadData extends Error {}

class OverLimit extends Error {}

async function told(source: Bytes): Promise<{ kind: CompressionKind; bytes: Bytes }> {
  const iterator = source[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array();
  while (head.length < compressionMagicSize) {
    const next = await iterator.next();
    if (next.done === true) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  return { kind: compressionKind(head), bytes: rejoined(head, iterator) };
}

async function* rejoined(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (head.length > 0) yield head;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/** Runs `decode` over the source; what the source threw comes out as it was, all else as damaged data. */
async function* guarded(source: Bytes, decode: (source: Bytes) => Bytes): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  let failure: { readonly error: unknown } | undefined;
  async function* watched(): AsyncGenerator<Uint8Array> {
    try {
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    } catch (error) {
      failure = { error };
      throw error;
    }
  }
  try {
    yield* decode(watched());
  } catch (cause) {
    if (failure !== undefined) throw failure.error;
    throw cause instanceof SheafError || cause instanceof BadData
      ? cause
      : new BadData((cause as Error).message, { cause });
  } finally {
    // A decoder that is left early may forget its source.
    await iterator.return?.();
  }
}

function through(source: Bytes, decoder: Duplex): Bytes {
  return guarded(source, async function* (input) {
    const fed = pipeline(input, decoder);
    // Whatever it is, the reader below gets it too.
    fed.catch(() => {});
    try {
      yield* decoder as AsyncIterable<Uint8Array>;
      // gzip may be followed by zero bytes, which Node does not read.
      await fed.catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
      });
    } finally {
      decoder.destroy();
    }
  });
}

function native(source: Bytes, decode: (input: ReadableStream<Uint8Array>) => ReadableStream<Uint8Array>): Bytes {
  return guarded(source, (input) => decode(ReadableStream.from(input)));
}

/** The native decoder trusts what headers say of sizes and dictionaries: they are read before it sees them. */
async function* counted(source: Bytes, limit: number): AsyncGenerator<Uint8Array> {
  const counter = new XzCounter();
  for await (const chunk of source) {
    damaged(() => counter.feed(chunk));
    if (counter.size > limit) throw new OverLimit();
    yield chunk;
  }
  damaged(() => counter.end());
}

/** lzma_alone: properties in one byte, the dictionary's size in four, the uncompressed size in eight. */
async function* checkedLzma(source: Bytes): AsyncGenerator<Uint8Array> {
  let head: Uint8Array = new Uint8Array();
  for await (const chunk of source) {
    if (head.length >= 13) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < 13) continue;
    const dictionary = new DataView(head.buffer, head.byteOffset).getUint32(1, true);
    if (dictionary > largestDictionary) {
      throw new BadData(`it needs a dictionary of more than ${largestDictionary} bytes`);
    }
    yield head;
  }
  if (head.length < 13) throw new BadData('it ends early');
}

async function* unzstd(source: Bytes): AsyncGenerator<Uint8Array> {
  const parts = frameParts(source);
  try {
    for (let part = await parts.next(); part.done !== true; part = await parts.next()) {
      yield* through(frame(part.value, parts), createZstdDecompress({ chunkSize }));
    }
  } finally {
    await parts.return(undefined);
  }
}

async function* frameParts(source: Bytes): AsyncGenerator<FramePart> {
  const splitter = new ZstdSplitter();
  for await (const chunk of source) yield* damaged(() => splitter.feed(chunk));
  damaged(() => splitter.end());
}

async function* frame(first: FramePart, rest: AsyncIterator<FramePart>): AsyncGenerator<Uint8Array> {
  for (let part = first; ;) {
    yield part.bytes;
    if (part.last) return;
    const next = await rest.next();
    if (next.done === true) return;
    part = next.value;
  }
}

/**
 * `PROGRAM -dc`: reads standard input to its end. It is held up by its pipe while nobody reads, and killed when nobody
 * wants more. Nothing of the source is read before it runs: where it is not installed, `otherwise` takes its place.
 */
function byProgram(source: Bytes, program: 'bzip2' | 'xz', otherwise?: (source: Bytes) => Bytes): Bytes {
  return guarded(source, async function* (input) {
    const child = spawn(program, ['-dc'], { env: { ...hostEnvironment }, stdio: ['pipe', 'pipe', 'pipe'] });
    const ended = once(child, 'close') as Promise<[number | null]>;
    ended.catch(() => {});
    try {
      await once(child, 'spawn');
    } catch (error) {
      if (otherwise === undefined) throw missing(program, error as Error);
      return yield* otherwise(input);
    }
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      if (said.length < 1000) said += chunk.toString();
    });
    const fed = pipeline(input, child.stdin);
    // A program that ends before it has read its input tells why by its exit code.
    fed.catch(() => {});
    try {
      yield* child.stdout as AsyncIterable<Uint8Array>;
      const [code] = await ended;
      if (code !== 0) throw new BadData(said.trim().split('\n')[0] ?? '');
      await fed;
    } finally {
      child.kill('SIGKILL');
    }
  });
}

function missing(program: 'bzip2' | 'xz', cause: Error): SheafError {
  return new SheafError('program-missing', `Cannot run ${program}: ${cause.message}`, {
    kind: 'environment',
    hint: `Install the Debian package ${program === 'xz' ? 'xz-utils' : program}.`,
    cause,
  });
}

function damaged<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw cause instanceof SheafError ? new BadData(cause.message, { cause }) : cause;
  }
}
