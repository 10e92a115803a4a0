/** The lists that a package's control archive may hold. deb-md5sums(5), deb-conffiles(5). */
import { SheafError } from '../../kit/error.ts';

export type Md5sum = {
  /** Relative to the root. */
  readonly path: string;
  readonly md5: string;
};

export type Conffile = {
  /** Absolute. */
  readonly path: string;
  /** The package no longer has it, and dpkg takes it away. */
  readonly removed: boolean;
};

/** `md5`, two spaces, and the path, a line each. Throws `bad-md5sums` with file and line. */
export function parseMd5sums(text: string, file = 'md5sums'): Md5sum[] {
  return lines(text).map((line, index) => {
    const match = /^([0-9a-f]{32}) [ *](?:\.\/)?([^/\0\r][^\0\r]*)$/.exec(line);
    if (match === null) throw bad('bad-md5sums', file, index, `${shown(line)} is not "md5  path"`);
    return { path: match[2]!, md5: match[1]! };
  });
}

/** An absolute path a line, with a flag before it in newer packages. Throws `bad-conffiles` with file and line. */
export function parseConffiles(text: string, file = 'conffiles'): Conffile[] {
  return lines(text).map((line, index) => {
    const match = /^(remove-on-upgrade[ \t]+)?(\/[^\0\r]*)$/.exec(line.trimEnd());
    if (match === null) throw bad('bad-conffiles', file, index, `${shown(line)} is not an absolute path`);
    return { path: match[2]!, removed: match[1] !== undefined };
  });
}

function lines(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

function bad(code: string, file: string, index: number, state: string): SheafError {
  return new SheafError(code, `Cannot read ${file}: ${state}`, { place: { file, line: index + 1 } });
}
