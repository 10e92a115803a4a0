/**
 * Static libraries: `ar` archives as GNU's tools write them, with the table of symbols `/` and that of long names `//`,
 * which packages never have (see `ar.ts`). ar(5), System V variant.
 */
import { SheafError } from '../../kit/error.ts';

export type LibraryMember = {
  /** `/` is the table of symbols. */
  readonly name: string;
  /** Seconds since the epoch. */
  readonly mtime: number;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly content: Uint8Array;
};

const magic = '!<arch>\n';
const headerSize = 60;
const mostMembers = 100_000;

export function isStaticLibrary(bytes: Uint8Array): boolean {
  return latin1(bytes.subarray(0, magic.length)) === magic;
}

/** The members in their order, without the table of long names. Throws `bad-ar`. */
export function readStaticLibrary(bytes: Uint8Array, file = 'library'): LibraryMember[] {
  if (!isStaticLibrary(bytes)) throw bad(file, 0, 'it does not begin as an ar archive');
  const members: LibraryMember[] = [];
  let names = '';
  for (let at = magic.length; at < bytes.length;) {
    if (members.length === mostMembers) throw bad(file, at, `it has more than ${mostMembers} members`);
    const header = latin1(bytes.subarray(at, at + headerSize));
    if (header.length < headerSize || !header.endsWith('`\n')) throw bad(file, at, 'the header of a member is broken');
    const size = integer(header.slice(48, 58), 10);
    const start = at + headerSize;
    if (size === undefined || start + size > bytes.length) throw bad(file, at + 48, 'a member does not fit');
    const content = bytes.subarray(start, start + size);
    const name = header.slice(0, 16).trimEnd();
    if (name === '//') names = latin1(content);
    else members.push({ name: longName(name, names), ...numbers(header), content });
    at = start + size + (size % 2);
  }
  return members;
}

/** `/123` is where in the table the name begins, which ends in `/` LF there; a short one ends in `/`. */
function longName(name: string, names: string): string {
  if (name === '/' || name === '/SYM64/') return '/';
  const offset = /^\/(\d+)$/.exec(name)?.[1];
  if (offset === undefined) return name.replace(/\/$/, '');
  return /^[^\n/]*/.exec(names.slice(Number(offset), Number(offset) + 4096))![0];
}

/** Thin and deterministic archives leave these empty or zero. */
function numbers(header: string) {
  const number = (from: number, to: number, base = 10) => integer(header.slice(from, to), base) ?? 0;
  return { mtime: number(16, 28), uid: number(28, 34), gid: number(34, 40), mode: number(40, 48, 8) };
}

function integer(padded: string, base: number): number | undefined {
  const digits = padded.trimEnd();
  return /^\d+$/.test(digits) ? Number.parseInt(digits, base) : undefined;
}

const latin1 = (bytes: Uint8Array) => new TextDecoder('latin1').decode(bytes);

function bad(file: string, offset: number, state: string): SheafError {
  return new SheafError('bad-ar', `Cannot read ${file}: ${state}`, { place: { file, offset } });
}
