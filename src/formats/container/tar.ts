/**
 * Tar archives, uncompressed: V7, ustar, pax and GNU's long names. POSIX.1-2017 pax, "ustar Interchange Format" and
 * "pax Header Block"; tar(5). Which paths are safe to unpack is for the caller to say: see `isContainedPath`.
 */
import { ByteSource } from './byte-source.ts';
import { tarBlock, type TarEntry } from './tar-header.ts';
import { paddedSize, TarWalk, type TarLimits } from './tar-walk.ts';

/** The entries in their order. Throws `bad-tar` with the offset. */
export function readTar(bytes: Uint8Array, limits: TarLimits, file = 'archive'): TarEntry[] {
  const walk = new TarWalk(limits, file);
  const entries: TarEntry[] = [];
  let position = 0;
  while (position < bytes.length) {
    const offset = position + tarBlock;
    const step = walk.header(bytes.subarray(position, offset), position, bytes.length - offset);
    if (step.kind === 'end') return entries;
    let size = 0;
    if (step.kind === 'extension') {
      size = step.size;
      walk.extension(step, bytes.subarray(offset, offset + size), position);
    } else {
      size = step.entry.size;
      entries.push(step.entry);
    }
    position = offset + paddedSize(size);
  }
  walk.end(Math.min(position, bytes.length));
  return entries;
}

/** An entry of a stream; its content may be read until the next entry is asked for. `offset` is that in the archive. */
export type StreamedTarEntry = TarEntry & { readonly content: AsyncIterable<Uint8Array> };

/** The same for an archive that comes piece by piece: contents that are not read are passed over. */
export async function* streamTar(
  pieces: AsyncIterable<Uint8Array>,
  limits: TarLimits,
  file = 'archive',
): AsyncGenerator<StreamedTarEntry> {
  const source = new ByteSource(pieces);
  const walk = new TarWalk(limits, file);
  try {
    while (!(await source.atEnd())) {
      const { position } = source;
      const step = walk.header(await source.take(tarBlock), position);
      if (step.kind === 'end') {
        // What is packed must unpack to its end, for its sums to be looked at.
        await source.skip(Infinity);
        return;
      }
      if (step.kind === 'extension') {
        walk.extension(step, await source.take(step.size), position);
        await source.skip(paddedSize(step.size) - step.size);
      } else {
        const { entry } = step;
        const end = entry.offset + entry.size;
        yield { ...entry, content: contentOf(source, walk, entry) };
        await source.skip(end - source.position);
        walk.checkSize(entry, source.position - entry.offset);
        await source.skip(paddedSize(entry.size) - entry.size);
      }
    }
    walk.end(source.position);
  } finally {
    await source.close();
  }
}

async function* contentOf(source: ByteSource, walk: TarWalk, entry: TarEntry): AsyncGenerator<Uint8Array> {
  yield* source.stream(entry.offset + entry.size - source.position);
  walk.checkSize(entry, source.position - entry.offset);
}

/** True for a relative path that stays below its directory: `./usr/bin/hello`, but not `/etc`, `..` or `a/../b`. */
export function isContainedPath(path: string): boolean {
  return path !== '' && !path.startsWith('/') && !path.includes('\0') && !path.split('/').includes('..');
}
