/**
 * `ed` scripts as `diff --ed` writes them, which is what pdiffs are: `a`, `c` and `d` with line numbers that go down, and
 * for a line of a lone dot, which would end a text, the detour `..`, `.`, `s/.//`, `a`. POSIX.1-2017 diff, "Diff -e
 * Output Format".
 */
import { SheafError } from '../../kit/error.ts';

export type EdLimits = {
  /** Most bytes of the result. */
  readonly bytes: number;
};

/** Lines `from` to `to` of the old text (1-based, both included; none when `to` is less) give way to pieces of text. */
type Change = {
  readonly from: number;
  readonly to: number;
  /** Of the pieces, the first and the one behind the last. */
  readonly first: number;
  readonly last: number;
  /** Of the script. */
  readonly line: number;
};

/** A day of Debian's unstable has some thousands. */
const mostPieces = 500_000;

const lf = 0x0a;
const dot = Uint8Array.of(0x2e, lf);
/** Stands for a piece that is a lone dot. */
const aDot = -1;

/**
 * The text that the script makes of `bytes`. As with `ed`, a last line without LF gets one. Throws `bad-ed-script` with the
 * script's file and line, and `over-limit`.
 */
export function applyEdScript(bytes: Uint8Array, script: Uint8Array, limits: EdLimits, file = 'ed script'): Uint8Array {
  const { changes, pieces } = new Script(script, file).read();
  const output = new Output(bytes.length, limits, file);
  let position = 0;
  let line = 1;
  const skipTo = (wanted: number, scriptLine: number): void => {
    for (; line < wanted; line++) {
      if (position === bytes.length) throw bad(file, scriptLine, `the text has only ${line - 1} lines`);
      const end = bytes.indexOf(lf, position);
      position = end === -1 ? bytes.length : end + 1;
    }
  };
  // They stand in the script from the last line to the first.
  for (let i = changes.length - 1; i >= 0; i--) {
    const change = changes[i]!;
    const start = position;
    skipTo(change.from, change.line);
    output.add(bytes, start, position);
    for (let piece = change.first; piece < change.last; piece++) {
      const from = pieces[2 * piece]!;
      if (from === aDot) output.add(dot, 0, dot.length);
      else output.add(script, from, pieces[2 * piece + 1]!);
    }
    skipTo(change.to + 1, change.line);
  }
  output.add(bytes, position, bytes.length);
  return output.finish();
}

class Script {
  readonly #bytes: Uint8Array;
  readonly #file: string;
  #position = 0;
  /** Of the line read last. */
  #line = 0;
  /** Where each piece of text begins and ends in the script: numbers, because there may be very many. */
  readonly #pieces: number[] = [];

  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = bytes;
    this.#file = file;
  }

  read(): { readonly changes: readonly Change[]; readonly pieces: readonly number[] } {
    const changes: Change[] = [];
    let before = Infinity;
    while (this.#position < this.#bytes.length) {
      if (changes.length === mostPieces) throw bad(this.#file, this.#line, `it has more than ${mostPieces} commands`);
      const { kind, from, to } = this.#command();
      const line = this.#line;
      // Behind a change, lower numbers still mean what they meant: so `diff` writes them from the end.
      if (to >= before) throw bad(this.#file, line, 'the commands do not go from the last line to the first');
      // A line that a text was put behind may itself be changed still.
      before = kind === 'a' ? from + 0.5 : from;
      const first = this.#pieces.length / 2;
      if (kind !== 'd') this.#text();
      changes.push({ from: kind === 'a' ? from + 1 : from, to, first, last: this.#pieces.length / 2, line });
    }
    return { changes, pieces: this.#pieces };
  }

  #command(): { readonly kind: string; readonly from: number; readonly to: number } {
    const command = ascii(this.#next());
    const match = /^(\d{1,15})(?:,(\d{1,15}))?([acd])\n$/.exec(command);
    if (match === null) {
      const shown = JSON.stringify(command.slice(0, 60));
      throw bad(this.#file, this.#line, `${shown} is not a command of "diff --ed"`);
    }
    const from = Number(match[1]);
    const to = Number(match[2] ?? match[1]);
    const kind = match[3]!;
    if (kind === 'a' ? match[2] !== undefined : from === 0 || to < from) {
      throw bad(this.#file, this.#line, `${JSON.stringify(command.trim())} does not name lines`);
    }
    return { kind, from, to };
  }

  /** The lines of a text, whose last is a lone dot. */
  #text(): void {
    let start = this.#position;
    for (;;) {
      const line = this.#next();
      const end = this.#position - line.length;
      if (line.length !== 2 || line[0] !== dot[0]) continue;
      if (!this.#follows('s/.//\n')) return this.#piece(start, end);
      // The line before is `..`: take its first character away, and go on where another `a` says so.
      const doubled = this.#bytes.subarray(end - 3, end);
      if (end - 3 < start || ascii(doubled) !== '..\n' || (end - 3 > start && this.#bytes[end - 4] !== lf)) {
        throw bad(this.#file, this.#line, '"s/.//" does not follow a line of two dots');
      }
      this.#piece(start, end - 3);
      this.#piece(aDot, aDot);
      if (!this.#follows('a\n')) return;
      start = this.#position;
    }
  }

  #piece(start: number, end: number): void {
    if (this.#pieces.length === 4 * mostPieces) {
      throw bad(this.#file, this.#line, `it has more than ${mostPieces} commands`);
    }
    this.#pieces.push(start, end);
  }

  /** Takes the next line when it is this one. */
  #follows(wanted: string): boolean {
    const end = this.#position + wanted.length;
    if (ascii(this.#bytes.subarray(this.#position, end)) !== wanted) return false;
    this.#position = end;
    this.#line++;
    return true;
  }

  /** The next line with its LF. */
  #next(): Uint8Array {
    const end = this.#bytes.indexOf(lf, this.#position);
    this.#line++;
    if (end === -1) throw bad(this.#file, this.#line, 'it ends within a line or a text');
    const line = this.#bytes.subarray(this.#position, end + 1);
    this.#position = end + 1;
    return line;
  }
}

/** The result, which grows by doubling up to its limit. */
class Output {
  readonly #limits: EdLimits;
  readonly #file: string;
  #bytes: Uint8Array;
  #size = 0;

  constructor(expected: number, limits: EdLimits, file: string) {
    this.#bytes = new Uint8Array(Math.min(expected + 2 ** 16, limits.bytes));
    this.#limits = limits;
    this.#file = file;
  }

  /** With an LF behind a last line that has none. */
  add(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    const closing = bytes[end - 1] === lf ? 0 : 1;
    const size = this.#size + end - start + closing;
    this.#reserve(size);
    this.#bytes.set(bytes.subarray(start, end), this.#size);
    if (closing === 1) this.#bytes[size - 1] = lf;
    this.#size = size;
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }

  #reserve(size: number): void {
    const most = this.#limits.bytes;
    if (size > most) {
      const state = `the result would be more than ${most} bytes`;
      throw new SheafError('over-limit', `Cannot apply ${this.#file}: ${state}`, { place: { file: this.#file } });
    }
    if (size <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(size, Math.min(most, 2 * this.#bytes.length)));
    grown.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = grown;
  }
}

function ascii(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 100));
}

function bad(file: string, line: number, state: string): SheafError {
  return new SheafError('bad-ed-script', `Cannot apply ${file}: ${state}`, { place: { file, line } });
}
