/** One archive inside a package, control or data, as a stream of entries. */
import { createHash } from 'node:crypto';

import { streamAr } from '../../formats/container/ar.ts';
import { streamTar, type StreamedTarEntry } from '../../formats/container/tar.ts';
import { badDeb, memberCompression } from '../../formats/deb/deb-members.ts';
import { DebPaths, plainPath } from '../../formats/deb/deb-paths.ts';
import type { DebMember } from './members.ts';
import type { CompareDeps, CompareLimits, DebInput } from './ports.ts';

export type OpenPart = {
  /** Paths without `./` before and `/` behind. Throws `bad-deb`, `bad-tar`, `bad-compression` or `over-limit`. */
  readonly entries: AsyncGenerator<StreamedTarEntry>;
  /** SHA-256 of the archive, decompressed; only after all entries were read, while `isWanted` said so. */
  readonly digest: () => string;
};

export function openPart(
  input: DebInput,
  member: DebMember,
  { decompress }: Pick<CompareDeps, 'decompress'>,
  limits: CompareLimits,
  isWanted: () => boolean,
): OpenPart {
  const hash = createHash('sha256');
  const where = `${input.name}: ${member.name}`;
  async function* entries(): AsyncGenerator<StreamedTarEntry> {
    const paths = new DebPaths();
    const { bytes: limit, entries: most } = limits;
    const kind = memberCompression(member.name);
    async function* bytes(): AsyncGenerator<Uint8Array> {
      for await (const piece of decompress(contentOf(input, member), { kind, limit, file: where })) {
        if (isWanted()) hash.update(piece);
        yield piece;
      }
    }
    for await (const entry of streamTar(bytes(), { entries: most, bytes: limit, path: 4096 }, where)) {
      const path = plainPath(entry.path);
      const state = paths.fault(path, entry.type, entry.link);
      if (state !== undefined) throw badDeb(input.name, member.offset, `${member.name}: ${state}`);
      yield { ...entry, path, link: entry.type === 'hardlink' ? plainPath(entry.link) : entry.link };
    }
  }
  return { entries: entries(), digest: () => hash.digest('hex') };
}

async function* contentOf({ name, open }: DebInput, { headerOffset }: DebMember): AsyncGenerator<Uint8Array> {
  for await (const member of streamAr(open(), name)) {
    if (member.headerOffset !== headerOffset) continue;
    yield* member.content;
    return;
  }
}
