/**
 * Control files: stanzas of fields. deb822(5), Debian Policy 5.1.
 *
 * Lossless: a stanza keeps its text byte for byte, with the blank and comment lines before the first stanza of a file
 * and those after each, so that joining the texts of all stanzas gives the file again (a file without any stanza
 * gives an empty list).
 */
import { SheafError } from '../../kit/error.ts';

export type Field = {
  /** As written. Names are compared without regard to case (Policy 5.1). */
  readonly name: string;
  /**
   * Lines joined by LF: the first as after the colon, each continuation line without its first space or tab; all
   * without the spaces around the first and after the others. A line of a lone `.`, which stands for an empty line
   * (Policy 5.6.13), is empty here. Begins with LF when the first line was empty (`Files:`).
   */
  readonly value: string;
  /** 1-based line of the name in its file. */
  readonly line: number;
};

export type Stanza = { readonly text: string; readonly fields: readonly Field[] };

/**
 * All stanzas of a control file. Throws `bad-control-file` with file and line. `firstLine` is the number of the text's
 * first line where it is a part of a file.
 */
export function parseStanzas(text: string, file = 'control data', firstLine = 1): Stanza[] {
  refuseControlCharacters(text, file, firstLine);
  const stanzas: Stanza[] = [];
  const names = new Names();
  let fields: Field[] = [];
  let start = 0;
  let ended = false;
  let line = firstLine - 1;
  let position = 0;
  while (position < text.length) {
    line++;
    const end = endOfLine(text, position);
    const code = text.charCodeAt(position);
    if (code === hash) {
      // A comment: ignored wherever it stands, it does not end a field (deb822(5)).
    } else if (isBlank(code) || code === lf) {
      const blank = isBlankLine(text, position, end);
      if (blank) {
        ended = fields.length > 0;
      } else {
        const last = ended ? undefined : fields.at(-1);
        if (last === undefined) throw bad(file, line, 'a continuation line stands before any field');
        (last as Writable<Field>).value += `\n${continuation(text, position, end)}`;
      }
    } else {
      if (ended) {
        stanzas.push({ text: text.slice(start, position), fields });
        start = position;
        fields = [];
        ended = false;
        names.nextStanza();
      }
      const colon = endOfName(text, position, end, file, line);
      const name = names.take(text.slice(position, colon));
      if (name === undefined) {
        throw bad(file, line, `the field "${text.slice(position, colon)}" stands twice in one stanza`);
      }
      fields.push({ name, value: valueOfLine(text, colon + 1, end), line });
    }
    position = end + 1;
  }
  if (fields.length > 0) stanzas.push({ text: text.slice(start), fields });
  return stanzas;
}

/** The stanza of a file that must hold exactly one. */
export function parseStanza(text: string, file = 'control data', firstLine = 1): Stanza {
  const stanzas = parseStanzas(text, file, firstLine);
  if (stanzas.length !== 1)
    throw bad(file, stanzas[1]?.fields[0]?.line ?? firstLine, `expected one stanza, found ${stanzas.length}`);
  return stanzas[0]!;
}

/** The trimmed value of a field, or undefined when the stanza does not have it. */
export function field(stanza: Stanza, name: string): string | undefined {
  return findField(stanza, name)?.value.trim();
}

/** The value of a field that must be there and must not be empty. Throws `missing-field`. */
export function requireField(stanza: Stanza, name: string, file = 'control data'): string {
  const found = findField(stanza, name);
  const value = found?.value.trim();
  if (value !== undefined && value !== '') return value;
  const line = found?.line ?? stanza.fields[0]?.line ?? 1;
  const state = found === undefined ? 'is missing' : 'is empty';
  throw new SheafError('missing-field', `Cannot read ${file}: the field "${name}" ${state}`, { place: { file, line } });
}

export function findField(stanza: Stanza, name: string): Field | undefined {
  const wanted = name.toLowerCase();
  return stanza.fields.find((each) => each.name.length === wanted.length && each.name.toLowerCase() === wanted);
}

/**
 * One stanza, ending in LF and without a separating line. Values are as `Field.value` has them: an empty line becomes
 * ` .`; a value that begins with LF leaves the first line empty. Throws `bad-field` for what cannot be written.
 */
export function formatStanza(fields: readonly (readonly [string, string])[]): string {
  const seen = new Set<string>();
  let text = '';
  for (const [name, value] of fields) {
    const key = name.toLowerCase();
    if (!/^[!"$-,./-9;-~][!-9;-~]*$/.test(name) || seen.has(key)) {
      const state = seen.has(key) ? 'it stands twice' : 'its name is not printable ASCII without a colon';
      throw new SheafError('bad-field', `Cannot write field ${JSON.stringify(name.slice(0, 80))}: ${state}`);
    }
    if (/[\0\r]/.test(value)) {
      throw new SheafError('bad-field', `Cannot write field "${name}": its value holds a NUL or a carriage return`);
    }
    seen.add(key);
    text += formatField(name, value);
  }
  return text;
}

function formatField(name: string, value: string): string {
  const [first, ...rest] = value.split('\n') as [string, ...string[]];
  // Only what separates here: other white space, as a no-break space at a line's end, belongs to the text.
  const head = valueOfLine(first, 0, first.length);
  let text = head === '' ? `${name}:\n` : `${name}: ${head}\n`;
  for (const line of rest) {
    const content = line.slice(0, trimmedEnd(line, 0, line.length));
    // Dots are stuffed as dpkg does it, so that a line of dots comes back as it was.
    text += /^\.*$/.test(content) ? ` .${content}\n` : ` ${content}\n`;
  }
  return text;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const tab = 0x09;
const lf = 0x0a;
const space = 0x20;
const hash = 0x23;
const hyphen = 0x2d;
const dot = 0x2e;
const colonCode = 0x3a;
const isBlank = (code: number) => code === space || code === tab;

/**
 * Field names of one stanza: each is taken once. A name is kept as one string for the whole file, however often it
 * comes: an index has some 25 names and 1.5 million fields.
 */
class Names {
  readonly #known = new Map<string, { readonly name: string; readonly key: { stanza: number } }>();
  readonly #keys = new Map<string, { stanza: number }>();
  #stanza = 1;

  nextStanza(): void {
    this.#stanza++;
  }

  /** The name, or undefined when this stanza has it already. */
  take(written: string): string | undefined {
    let known = this.#known.get(written);
    if (known === undefined) {
      const lower = written.toLowerCase();
      const key = this.#keys.get(lower) ?? { stanza: 0 };
      this.#keys.set(lower, key);
      known = { name: written, key };
      this.#known.set(written, known);
    }
    if (known.key.stanza === this.#stanza) return undefined;
    known.key.stanza = this.#stanza;
    return known.name;
  }
}

function endOfLine(text: string, position: number): number {
  const end = text.indexOf('\n', position);
  return end === -1 ? text.length : end;
}

/** Policy 5.1: lines of spaces and tabs only may separate stanzas too. */
function isBlankLine(text: string, position: number, end: number): boolean {
  for (let i = position; i < end; i++) if (!isBlank(text.charCodeAt(i))) return false;
  return true;
}

/**
 * deb822(5): a name is printable ASCII without space and colon, and begins neither with `#` nor with `-`. The colon
 * follows at once.
 */
function endOfName(text: string, position: number, end: number, file: string, line: number): number {
  if (text.charCodeAt(position) === hyphen) throw bad(file, line, 'a field name begins with a hyphen');
  for (let i = position; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === colonCode) {
      if (i === position) throw bad(file, line, 'a field has no name');
      return i;
    }
    if (code <= space || code > 0x7e) break;
  }
  const shown = JSON.stringify(text.slice(position, Math.min(end, position + 60)));
  throw bad(file, line, `${shown} is neither a field, a continuation line nor a comment`);
}

function valueOfLine(text: string, from: number, end: number): string {
  while (from < end && isBlank(text.charCodeAt(from))) from++;
  return text.slice(from, trimmedEnd(text, from, end));
}

function continuation(text: string, position: number, end: number): string {
  const from = position + 1;
  const to = trimmedEnd(text, from, end);
  if (text.charCodeAt(from) !== dot) return text.slice(from, to);
  const content = text.slice(from, to);
  return /^\.+$/.test(content) ? content.slice(1) : content;
}

function trimmedEnd(text: string, from: number, end: number): number {
  while (end > from && isBlank(text.charCodeAt(end - 1))) end--;
  return end;
}

const lineEnds =
  "Take the file as it was made, or mend its lines: sed -i 's/\\r$//' FILE. For git: eol=lf in .gitattributes.";

/** NUL ends a string for other readers of the same file, CR is a line end for some: neither has a place in a control file. */
function refuseControlCharacters(text: string, file: string, firstLine: number): void {
  for (const [character, what, hint] of [
    ['\0', 'a NUL byte', undefined],
    ['\r', 'a carriage return (lines end in LF alone)', lineEnds],
  ] as const) {
    const at = text.indexOf(character);
    if (at !== -1) throw bad(file, firstLine - 1 + lineOf(text, at), `it holds ${what}`, hint);
  }
}

function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

function bad(file: string, line: number, state: string, hint?: string): SheafError {
  return new SheafError('bad-control-file', `Cannot read ${file}: ${state}`, { place: { file, line }, hint });
}
