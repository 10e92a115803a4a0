/**
 * The fields of one stanza of an index, found in its bytes without making a string of each: what the fast readers of
 * Packages and Sources share. deb822(5), Debian's RepositoryFormat.
 *
 * Indexes are written by programs, and read by apt. Where a stanza could be read in two ways it is read as apt does: a
 * line of blanks inside a stanza continues it and does not end it. Refused is what makes readers disagree or has no
 * place in an index: NUL, CR, a line that is no field, a field that stands twice, a stanza of absurd size.
 */
import { SheafError } from '../../kit/error.ts';
import { IndexWords } from './index-words.ts';

/** The fields that have a number; every other field is kept with its name. */
const knownFields = [
  'Package', 'Source', 'Version', 'Architecture', 'Maintainer', 'Uploaders', 'Section', 'Priority',
  'Essential', 'Multi-Arch', 'Installed-Size', 'Pre-Depends', 'Depends', 'Recommends', 'Suggests', 'Enhances',
  'Breaks', 'Conflicts', 'Provides', 'Replaces', 'Built-Using', 'Description', 'Description-md5',
  'Homepage', 'Tag', 'Filename', 'Size', 'MD5sum', 'SHA256', 'Binary', 'Format', 'Standards-Version', 'Directory', 'Files',
  'Checksums-Sha256', 'Package-List', 'Testsuite', 'Vcs-Browser', 'Vcs-Git', 'Build-Depends',
  'Build-Depends-Indep', 'Build-Depends-Arch', 'Build-Conflicts', 'Build-Conflicts-Indep', 'Build-Conflicts-Arch',
] as const; // prettier-ignore

export type KnownField = (typeof knownFields)[number];

/** The number of a field, for IndexFields. */
export const fieldNumber = Object.fromEntries(knownFields.map((name, number) => [name, number])) as Readonly<
  Record<KnownField, number>
>;

/** More than any real stanza: the longest of Debian has 150 KB. */
const longestStanza = 8 * 2 ** 20;

const tab = 0x09;
const lf = 0x0a;
const cr = 0x0d;
const space = 0x20;
const hash = 0x23;
const hyphen = 0x2d;
const dot = 0x2e;
const colon = 0x3a;

/** So many names are compared one by one. */
const fewOthers = 16;

/** How a value lies in its stanza. */
const oneLine = 0;
const folded = 1;
/** With a comment, a line of dots, a tab or blanks at a line's end: what each line says has to be looked at. */
const oddlyFolded = 2;

/** One object reads many stanzas, one after the other: `read` forgets the stanza before. */
export class IndexFields {
  readonly file: string;
  readonly words = new IndexWords();
  /** How many fields the stanza has. */
  count = 0;
  bytes: Uint8Array = new Uint8Array(0);
  /** Of the stanza's piece, in `bytes`. All offsets below count from here. */
  start = 0;
  /** By number: 1 + the place of that field in the arrays, 0 when the stanza does not have it. */
  readonly #slots = new Int32Array(knownFields.length);
  #nameStart = new Int32Array(64);
  #nameEnd = new Int32Array(64);
  #valueStart = new Int32Array(64);
  #valueEnd = new Int32Array(64);
  #shape = new Uint8Array(64);
  /** Places of the fields without a number. */
  readonly #others: number[] = [];
  /** Theirs in lower case, once they are many. */
  #otherNames = new Set<string>();
  readonly #detached: boolean;
  #end = 0;
  #text = '';
  #isAscii = false;
  #decoded = false;
  #line = 1;
  #lineOffset = 0;

  /**
   * Strings are cut from one string of the whole stanza, which is fast and keeps it in memory; `detached` ones are on
   * their own, for who takes little of a stanza.
   */
  constructor(file: string, detached = false) {
    this.file = file;
    this.#detached = detached;
  }

  /**
   * Finds the fields of the piece of `bytes` from `start` to `end`; false when it has none. Throws `bad-control-file`
   * with file and line.
   */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    if (bytes !== this.bytes) [this.#line, this.#lineOffset] = [1, 0];
    this.bytes = bytes;
    this.start = start;
    this.#end = end;
    this.#decoded = false;
    this.#slots.fill(0);
    this.#others.length = 0;
    this.count = 0;
    if (end - start > longestStanza) throw this.bad(0, `a stanza has more than ${longestStanza} bytes`);
    this.#findFields(bytes, start, end);
    return this.count > 0;
  }

  has(number: number): boolean {
    return this.#slots[number] !== 0;
  }

  /** Where the value lies in the piece, counted from `start`; both 0 when it is absent. */
  valueStart(number: number): number {
    const slot = this.#slots[number]!;
    return slot === 0 ? 0 : this.#valueStart[slot - 1]!;
  }

  valueEnd(number: number): number {
    const slot = this.#slots[number]!;
    return slot === 0 ? 0 : this.#valueEnd[slot - 1]!;
  }

  /** The trimmed value as deb822.ts gives it; empty when the stanza does not have it. */
  value(number: number): string {
    const slot = this.#slots[number]!;
    return slot === 0 ? '' : this.#valueAt(slot - 1);
  }

  /** The lines of a value, unfolded only where nothing would be lost otherwise: for values that are lists. */
  list(number: number): string {
    const slot = this.#slots[number]!;
    if (slot === 0) return '';
    const place = slot - 1;
    return this.#shape[place] === oddlyFolded
      ? this.#valueAt(place)
      : this.slice(this.#valueStart[place]!, this.#valueEnd[place]!);
  }

  /** Name and value of all fields without a number, in their order. */
  others(): (readonly [string, string])[] {
    return this.#others.map((place) => [this.#nameAt(place), this.#valueAt(place)]);
  }

  /** Name and value of every field, in their order. */
  all(): (readonly [string, string])[] {
    return Array.from({ length: this.count }, (_, place) => [this.#nameAt(place), this.#valueAt(place)]);
  }

  /** The text between two offsets of the piece. */
  slice(from: number, to: number): string {
    if (this.#detached) return decodeLeniently(this.bytes.subarray(this.start + from, this.start + to));
    if (!this.#decoded) this.#decode();
    if (this.#isAscii) return this.#text.slice(from, to);
    return decodeLeniently(this.bytes.subarray(this.start + from, this.start + to));
  }

  /** A field that must be there, and not empty. */
  missing(name: KnownField): SheafError {
    const state = this.has(fieldNumber[name]) ? 'is empty' : 'is missing';
    return this.#error('missing-field', this.#offsetOf(name), `the field "${name}" ${state}`);
  }

  badField(name: KnownField, state: string): SheafError {
    return this.#error('bad-field', this.#offsetOf(name), `in the field "${name}", ${state}`);
  }

  /** `offset` counts from the piece's start. */
  bad(offset: number, state: string): SheafError {
    return this.#error('bad-control-file', offset, state);
  }

  #error(code: string, offset: number, state: string): SheafError {
    const place = { file: this.file, line: this.#lineAt(this.start + offset) };
    return new SheafError(code, `Cannot read ${this.file}: ${state}`, { place });
  }

  #findFields(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    let ended = false;
    while (at < end) {
      const code = bytes[at]!;
      if (code === lf) {
        at++;
        ended = this.count > 0;
      } else if (code === space || code === tab) {
        at = ended || this.count === 0 ? this.#skipBlankLine(at) : this.#continue(at, end);
      } else if (code === hash) {
        at = this.#skipComment(at, end);
      } else {
        if (ended) throw this.bad(at - start, 'expected one stanza, found a second');
        at = this.#addField(bytes, at, end);
      }
    }
  }

  /** One field, its name at `at`; returns where its line ends. */
  #addField(bytes: Uint8Array, nameStart: number, end: number): number {
    let at = nameStart;
    let nameHash = 0;
    let code = bytes[at]!;
    if (code === hyphen) throw this.bad(at - this.start, 'a field name begins with a hyphen');
    while (code > space && code < 0x7f && code !== colon) {
      nameHash = (Math.imul(nameHash, 31) + (code | 0x20)) | 0;
      code = ++at < end ? bytes[at]! : lf;
    }
    if (code !== colon || at === nameStart) throw this.#notAField(nameStart, end);
    const place = this.#newPlace();
    const number = findNumber(bytes, nameStart, at, nameHash);
    this.#nameStart[place] = nameStart - this.start;
    this.#nameEnd[place] = at - this.start;
    if (number === -1) {
      this.#addOther(place);
    } else {
      if (this.#slots[number] !== 0) throw this.#twice(place);
      this.#slots[number] = place + 1;
    }
    at++;
    while (at < end && isBlank(bytes[at]!)) at++;
    const valueStart = at;
    at = this.#endOfLine(bytes, at, end);
    this.#valueStart[place] = valueStart - this.start;
    this.#valueEnd[place] = trimmedEnd(bytes, valueStart, at) - this.start;
    this.#shape[place] = oneLine;
    return at + 1;
  }

  /** Lengthens the last field by the line at `at`. */
  #continue(from: number, end: number): number {
    const { bytes } = this;
    const place = this.count - 1;
    const to = this.#endOfLine(bytes, from, end);
    const text = trimmedEnd(bytes, from, to);
    // Blank lines at the end of a stanza say nothing, inside of it they are a part of the value.
    if (text > from) {
      const odd = text < to || bytes[from] === tab || bytes[from + 1] === dot || text === from;
      this.#shape[place] = odd || this.#shape[place] === oddlyFolded ? oddlyFolded : folded;
      if (this.#valueEnd[place]! !== from - 1 - this.start) this.#shape[place] = oddlyFolded;
      this.#valueEnd[place] = text - this.start;
    }
    return to + 1;
  }

  #skipBlankLine(from: number): number {
    let at = from;
    while (at < this.#end && isBlank(this.bytes[at]!)) at++;
    if (at < this.#end && this.bytes[at] !== lf) {
      throw this.bad(from - this.start, 'a continuation line stands before any field');
    }
    return at + 1;
  }

  /** A comment is ignored wherever it stands, and does not end a field (deb822(5)). */
  #skipComment(from: number, end: number): number {
    return this.#endOfLine(this.bytes, from, end) + 1;
  }

  #endOfLine(bytes: Uint8Array, from: number, end: number): number {
    for (let at = from; at < end; at++) {
      const code = bytes[at]!;
      if (code > cr) continue;
      if (code === lf) return at;
      if (code === 0) throw this.bad(at - this.start, 'it holds a NUL byte');
      if (code === cr) throw this.bad(at - this.start, 'it holds a carriage return (lines end in LF alone)');
    }
    return end;
  }

  #newPlace(): number {
    if (this.count === this.#nameStart.length) {
      this.#nameStart = grown(this.#nameStart);
      this.#nameEnd = grown(this.#nameEnd);
      this.#valueStart = grown(this.#valueStart);
      this.#valueEnd = grown(this.#valueEnd);
      const shape = new Uint8Array(2 * this.count);
      shape.set(this.#shape);
      this.#shape = shape;
    }
    return this.count++;
  }

  #addOther(place: number): void {
    if (this.#others.length < fewOthers) {
      const name = this.#nameAt(place).toLowerCase();
      if (this.#others.some((other) => this.#nameAt(other).toLowerCase() === name)) throw this.#twice(place);
      if (this.#others.length === fewOthers - 1) {
        this.#otherNames = new Set(this.#others.map((other) => this.#nameAt(other).toLowerCase())).add(name);
      }
    } else {
      const name = this.#nameAt(place).toLowerCase();
      if (this.#otherNames.has(name)) throw this.#twice(place);
      this.#otherNames.add(name);
    }
    this.#others.push(place);
  }

  #nameAt(place: number): string {
    return this.slice(this.#nameStart[place]!, this.#nameEnd[place]!);
  }

  #valueAt(place: number): string {
    const text = this.slice(this.#valueStart[place]!, this.#valueEnd[place]!);
    const shape = this.#shape[place];
    if (shape === oneLine) return text;
    // The first line may be empty, as in `Files:`.
    return (shape === folded ? text.replaceAll('\n ', '\n') : unfold(text)).trim();
  }

  #decode(): void {
    this.#text = utf8.decode(this.bytes.subarray(this.start, this.#end));
    this.#isAscii = this.#text.length === this.#end - this.start;
    this.#decoded = true;
  }

  #offsetOf(name: KnownField): number {
    const slot = this.#slots[fieldNumber[name]]!;
    return this.#nameStart[slot === 0 ? 0 : slot - 1]!;
  }

  #twice(place: number): SheafError {
    return this.bad(this.#nameStart[place]!, `the field "${this.#nameAt(place)}" stands twice in one stanza`);
  }

  #notAField(from: number, end: number): SheafError {
    if (this.bytes[from] === colon) return this.bad(from - this.start, 'a field has no name');
    const to = Math.min(this.#endOfLine(this.bytes, from, end), from + 60);
    const shown = JSON.stringify(decodeLeniently(this.bytes.subarray(from, to)));
    return this.bad(from - this.start, `${shown} is neither a field, a continuation line nor a comment`);
  }

  /** Counts on from the place of the last error: many errors in one file cost one pass over it. */
  #lineAt(offset: number): number {
    if (offset < this.#lineOffset) [this.#line, this.#lineOffset] = [1, 0];
    for (let at = this.bytes.indexOf(lf, this.#lineOffset); at !== -1 && at < offset;) {
      this.#line++;
      this.#lineOffset = at + 1;
      at = this.bytes.indexOf(lf, at + 1);
    }
    return this.#line;
  }
}

const isBlank = (code: number) => code === space || code === tab;

function trimmedEnd(bytes: Uint8Array, from: number, to: number): number {
  while (to > from && isBlank(bytes[to - 1]!)) to--;
  return to;
}

/** Lines as deb822.ts reads them: without the first blank and those at the end, dots unstuffed, comments left out. */
function unfold(text: string): string {
  const [first, ...rest] = text.split('\n') as [string, ...string[]];
  const lines = rest
    .filter((line) => !line.startsWith('#'))
    .map((line) => {
      const content = withoutBlanksAtEnd(line.slice(1));
      return /^\.+$/.test(content) ? content.slice(1) : content;
    });
  return [withoutBlanksAtEnd(first), ...lines].join('\n');
}

/** Not by a pattern: those try every blank of a long run as the beginning of the last ones. */
function withoutBlanksAtEnd(line: string): string {
  let end = line.length;
  while (end > 0 && isBlank(line.charCodeAt(end - 1))) end--;
  return line.slice(0, end);
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();
/** One character for each byte. */
const eightBit = new TextDecoder('windows-1252');

/** What old archives have, from before UTF-8 was the rule, is read as Latin-1. */
function decodeLeniently(bytes: Uint8Array): string {
  const text = utf8.decode(bytes);
  if (!text.includes('\uFFFD')) return text;
  return isSame(encoder.encode(text), bytes) ? text : eightBit.decode(bytes);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((code, at) => code === b[at]);
}

function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * array.length);
  larger.set(array);
  return larger;
}

/** Names in lower case by their hash, with linear probing: a field's name is recognised without making a string of it. */
const table = new Int16Array(512).fill(-1);
const lowerNames = knownFields.map((name) => new TextEncoder().encode(name.toLowerCase()));
for (const [number, name] of lowerNames.entries()) {
  let at = slotOf(name.reduce((sum, code) => (Math.imul(sum, 31) + (code | 0x20)) | 0, 0));
  while (table[at] !== -1) at = (at + 1) & (table.length - 1);
  table[at] = number;
}

function slotOf(nameHash: number): number {
  return (nameHash ^ (nameHash >>> 9)) & (table.length - 1);
}

function findNumber(bytes: Uint8Array, start: number, end: number, nameHash: number): number {
  let at = slotOf(nameHash);
  for (let number = table[at]!; number !== -1; number = table[at]!) {
    if (isName(bytes, start, end, lowerNames[number]!)) return number;
    at = (at + 1) & (table.length - 1);
  }
  return -1;
}

function isName(bytes: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  if (end - start !== name.length) return false;
  for (let at = start, i = 0; at < end; at++, i++) {
    const code = bytes[at]!;
    if ((code >= 0x41 && code <= 0x5a ? code | 0x20 : code) !== name[i]) return false;
  }
  return true;
}
