/**
 * `Contents` indexes: which package has which file. Debian's RepositoryFormat, "Contents" indices: a line for each path
 * (relative to the root, without a leading slash; it may hold spaces), white space, and a comma-separated list of
 * packages, each `[[area/]section/]name`, sorted by path. Old archives put free text before it, which ends with a line
 * of the words FILE and LOCATION.
 *
 * All functions take a whole file, or any run of whole lines of one.
 */
import { SheafError } from '../../kit/error.ts';
import { byteFinder, compareBytes } from '../container/byte-search.ts';

export type ContentsEntry = {
  readonly path: string;
  /** Names only, as listed. */
  readonly packages: readonly string[];
};

const lf = 0x0a;
const space = 0x20;
const tab = 0x09;
const comma = 0x2c;
const slash = 0x2f;

/** So many bytes are made a text at a time. */
const blockSize = 2 ** 20;
/** Linux knows no longer path, and no list of packages comes near. */
const longestLine = 2 ** 18;
/** PATH_MAX of Linux, in characters; package readers know no longer ones either. */
const longestPath = 4096;
/** Where the free text before the table may end at the latest. */
const longestHeader = 2 ** 16;

/**
 * Whether a line can say this path, so that a reader gets it back as it is: without control characters (a line ends with
 * LF), and neither begun nor ended with white space.
 */
export function isContentsPath(path: string): boolean {
  // eslint-disable-next-line no-control-regex
  return path !== '' && path.length <= longestPath && !/[\0-\x1f\x7f]|^[\s/]|\s$/.test(path);
}

/** How an index calls a package: with its section, unless that is missing or none that can stand in a line. */
export function contentsName(section: string | undefined, name: string): string {
  return section !== undefined && /^[A-Za-z0-9][A-Za-z0-9+._/-]{0,100}$/.test(section) ? `${section}/${name}` : name;
}

/**
 * Every line in its order. Bytes of a path that are not UTF-8 become U+FFFD. Throws `bad-contents` with the file and the
 * byte where a bad line begins.
 */
export function* readContents(bytes: Uint8Array, file = 'Contents'): Generator<ContentsEntry, void, undefined> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let known: { readonly location: string; readonly packages: readonly string[] } = { location: '', packages: [] };
  for (let start = tableStart(bytes); start < bytes.length;) {
    const end = blockEnd(bytes, start, file);
    const text = decoder.decode(bytes.subarray(start, end));
    for (let from = 0; from < text.length;) {
      const newline = text.indexOf('\n', from);
      const stop = newline === -1 ? text.length : newline;
      const cut = lastBlank(text, from, stop);
      const location = text.slice(cut + 1, stop);
      if (location !== known.location) known = { location, packages: packagesOf(location) };
      const path = text.slice(from, trimmed(text, from, cut));
      const state = fault(path, known.packages);
      if (state !== undefined) {
        // Offsets in the text are no offsets in the file where a character has several bytes.
        const offset = start + new TextEncoder().encode(text.slice(0, from)).length;
        throw bad(file, offset, state);
      }
      yield { path, packages: known.packages };
      from = stop + 1;
    }
    start = end;
  }
}

/**
 * The line of a path, by halving: in a file sorted as archives sort it (by the bytes of the path), some twenty lines are
 * looked at. Undefined when it is not there.
 */
export function findPath(bytes: Uint8Array, path: string): ContentsEntry | undefined {
  const wanted = new TextEncoder().encode(path);
  let low = tableStart(bytes);
  let high = bytes.length;
  while (low < high) {
    const start = lineStart(bytes, low, Math.floor((low + high) / 2));
    const end = lineEnd(bytes, start);
    const order = compareBytes(pathOfLine(bytes.subarray(start, end)), wanted);
    if (order === 0) return entryOfLine(bytes.subarray(start, end));
    if (order < 0) low = end + 1;
    else high = start;
  }
  return undefined;
}

/** The lines whose path holds `substring`, in their order. Lines without a path or a package are passed over. */
export function* searchPaths(bytes: Uint8Array, substring: string): Generator<ContentsEntry, void, undefined> {
  const needle = new TextEncoder().encode(substring);
  const find = byteFinder(needle);
  for (const line of linesWith(bytes, needle)) {
    // What was found may stand in the list of packages.
    if (find(pathOfLine(line), 0) === -1) continue;
    const entry = entryOfLine(line);
    if (entry !== undefined) yield entry;
  }
}

/** The paths of one package, in their order. */
export function* pathsOfPackage(bytes: Uint8Array, name: string): Generator<string, void, undefined> {
  const needle = new TextEncoder().encode(name);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  for (const line of linesWith(bytes, needle)) {
    if (mentions(line, needle)) yield decoder.decode(pathOfLine(line));
  }
}

/** Whether a line (with or without its LF) lists the package of this name. */
export function lineMentionsPackage(line: Uint8Array, name: string): boolean {
  return mentions(line.at(-1) === lf ? line.subarray(0, -1) : line, new TextEncoder().encode(name));
}

function mentions(line: Uint8Array, name: Uint8Array): boolean {
  if (name.length === 0) return false;
  const find = byteFinder(name);
  const location = lastBlankByte(line) + 1;
  for (let at = find(line, location); at !== -1; at = find(line, at + 1)) {
    const before = line[at - 1];
    const after = line[at + name.length];
    const begins = at === location || before === slash || before === comma;
    if (begins && (after === undefined || after === comma)) return true;
  }
  return false;
}

/** Each line (without its LF) that holds the needle, once. */
function* linesWith(bytes: Uint8Array, needle: Uint8Array): Generator<Uint8Array, void, undefined> {
  const find = byteFinder(needle);
  const table = tableStart(bytes);
  for (let at = find(bytes, table); at !== -1 && at < bytes.length;) {
    const start = lineStart(bytes, table, at);
    const end = lineEnd(bytes, at);
    yield bytes.subarray(start, end);
    at = find(bytes, end + 1);
  }
}

function entryOfLine(line: Uint8Array): ContentsEntry | undefined {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const path = decoder.decode(pathOfLine(line));
  const packages = packagesOf(decoder.decode(line.subarray(lastBlankByte(line) + 1)));
  return fault(path, packages) === undefined ? { path, packages } : undefined;
}

/** The bytes before the last run of white space; none when there is no white space. */
function pathOfLine(line: Uint8Array): Uint8Array {
  let end = Math.max(lastBlankByte(line), 0);
  while (end > 0 && (line[end - 1] === space || line[end - 1] === tab)) end--;
  return line.subarray(0, end);
}

function lastBlankByte(line: Uint8Array): number {
  let at = line.length - 1;
  while (at >= 0 && line[at] !== space && line[at] !== tab) at--;
  return at;
}

/** Where the line that holds the byte at `at` begins, not before `table`. */
function lineStart(bytes: Uint8Array, table: number, at: number): number {
  while (at > table && bytes[at - 1] !== lf) at--;
  return at;
}

function lineEnd(bytes: Uint8Array, at: number): number {
  const end = bytes.indexOf(lf, at);
  return end === -1 ? bytes.length : end;
}

/** Behind the free text of an old archive, if there is some: its last line is the head of the table. */
function tableStart(bytes: Uint8Array): number {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, longestHeader));
  const match = /^FILE[ \t]+LOCATION[ \t]*$/m.exec(head);
  return match === null ? 0 : Math.min(match.index + match[0].length + 1, bytes.length);
}

/** Behind the last line that ends within the block, or behind the one line that is longer. */
function blockEnd(bytes: Uint8Array, start: number, file: string): number {
  if (bytes.length - start <= blockSize) return bytes.length;
  const end = bytes.lastIndexOf(lf, start + blockSize - 1);
  if (end < start) throw bad(file, start, `a line is longer than ${longestLine} bytes`);
  return end + 1;
}

function lastBlank(text: string, from: number, stop: number): number {
  let at = stop - 1;
  for (; at >= from; at--) {
    const code = text.charCodeAt(at);
    if (code === space || code === tab) return at;
  }
  return from - 1;
}

function trimmed(text: string, from: number, end: number): number {
  while (end > from && (text.charCodeAt(end - 1) === space || text.charCodeAt(end - 1) === tab)) end--;
  return Math.max(end, from);
}

function packagesOf(location: string): string[] {
  return location.split(',').map((each) => each.slice(each.lastIndexOf('/') + 1));
}

/** What is wrong with a line, or undefined. */
function fault(path: string, packages: readonly string[]): string | undefined {
  if (path === '') return 'a line is not a path, white space and packages';
  if (path.length > longestLine) return `a line is longer than ${longestLine} bytes`;
  if (path.includes('\0')) return 'a path holds a NUL byte';
  if (path.startsWith('/')) return `the path ${shown(path)} begins with a slash`;
  if (path.includes('..') && path.split('/').includes('..')) return `the path ${shown(path)} leaves the root`;
  const wrong = packages.find((name) => !/^[A-Za-z0-9][A-Za-z0-9+.~_:-]*$/.test(name));
  return wrong === undefined ? undefined : `${shown(wrong)} is not the name of a package`;
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

function bad(file: string, offset: number, state: string): SheafError {
  return new SheafError('bad-contents', `Cannot read ${file}: ${state}`, { place: { file, offset } });
}
