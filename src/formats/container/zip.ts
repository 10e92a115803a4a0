/**
 * The list of a zip archive (also .jar, .whl, .xpi): what its central directory says of each entry. PKWARE APPNOTE 6.3,
 * sections 4.3.7, 4.3.12 and 4.3.16; of extra fields those of Info-ZIP (proginfo/extrafld.txt of its sources). Archives
 * above 4 GiB (zip64) are refused.
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
  /** Of its own header, which stands before its content and says more than the list. */
  readonly offset: number;
};

/** What Info-ZIP adds to the header of an entry. Times are seconds since the epoch. */
export type ZipExtra = {
  readonly modified?: number;
  readonly accessed?: number;
  readonly created?: number;
  /** `uid:gid` */
  readonly owner?: string;
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
      offset: view.getUint32(at + 42, true),
    });
    at = next;
  }
  return entries;
}

const localSize = 30;
const deflated = 8;
const stored = 0;

/**
 * The content of an entry, as a gzip file where it is compressed. Undefined for methods other than "deflated" and
 * "stored", and where the entry has no header.
 */
export function zipContent(
  bytes: Uint8Array,
  entry: ZipEntry,
): { readonly kind: 'gzip' | 'none'; readonly bytes: Uint8Array } | undefined {
  const header = localHeader(bytes, entry);
  const content = header && bytes.subarray(header.end, header.end + entry.compressedSize);
  if (content?.length !== entry.compressedSize) return undefined;
  if (entry.method === stored) return { kind: 'none', bytes: content };
  if (entry.method !== deflated) return undefined;
  // RFC 1952: the same compressed bytes between a header and the sum.
  const gzip = new Uint8Array(content.length + 18);
  gzip.set([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  gzip.set(content, 10);
  const view = new DataView(gzip.buffer);
  view.setUint32(10 + content.length, entry.crc32, true);
  view.setUint32(14 + content.length, entry.size, true);
  return { kind: 'gzip', bytes: gzip };
}

/** Nothing where there is no such header. */
export function zipExtra(bytes: Uint8Array, entry: ZipEntry): ZipExtra {
  const { extra } = localHeader(bytes, entry) ?? { extra: new Uint8Array() };
  const view = new DataView(extra.buffer, extra.byteOffset, extra.byteLength);
  let found: ZipExtra = {};
  for (let at = 0; at + 4 <= extra.length;) {
    const [id, size] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    const end = at + 4 + size;
    if (end > extra.length) break;
    const field = new DataView(extra.buffer, extra.byteOffset + at + 4, size);
    if (id === 0x5455) found = { ...found, ...timesOf(field) };
    if (id === 0x7875) found = { ...found, ...ownerOf(field) };
    at = end;
  }
  return found;
}

/** "UT": flags, then each time that they name. */
function timesOf(field: DataView): ZipExtra {
  const flags = field.byteLength === 0 ? 0 : field.getUint8(0);
  const names = (['modified', 'accessed', 'created'] as const).filter((_, bit) => (flags & (1 << bit)) !== 0);
  const fits = names.filter((_, index) => 5 + 4 * index <= field.byteLength);
  return Object.fromEntries(fits.map((name, index) => [name, field.getInt32(1 + 4 * index, true)]));
}

/** "ux": a version, then the user and the group, each behind its size. */
function ownerOf(field: DataView): ZipExtra {
  if (field.byteLength !== 11 || field.getUint8(0) !== 1 || field.getUint8(1) !== 4 || field.getUint8(6) !== 4)
    return {};
  return { owner: `${field.getUint32(2, true)}:${field.getUint32(7, true)}` };
}

function localHeader(bytes: Uint8Array, { offset }: ZipEntry) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (offset + localSize > bytes.length || view.getUint32(offset, true) !== 0x04034b50) return undefined;
  const name = offset + localSize + view.getUint16(offset + 26, true);
  const end = name + view.getUint16(offset + 28, true);
  return end > bytes.length ? undefined : { extra: bytes.subarray(name, end), end };
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
