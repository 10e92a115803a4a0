/** Two tar archives inside a package: which entries there are, what is said of them, and what is in them. */
import { readTar } from '../../formats/container/tar.ts';
import { tarBlock, type TarEntry } from '../../formats/container/tar-header.ts';
import type { Contents, LookInside } from './content.ts';
import { compareParts, headerDetail } from './parts.ts';
import type { CompareLimits } from './ports.ts';
import { shown, shownTime } from './shown.ts';
import type { ContentDetail } from './types.ts';

const longestPath = 4096;

/** `ustar` stands in all headers but those of V7, which nobody writes any more. */
export function isTar(bytes: Uint8Array): boolean {
  return bytes.length >= tarBlock && Buffer.from(bytes.subarray(257, 262)).toString('latin1') === 'ustar';
}

/** Throws `bad-tar`. */
export async function compareTars(
  { left, right }: Contents,
  inside: LookInside,
  { limits }: { readonly limits: CompareLimits },
): Promise<ContentDetail[]> {
  const { entries, file: bytes } = limits;
  const partsOf = (archive: Uint8Array) =>
    readTar(archive, { entries, bytes, path: longestPath }).map((entry) => {
      const content = archive.subarray(entry.offset, entry.offset + entry.size);
      return { ...entry, name: entry.path, content };
    });
  return compareParts(partsOf(left), partsOf(right), async (one, other) => [
    ...compareHeaders(one, other),
    ...(Buffer.compare(one.content, other.content) === 0
      ? []
      : await inside({ name: one.name, left: one.content, right: other.content })),
  ]);
}

function compareHeaders(left: TarEntry, right: TarEntry): ContentDetail[] {
  const owner = ({ user, group, uid, gid }: TarEntry) => shown(`${user}:${group} (${uid}:${gid})`);
  return [
    ...headerDetail('type', left.type, right.type),
    ...(left.mtime === right.mtime ? [] : headerDetail('time', shownTime(left.mtime), shownTime(right.mtime))),
    ...headerDetail('owner', owner(left), owner(right)),
    ...headerDetail('mode', left.mode.toString(8), right.mode.toString(8)),
    ...headerDetail('link', shown(left.link), shown(right.link)),
  ];
}
