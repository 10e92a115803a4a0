/**
 * debian/changelog: its topmost entry, which names the source package and the version to build. deb-changelog(5),
 * Debian Policy 4.4. Older entries are not read.
 */
import { SheafError } from '../../kit/error.ts';
import { parseDate } from './date.ts';

export type ChangelogEntry = {
  readonly source: string;
  readonly version: string;
  readonly distributions: readonly string[];
  /** Lower case; `unknown` when the entry does not say. */
  readonly urgency: string;
  /** The lines between heading and trailer as written, without blank lines at either end and without a last LF. */
  readonly changes: string;
  /** `Name <address>`. */
  readonly maintainer: string;
  readonly date: Date;
};

/** `source (version) distribution…; key=value, …` */
const heading = /^([A-Za-z0-9][-+0-9A-Za-z.]*) \(([^() \t]+)\)((?:[ \t]+[-+0-9A-Za-z.]+)+);(.*)$/;
/** ` -- name <address>  date` (two spaces before the date). */
const trailer = /^ -- ?(.*?) ?<([^<>]*)>( {1,2})(\S.*)$/;
const longestHeading = 10_000;
/** An entry longer than this is not one. */
const longestEntry = 4 * 2 ** 20;

/** Throws `bad-changelog` with file and line. */
export function parseChangelog(text: string, file = 'debian/changelog'): ChangelogEntry {
  const lines = new Lines(text, file);
  let first = lines.next();
  while (first !== undefined && (first === '' || first.startsWith('#'))) first = lines.next();
  if (first === undefined) throw lines.bad('it has no entry');
  const head = matchHeading(first);
  if (head === null) {
    throw lines.bad(`expected "source (version) distribution; urgency=…", found ${JSON.stringify(first.slice(0, 80))}`);
  }
  const urgency = parseUrgency(head[4]!);
  const changes: string[] = [];
  for (;;) {
    const line = lines.next();
    if (line === undefined) throw lines.bad('its first entry ends without a line " -- name <address>  date"');
    if (line.startsWith(' --')) {
      const end = trailer.exec(line);
      if (end === null) throw lines.bad('expected " -- name <address>  date"');
      // Zone names are refused, as dpkg refuses them here.
      const date = /[-+]\d{4}/.test(end[4]!) ? parseDate(end[4]!) : undefined;
      if (date === undefined) {
        throw lines.bad(
          `expected a date like "Mon, 02 Jan 2006 15:04:05 -0700", found ${JSON.stringify(end[4]!.slice(0, 60))}`,
        );
      }
      return {
        source: head[1]!,
        version: head[2]!,
        distributions: head[3]!.trim().split(/[ \t]+/),
        urgency,
        changes: trimBlankLines(changes).join('\n'),
        maintainer: end[1] === '' ? `<${end[2]!}>` : `${end[1]!} <${end[2]!}>`,
        date,
      };
    }
    if (matchHeading(line) !== null) throw lines.bad('a second entry begins before the first ended');
    if (line !== '' && !line.startsWith('  ') && !line.startsWith('#') && !line.startsWith('\t')) {
      throw lines.bad('a line of changes begins with less than two spaces');
    }
    changes.push(line);
  }
}

/** A longer line is no heading: the expression would go too deep in it. */
function matchHeading(line: string): RegExpExecArray | null {
  return line.length > longestHeading ? null : heading.exec(line);
}

/** The lines of a text one after the other, without the white space at their ends. */
class Lines {
  readonly #text: string;
  readonly #file: string;
  #position = 0;
  #line = 0;

  constructor(text: string, file: string) {
    this.#text = text.slice(0, longestEntry);
    this.#file = file;
  }

  next(): string | undefined {
    if (this.#position >= this.#text.length) return undefined;
    this.#line++;
    const found = this.#text.indexOf('\n', this.#position);
    const end = found === -1 ? this.#text.length : found;
    const line = this.#text.slice(this.#position, end);
    this.#position = end + 1;
    if (line.includes('\0')) throw this.bad('it holds a NUL byte');
    return line.trimEnd();
  }

  bad(state: string): SheafError {
    const place = { file: this.#file, line: Math.max(this.#line, 1) };
    return new SheafError('bad-changelog', `Cannot read ${this.#file}: ${state}`, { place });
  }
}

/** deb-changelog(5): `key=value` pairs separated by commas; keys and the urgency regardless of case. */
function parseUrgency(metadata: string): string {
  for (const pair of metadata.split(',')) {
    const match = /^\s*urgency\s*=\s*([-0-9A-Za-z]+)/i.exec(pair);
    if (match !== null) return match[1]!.toLowerCase();
  }
  return 'unknown';
}

function trimBlankLines(lines: readonly string[]): readonly string[] {
  const first = lines.findIndex((line) => line !== '');
  return first === -1 ? [] : lines.slice(first, lines.findLastIndex((line) => line !== '') + 1);
}
