/** Which members a `.deb` has, and what their names say. deb(5), "FORMAT". */
import { SheafError } from '../../kit/error.ts';
import { shown } from './words.ts';

/** As far as it is needed of a member of the archive. */
type Member = { readonly name: string; readonly headerOffset: number };

/** How a member is compressed, by the end of its name, which is what dpkg goes by too. */
export type MemberCompression = 'none' | 'gzip' | 'xz' | 'zstd' | 'bzip2' | 'lzma';

const controlNames = /^control\.tar(?:\.gz|\.xz|\.zst)?$/;
const dataNames = /^data\.tar(?:\.gz|\.xz|\.zst|\.bz2|\.lzma)?$/;

const compressions: Readonly<Record<string, MemberCompression>> = {
  '': 'none',
  '.gz': 'gzip',
  '.xz': 'xz',
  '.zst': 'zstd',
  '.bz2': 'bzip2',
  '.lzma': 'lzma',
};

export type MemberRole = 'format' | 'control' | 'data' | 'other';

/**
 * Tells what each member is, in their order: `debian-binary` ("2.x" and LF), then the control archive, then the data
 * archive; members between them that an old reader may pass over begin with `_`, and members behind them are ignored. A
 * second member of one of the three names is refused, because readers would differ in which one they take. All methods
 * throw `bad-deb`.
 */
export class MemberOrder {
  readonly #file: string;
  #next: 'format' | 'control' | 'data' | 'end' = 'format';

  constructor(file: string) {
    this.#file = file;
  }

  role({ name, headerOffset }: Member): MemberRole {
    switch (this.#next) {
      case 'format':
        if (name !== 'debian-binary') throw badDeb(this.#file, 8, 'its first member is not "debian-binary"');
        this.#next = 'control';
        return 'format';
      case 'control':
        if (name.startsWith('_')) return 'other';
        if (!controlNames.test(name)) throw this.#missing('control.tar', headerOffset);
        this.#next = 'data';
        return 'control';
      case 'data':
        if (name.startsWith('_')) return 'other';
        if (!dataNames.test(name)) throw this.#missing('data.tar', headerOffset);
        this.#next = 'end';
        return 'data';
      case 'end':
        if (/^(?:debian-binary|control\.tar|data\.tar)/.test(name)) {
          throw badDeb(this.#file, headerOffset, `a second member "${name}" follows`);
        }
        return 'other';
    }
  }

  /** The first bytes of the first member. */
  checkFormat(content: Uint8Array, offset: number): void {
    const format = String.fromCharCode(...content.subarray(0, 20));
    if (!/^2\.\d+\n/.test(format)) throw badDeb(this.#file, offset, `its format version ${shown(format)} is not 2.x`);
  }

  /** Behind the last member. */
  end(offset: number): void {
    if (this.#next === 'format') throw badDeb(this.#file, 8, 'its first member is not "debian-binary"');
    if (this.#next !== 'end') throw this.#missing(`${this.#next}.tar`, offset);
  }

  #missing(name: string, offset: number): SheafError {
    return badDeb(this.#file, offset, `the member "${name}" is missing or misplaced`);
  }
}

export function memberCompression(name: string): MemberCompression {
  return compressions[name.replace(/^(?:control|data)\.tar/, '')] ?? 'none';
}

export function badDeb(file: string, offset: number, state: string, cause?: unknown, hint?: string): SheafError {
  return new SheafError('bad-deb', `Cannot read ${file}: ${state}`, { place: { file, offset }, hint, cause });
}
