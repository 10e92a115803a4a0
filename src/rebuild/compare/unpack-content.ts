/** What is in a compressed file of a package, for a look into it. */
import type { MemberCompression } from '../../formats/deb/deb-members.ts';
import type { CompareDeps, CompareLimits } from './ports.ts';

/** More is not unpacked only to be looked into. */
const largestContent = 64 * 2 ** 20;

export type Taken = { readonly deps: CompareDeps; readonly limits: CompareLimits };

/** Throws `bad-compression` or `over-limit`. */
export async function unpackContent(
  bytes: Uint8Array,
  kind: MemberCompression,
  { deps, limits }: Taken,
): Promise<Uint8Array> {
  async function* source() {
    yield bytes;
  }
  const pieces: Uint8Array[] = [];
  const limit = Math.min(limits.file, largestContent);
  for await (const piece of deps.decompress(source(), { kind, limit, file: kind })) pieces.push(piece);
  return Buffer.concat(pieces);
}
