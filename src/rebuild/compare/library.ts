/** Two static libraries, member by member. */
import { readStaticLibrary, type LibraryMember } from '../../formats/container/static-library.ts';
import type { Contents, LookInside } from './content.ts';
import { compareParts, headerDetail } from './parts.ts';
import { shownTime } from './shown.ts';
import type { ContentDetail } from './types.ts';

/** Throws `bad-ar`. */
export async function compareLibraries({ left, right }: Contents, inside: LookInside): Promise<ContentDetail[]> {
  return compareParts(readStaticLibrary(left), readStaticLibrary(right), async (one, other) => [
    ...compareHeaders(one, other),
    ...(Buffer.compare(one.content, other.content) === 0
      ? []
      : await inside({ name: one.name, left: one.content, right: other.content })),
  ]);
}

function compareHeaders(left: LibraryMember, right: LibraryMember): ContentDetail[] {
  return [
    ...(left.mtime === right.mtime ? [] : headerDetail('time', shownTime(left.mtime), shownTime(right.mtime))),
    ...headerDetail('owner', `${left.uid}:${left.gid}`, `${right.uid}:${right.gid}`),
    ...headerDetail('mode', left.mode.toString(8), right.mode.toString(8)),
  ];
}
