/** Compressed bytes both ways: every decoder has a limit, every encoder gives the same bytes for the same input. */
import { promisify } from 'node:util';
import { constants, gunzipSync, gzip as gzipCallback, zstdDecompressSync } from 'node:zlib';

import { xz as lzmaXz } from '@napi-rs/lzma';

import { SheafError } from '../kit/error.ts';
import { xzUncompressedSize } from './xz-size.ts';
import { ZstdSplitter } from './zstd-frames.ts';

const gzipAsync = promisify(gzipCallback);

/** One member, no name, no time (RFC 1952: MTIME 0): the same input gives the same bytes. */
export async function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  return gzipAsync(bytes, { level: constants.Z_BEST_COMPRESSION });
}

/** One stream, as `xz -6` makes it with one thread. Runs off the main thread. */
export async function xz(bytes: Uint8Array): Promise<Uint8Array> {
  return lzmaXz.compress(bytes);
}

/** Decoders throw `bad-compression` for damaged data and `over-limit` when more than `limit` bytes would come out. */
export function gunzip(bytes: Uint8Array, limit: number): Uint8Array {
  return decode('.gz', limit, () => gunzipSync(bytes, { maxOutputLength: limit }));
}

export function unzstd(bytes: Uint8Array, limit: number): Uint8Array {
  return decode('.zst', limit, () => {
    const splitter = new ZstdSplitter();
    const frames = splitter.feed(bytes);
    splitter.end();
    const parts: Uint8Array[] = [];
    let left = limit;
    for (const frame of frames) {
      // The option must be at least one: an empty frame has a place in any limit.
      const part = zstdDecompressSync(frame.bytes, { maxOutputLength: Math.max(left, 1) });
      left -= part.length;
      if (left < 0) throw overLimit('.zst', limit);
      parts.push(part);
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  });
}

export function unxz(bytes: Uint8Array, limit: number): Uint8Array {
  return decode('.xz', limit, () => {
    if (xzUncompressedSize(bytes) > limit) throw overLimit('.xz', limit);
    return lzmaXz.decompressSync(bytes);
  });
}

function decode(kind: string, limit: number, work: () => Uint8Array): Uint8Array {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof SheafError && cause.code === 'over-limit') throw cause;
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw overLimit(kind, limit, cause);
    throw new SheafError('bad-compression', `Cannot decompress ${kind} data: ${(cause as Error).message}`, { cause });
  }
}

function overLimit(kind: string, limit: number, cause?: unknown): SheafError {
  return new SheafError('over-limit', `Cannot decompress ${kind} data: more than ${limit} bytes would come out`, {
    cause,
  });
}
