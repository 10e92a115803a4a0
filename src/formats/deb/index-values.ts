/**
 * Values that the readers of Packages and Sources share. Each is checked as far as others rely on it: names, versions
 * and architectures have only characters that are safe in a table and a command line, hashes and sizes are such, and a
 * path stays inside the archive. Broader than Policy where archives of former years are.
 */
import { fieldNumber, type IndexFields, type KnownField } from './index-fields.ts';
import { splitVersion } from './version.ts';
import { shown, splitWords } from './words.ts';

/** A file as an index lists it. `sha256` is empty where the index has none (before 2007). */
export type IndexedFile = { readonly name: string; readonly size: number; readonly sha256: string };

const { Package, Source, Version, Architecture, Filename, Size, SHA256, Directory, Files } = fieldNumber;
const checksumsSha256 = fieldNumber['Checksums-Sha256'];

const inName = 1;
const inVersion = 2;
const inArchitecture = 4;
const inHash = 8;
const classes = new Uint8Array(256);
for (const [kind, characters] of [
  [inName, /[A-Za-z0-9+._-]/],
  [inVersion, /[A-Za-z0-9.+:~_-]/],
  [inArchitecture, /[A-Za-z0-9_-]/],
  [inHash, /[A-Fa-f0-9]/],
] as const) {
  for (let code = 0; code < 128; code++) if (characters.test(String.fromCharCode(code))) classes[code]! |= kind;
}

const longestName = 200;
const longestVersion = 250;
const longestPath = 4096;

export const isNameByte = (code: number): boolean => (classes[code]! & inName) !== 0;

/** Policy 5.6.1, with the capitals and underlines that names once had. */
export function readName(fields: IndexFields): string {
  const text = readWord(fields, Package, inName, longestName);
  if (text !== undefined && /^[A-Za-z0-9]/.test(text)) return text;
  throw refuse(fields, 'Package', 'a package name');
}

/** deb-version(7). Whatever passes here can be compared. */
export function readVersion(fields: IndexFields): string {
  const text = readWord(fields, Version, inVersion, longestVersion);
  if (text !== undefined && isVersion(text)) return text;
  throw refuse(fields, 'Version', 'a version');
}

export function readArchitecture(fields: IndexFields): string {
  const text = readWord(fields, Architecture, inArchitecture, longestName);
  if (text !== undefined && !text.startsWith('-')) return text;
  throw refuse(fields, 'Architecture', 'an architecture');
}

/** `name` or `name (version)`; without the field, what the package itself is (Policy 5.6.1). */
export function readSource(fields: IndexFields, name: string, version: string): { name: string; version: string } {
  if (!fields.has(Source)) return { name, version };
  const text = fields.value(Source);
  if (text.length > 2 * longestVersion) throw refuse(fields, 'Source', 'a name with a version');
  const match = /^([A-Za-z0-9][A-Za-z0-9+._-]*)(?:\s*\(\s*([A-Za-z0-9.+:~_-]+)\s*\))?$/.exec(text);
  if (match === null || (match[2] !== undefined && !isVersion(match[2]))) {
    throw refuse(fields, 'Source', 'a name with a version');
  }
  return { name: match[1]!, version: match[2] ?? version };
}

/** 0 where the index does not say it. */
export function readSize(fields: IndexFields): number {
  if (!fields.has(Size)) return 0;
  const size = readNumber(fields, Size);
  if (size === undefined) throw refuse(fields, 'Size', 'a number of bytes');
  return size;
}

/** In lower case; empty where the index does not say it. */
export function readSha256(fields: IndexFields): string {
  if (!fields.has(SHA256)) return '';
  const text = readWord(fields, SHA256, inHash, 64);
  if (text?.length !== 64) throw refuse(fields, 'SHA256', 'a SHA-256');
  return /[A-F]/.test(text) ? text.toLowerCase() : text;
}

/** Relative to the archive's root; undefined where the index does not say it. */
export function readFilename(fields: IndexFields): string | undefined {
  if (!fields.has(Filename)) return undefined;
  const path = fields.value(Filename);
  checkPath(fields, 'Filename', path);
  if (path === '' || path.endsWith('/')) throw refuse(fields, 'Filename', 'the path of a file');
  return path;
}

/** Relative to the archive's root, empty for the root itself; undefined where the index does not say it. */
export function readDirectory(fields: IndexFields): string | undefined {
  if (!fields.has(Directory)) return undefined;
  const path = fields.value(Directory);
  checkPath(fields, 'Directory', path);
  return path === '.' ? '' : path;
}

/** The files of a source package, by `Checksums-Sha256` or else by `Files`. */
export function readSourceFiles(fields: IndexFields): IndexedFile[] {
  const strong = fields.has(checksumsSha256);
  const name = strong ? 'Checksums-Sha256' : 'Files';
  const text = fields.list(strong ? checksumsSha256 : Files);
  const files: IndexedFile[] = [];
  for (let start = 0; start < text.length;) {
    const end = endOfLine(text, start);
    const match = /^\s*([0-9A-Fa-f]+)\s+(\d{1,15})\s+(\S+)\s*$/.exec(text.slice(start, end));
    if (match !== null) files.push(toFile(fields, name, strong, match as unknown as [string, string, string, string]));
    else if (text.slice(start, end).trim() !== '') {
      throw fields.badField(name, `${shown(text.slice(start, end))} is not "checksum size name"`);
    }
    start = end + 1;
  }
  return files;
}

function toFile(
  fields: IndexFields,
  field: KnownField,
  strong: boolean,
  [, checksum, size, name]: readonly [string, string, string, string],
): IndexedFile {
  if (checksum.length !== (strong ? 64 : 32)) {
    throw fields.badField(field, `${shown(checksum)} is not ${strong ? 'a SHA-256' : 'an MD5'}`);
  }
  if (name.includes('/') || isOutside(name)) throw fields.badField(field, `${shown(name)} is not a plain file name`);
  return { name, size: Number(size), sha256: strong ? checksum.toLowerCase() : '' };
}

/** The value where all of it is of one class; undefined when it is absent, empty, too long or holds something else. */
function readWord(fields: IndexFields, number: number, kind: number, longest: number): string | undefined {
  const from = fields.valueStart(number);
  const to = fields.valueEnd(number);
  if (to === from || to - from > longest) return undefined;
  const { bytes, start } = fields;
  for (let at = start + from; at < start + to; at++) if ((classes[bytes[at]!]! & kind) === 0) return undefined;
  return kind === inHash ? fields.slice(from, to) : fields.words.read(bytes, start + from, start + to);
}

/** Up to fifteen digits; undefined for anything else. */
export function readNumber(fields: IndexFields, number: number): number | undefined {
  const from = fields.valueStart(number);
  const to = fields.valueEnd(number);
  if (to === from || to - from > 15) return undefined;
  const { bytes, start } = fields;
  let value = 0;
  for (let at = start + from; at < start + to; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = 10 * value + digit;
  }
  return value;
}

function isVersion(text: string): boolean {
  if (!/[:-]/.test(text)) return true;
  try {
    splitVersion(text);
    return true;
  } catch {
    return false;
  }
}

function checkPath(fields: IndexFields, name: KnownField, path: string): void {
  if (path.length > longestPath) throw fields.badField(name, `the path has more than ${longestPath} characters`);
  if (path.startsWith('/') || isOutside(path)) throw fields.badField(name, `${shown(path)} leaves the archive`);
}

/** Whether a path, or the address that a client makes of it, could mean something outside of the directory it is below. */
function isOutside(path: string): boolean {
  if (!/\.\.|[%\\:\0-\x1f\x7f\uFFFD]/.test(path)) return false;
  if (/[\\\0-\x1f\x7f\uFFFD]/.test(path) || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(path)) return true;
  return path
    .replaceAll(/%2e/gi, '.')
    .split(/\/|%2f|%5c/i)
    .includes('..');
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}

function refuse(fields: IndexFields, name: KnownField, what: string) {
  const value = fields.value(fieldNumber[name]);
  return value === '' ? fields.missing(name) : fields.badField(name, `${shown(value)} is not ${what}`);
}

/** A list separated by commas or white space. */
export function readWords(fields: IndexFields, number: number): string[] {
  return fields.has(number) ? splitWords(fields.list(number).replaceAll(',', ' ')) : [];
}
