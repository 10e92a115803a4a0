/** One archive inside a package, control or data, as a stream of entries. */
import { createHash } from 'node:crypto';

import { streamTar, type StreamedTarEntry } from '../../formats/container/tar.ts';
import { badDeb } from '../../formats/deb/deb-members.ts';
import { DebPaths, pathHint, plainPath } from '../../formats/deb/deb-paths.ts';
import type { CompareLimits } from './ports.ts';
import type { Packed } from './unpack.ts';

export type OpenPart = {
  /** Paths without `./` before and `/` behind. Throws `bad-deb`, `bad-tar`, `bad-compression` or `over-limit`. */
  readonly entries: AsyncGenerator<StreamedTarEntry>;
  /** SHA-256 of the archive, decompressed; only after all entries were read, while `isWanted` said so. */
  readonly digest: () => string;
};

/** `unpacked` is the archive, decompressed. */
export function openPart(
  { input, member }: Packed,
  unpacked: AsyncIterable<Uint8Array>,
  limits: CompareLimits,
  isWanted: () => boolean,
): OpenPart {
  const hash = createHash('sha256');
  const where = `${input.name}: ${member.name}`;
  async function* entries(): AsyncGenerator<StreamedTarEntry> {
    const paths = new DebPaths();
    async function* bytes(): AsyncGenerator<Uint8Array> {
      for await (const piece of unpacked) {
        if (isWanted()) hash.update(piece);
        yield piece;
      }
    }
    for await (const entry of streamTar(bytes(), { entries: limits.entries, bytes: limits.bytes, path: 4096 }, where)) {
      const path = plainPath(entry.path);
      const state = paths.fault(path, entry.type, entry.link);
      if (state !== undefined) {
        throw badDeb(input.name, member.offset, `${member.name}: ${state}`, undefined, pathHint(entry.type));
      }
      yield { ...entry, path, link: entry.type === 'hardlink' ? plainPath(entry.link) : entry.link };
    }
  }
  return { entries: entries(), digest: () => hash.digest('hex') };
}
