/** One header of a tar archive: what it says itself, and what extended headers before it say. See `tar.ts`. */
import { SheafError } from '../../kit/error.ts';

export type TarType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character-device' | 'block-device' | 'fifo';

export type TarEntry = {
  /** As written, with the `/` that may end a directory's. */
  readonly path: string;
  readonly type: TarType;
  /** Of the content, in bytes; it is at `bytes.subarray(offset, offset + size)`. */
  readonly size: number;
  readonly offset: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user: string;
  readonly group: string;
  /** Seconds since the epoch, cut to whole ones. */
  readonly mtime: number;
  /** Target of a link, otherwise empty. */
  readonly link: string;
};

export const tarBlock = 512;
const types: Readonly<Record<string, TarType>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
};

export type TarHeader = Omit<TarEntry, 'offset' | 'type'> & { readonly type: string };

/** What extended headers say instead of the header. */
export type TarExtension = Partial<
  Writable<Pick<TarEntry, 'path' | 'link' | 'size' | 'uid' | 'gid' | 'user' | 'group' | 'mtime'>>
>;
type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** pax headers for the next entry (`x`) and for all that follow (`g`); GNU's long path (`L`) and link target (`K`). */
export function isTarExtension(type: string): boolean {
  return type === 'x' || type === 'g' || type === 'L' || type === 'K';
}

/** What the content of an extended header says. */
export function parseTarExtension(content: Uint8Array, type: string, offset: number, file: string): TarExtension {
  if (type === 'L') return { path: decode(untilNul(content), offset, file) };
  if (type === 'K') return { link: decode(untilNul(content), offset, file) };
  const said = parsePax(content, offset, file);
  // Readers differ in whether these apply to all entries; nobody writes them.
  if (type === 'g' && (said.path ?? said.link ?? said.size) !== undefined) {
    throw badTar(file, offset, 'a global header sets the path, link or size of every entry');
  }
  return said;
}

/** The entry of a header that is no extended one. */
export function toTarEntry(header: TarHeader, said: TarExtension, position: number, file: string): TarEntry {
  const type = types[header.type];
  if (type === undefined) {
    throw badTar(file, position + 156, `an entry has the unknown type ${JSON.stringify(header.type)}`);
  }
  const entry = { ...header, ...said };
  if (entry.path === '') throw badTar(file, position, 'an entry has no path');
  // Readers differ in whether a content follows, so that what one takes for content is an entry to another.
  if (entry.size > 0 && type !== 'file') throw badTar(file, position, 'an entry that is no file says it has a content');
  return {
    ...entry,
    // Before POSIX, a directory was a file whose name ends in a slash.
    type: type === 'file' && entry.path.endsWith('/') && entry.size === 0 ? 'directory' : type,
    link: type === 'symlink' || type === 'hardlink' ? entry.link : '',
    offset: position + tarBlock,
  };
}

/**
 * The header in this block, which stands at `position`; undefined for a block of zeroes, which ends the archive: nothing is
 * read behind the first. What was `said` before it goes first: the header's own name is then cut, maybe inside a character.
 * So may be that of an extended header, which says nothing.
 */
export function parseTarHeader(
  header: Uint8Array,
  said: TarExtension,
  position: number,
  file: string,
): TarHeader | undefined {
  if (header.length < tarBlock) throw badTar(file, position, 'it ends inside a header');
  if (header.every((byte) => byte === 0)) return undefined;
  const number = (from: number, length: number, what: string) => {
    const value = parseNumber(header.subarray(from, from + length));
    if (value === undefined) throw badTar(file, position + from, `the ${what} of an entry is not a number`);
    return value;
  };
  const text = (from: number, length: number) =>
    decode(untilNul(header.subarray(from, from + length)), position + from, file);
  if (number(148, 8, 'checksum') !== checksum(header)) {
    throw badTar(file, position, 'the checksum of a header does not fit');
  }
  const magic = String.fromCharCode(...header.subarray(257, 263));
  // GNU ("ustar " with a space) uses the room of the prefix for other things.
  const prefix = magic === 'ustar\0' ? text(345, 155) : '';
  const ownPath = () => (prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`);
  const type = String.fromCharCode(header[156]!);
  return {
    path: isTarExtension(type) ? '' : (said.path ?? ownPath()),
    mode: number(100, 8, 'mode') & 0o7777,
    uid: number(108, 8, 'owner'),
    gid: number(116, 8, 'group'),
    size: number(124, 12, 'size'),
    mtime: number(136, 12, 'time'),
    type,
    link: said.link ?? text(157, 100),
    user: magic.startsWith('ustar') ? text(265, 32) : '',
    group: magic.startsWith('ustar') ? text(297, 32) : '',
  };
}

/** Octal digits, or none, ended by spaces or NULs; or GNU's base-256 with the top bit set, when it is positive. */
function parseNumber(bytes: Uint8Array): number | undefined {
  if (bytes[0] === 0x80) {
    let value = 0;
    for (const byte of bytes.subarray(1)) value = value * 256 + byte;
    return Number.isSafeInteger(value) ? value : undefined;
  }
  let at = 0;
  while (bytes[at] === 0x20) at++;
  let value = 0;
  for (; bytes[at]! >= 0x30 && bytes[at]! <= 0x37; at++) value = value * 8 + bytes[at]! - 0x30;
  for (; at < bytes.length; at++) if (bytes[at] !== 0 && bytes[at] !== 0x20) return undefined;
  return value;
}

/** The sum of all bytes, with the checksum's own taken as spaces. */
function checksum(header: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < tarBlock; i++) sum += i >= 148 && i < 156 ? 0x20 : header[i]!;
  return sum;
}

/** pax: records of `length key=value` LF, the length in decimal, counting itself. */
function parsePax(content: Uint8Array, offset: number, file: string): TarExtension {
  const extension: TarExtension = {};
  let position = 0;
  while (position < content.length) {
    const space = content.indexOf(0x20, position);
    const digits =
      space === -1 || space - position > 8 ? '' : String.fromCharCode(...content.subarray(position, space));
    const length = /^\d+$/.test(digits) ? Number(digits) : 0;
    const end = position + length;
    if (length < digits.length + 4 || end > content.length || content[end - 1] !== 0x0a) {
      throw badTar(file, offset + position, 'a record of an extended header has a wrong length');
    }
    const record = content.subarray(space + 1, end - 1);
    const equals = record.indexOf(0x3d);
    if (equals < 1) throw badTar(file, offset + position, 'a record of an extended header is not key=value');
    const key = decode(record.subarray(0, equals), offset + position, file);
    // The value of an extended attribute is any bytes.
    if (!key.startsWith('SCHILY.xattr.')) {
      const value = decode(record.subarray(equals + 1), offset + position, file);
      applyRecord(extension, key, value, offset + position, file);
    }
    position = end;
  }
  return extension;
}

function applyRecord(extension: TarExtension, key: string, value: string, offset: number, file: string): void {
  if (key.startsWith('GNU.sparse.')) throw badTar(file, offset, 'it holds a sparse file');
  const texts = { path: 'path', linkpath: 'link', uname: 'user', gname: 'group' } as const;
  const numbers = { size: 'size', uid: 'uid', gid: 'gid', mtime: 'mtime' } as const;
  if (Object.hasOwn(texts, key)) {
    if (value.includes('\0')) throw badTar(file, offset, `the ${key} of an entry holds a NUL`);
    extension[texts[key as keyof typeof texts]] = value;
  } else if (Object.hasOwn(numbers, key)) {
    const pattern = key === 'mtime' ? /^-?\d{1,15}(?:\.\d*)?$/ : /^\d{1,15}$/;
    if (!pattern.test(value)) throw badTar(file, offset, `the ${key} of an entry is not a number`);
    extension[numbers[key as keyof typeof numbers]] = Math.floor(Number(value));
  }
}

function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end === -1 ? bytes : bytes.subarray(0, end);
}

function decode(bytes: Uint8Array, offset: number, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    const shown = JSON.stringify(String.fromCharCode(...bytes.subarray(0, 200)));
    throw new SheafError('bad-tar', `Cannot read ${file}: the name ${shown} is not UTF-8`, {
      place: { file, offset },
      hint: 'Names of files are UTF-8 (Debian Policy 10.10): it must be packed again.',
      cause,
    });
  }
}

export function badTar(file: string, offset: number, state: string): SheafError {
  return new SheafError('bad-tar', `Cannot read ${file}: ${state}`, { place: { file, offset } });
}
