/**
 * The list of a zip archive (also .jar, .whl, .xpi): what its central directory says of each entry. PKWARE APPNOTE 6.3,
 * sections 4.3.12 and 4.3.16. Contents are not unpacked; archives above 4 GiB (zip64) are refused.
 */
import { SheafError } from '../../kit/error.ts';

export type ZipEntry = {
  readonly path: string;
  /** Local time of whoever packed it, `2026-11-21 10:00:02`: even seconds, no zone. */
  readonly time: string;
  readonly crc32: number;
  readonly size: number;
  readonly compressedSize: number;
  readonly method: number;
  /** The high half of "external attributes": permissions, where a Unix packed it. */
  readonly mode: number;
};

const mostEntries = 200_000;
const endSize = 22;
const headerSize = 46;
const longestComment = 0xffff;

export function isZip(bytes: Uint8Array): boolean {
  return (
    bytes[0] === 0x50 && bytes[1] === 0x4b && ((bytes[2] === 3 && bytes[3] === 4) || (bytes[2] === 5 && bytes[3] === 6))
  );
}

/** The entries in their order. Throws `bad-zip` with the offset. */
export function readZip(bytes: Uint8Array, file = 'zip archive'): ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(view);
  if (end === undefined) throw bad(file, bytes.length, 'it has no end of a central directory');
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (count === 0xffff || at === 0xffffffff) throw bad(file, end, 'it is of the form zip64');
  if (count > mostEntries) throw bad(file, end, `it has more than ${mostEntries} entries`);
  const entries: ZipEntry[] = [];
  for (let index = 0; index < count; index++) {
    if (at + headerSize > end || view.getUint32(at, true) !== 0x02014b50) {
      throw bad(file, at, 'an entry of its central directory is missing');
    }
    const [name, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true)) as [
      number,
      number,
      number,
    ];
    const next = at + headerSize + name + extra + comment;
    if (next > end) throw bad(file, at, 'an entry of its central directory does not fit');
    entries.push({
      path: new TextDecoder().decode(bytes.subarray(at + headerSize, at + headerSize + name)),
      time: dosTime(view.getUint16(at + 14, true), view.getUint16(at + 12, true)),
      crc32: view.getUint32(at + 16, true),
      compressedSize: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      method: view.getUint16(at + 10, true),
      mode: view.getUint32(at + 38, true) >>> 16,
    });
    at = next;
  }
  return entries;
}

/** Section 4.3.16: it is the last thing but for a comment, whose length it says. */
function findEnd(view: DataView): number | undefined {
  const last = view.byteLength - endSize;
  for (let at = last; at >= Math.max(0, last - longestComment); at--) {
    if (view.getUint32(at, true) === 0x06054b50 && at + endSize + view.getUint16(at + 20, true) === view.byteLength)
      return at;
  }
  return undefined;
}

function dosTime(date: number, time: number): string {
  const two = (number: number) => String(number).padStart(2, '0');
  const day = `${1980 + (date >> 9)}-${two((date >> 5) & 15)}-${two(date & 31)}`;
  return `${day} ${two(time >> 11)}:${two((time >> 5) & 63)}:${two((time & 31) * 2)}`;
}

function bad(file: string, offset: number, state: string): SheafError {
  return new SheafError('bad-zip', `Cannot read ${file}: ${state}`, { place: { file, offset } });
}
