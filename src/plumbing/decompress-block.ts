/** A piece of .xz whose size is known, decompressed into one buffer by the program, which writes it into a file of its own. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { hostEnvironment } from './process.ts';
import { XzCounter } from './xz-size.ts';

/**
 * Through a pipe the comparison of two large packages takes a sixth more processor time. Undefined for whatever went
 * wrong: for damaged data, and where there is no xz, or no room: a stream tells what it was.
 */
export async function decompressBlock(
  source: AsyncIterable<Uint8Array>,
  size: number,
): Promise<Uint8Array | undefined> {
  const path = join(tmpdir(), `sheaf-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    // Nothing stays of it, however this ends.
    await unlink(path);
    const child = spawn('xz', ['-dc'], { env: { ...hostEnvironment }, stdio: ['pipe', file.fd, 'ignore'] });
    try {
      const ended = once(child, 'close') as Promise<[number | null]>;
      const [[code]] = await Promise.all([ended, pipeline(bounded(source, size), child.stdin!)]);
      if (code !== 0 || (await file.stat()).size !== size) return undefined;
    } finally {
      child.kill('SIGKILL');
    }
    const bytes = Buffer.allocUnsafeSlow(size);
    const { bytesRead } = await file.read(bytes, 0, size, 0);
    return bytesRead === size ? bytes : undefined;
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}

/** Ends before more can come out; the last chunk of LZMA2 may be 2 MiB too many. */
async function* bounded(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  const counter = new XzCounter();
  for await (const piece of source) {
    counter.feed(piece);
    if (counter.size > size) throw new Error(`more than ${size} bytes`);
    yield piece;
  }
}
