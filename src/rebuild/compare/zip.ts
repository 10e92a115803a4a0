/** Two zip archives, jars and wheels among them, by what their lists say: contents are known by their sums. */
import { readZip, type ZipEntry } from '../../formats/container/zip.ts';
import type { Contents } from './content.ts';
import { compareParts, headerDetail } from './parts.ts';
import type { ContentDetail } from './types.ts';

/** Throws `bad-zip`. */
export async function compareZips({ left, right }: Contents): Promise<ContentDetail[]> {
  const entries = (bytes: Uint8Array) => readZip(bytes).map((entry) => ({ ...entry, name: entry.path }));
  return compareParts(entries(left), entries(right), compareEntry);
}

function compareEntry(left: ZipEntry, right: ZipEntry): ContentDetail[] {
  const content = ({ crc32, size }: ZipEntry) => `${size} bytes, CRC-32 ${crc32.toString(16).padStart(8, '0')}`;
  const packed = ({ method, compressedSize }: ZipEntry) => `method ${method}, ${compressedSize} bytes`;
  const sameContent = content(left) === content(right);
  return [
    ...headerDetail('time', left.time, right.time),
    ...headerDetail('mode', left.mode.toString(8), right.mode.toString(8)),
    ...headerDetail('content', content(left), content(right)),
    ...(sameContent ? headerDetail('compression', packed(left), packed(right)) : []),
  ];
}
