/** The way through a tar archive from header to header, whether it is here as a whole or comes piece by piece. */
import {
  badTar,
  isTarExtension,
  parseTarExtension,
  parseTarHeader,
  tarBlock,
  toTarEntry,
  type TarEntry,
  type TarExtension,
} from './tar-header.ts';

export type TarLimits = {
  /** Most entries. */
  readonly entries: number;
  /** Most bytes of all contents together. */
  readonly bytes: number;
  /** Most bytes of a path or of a link's target. */
  readonly path: number;
};

/** What stands behind a header: an extended header's content, an entry's, or nothing that matters. */
export type TarStep =
  | { readonly kind: 'extension'; readonly type: string; readonly size: number }
  | { readonly kind: 'entry'; readonly entry: TarEntry }
  | { readonly kind: 'end' };

/** Of one pax header or GNU long name; a longer one cannot hold a path within limits. */
const largestExtension = 2 ** 20;

/** Keeps what extended headers have said, and the limits. All methods throw `bad-tar` with the offset. */
export class TarWalk {
  readonly #limits: TarLimits;
  readonly #file: string;
  #global: TarExtension = {};
  #own: TarExtension | undefined;
  #contents = 0;
  #headers = 0;
  #entries = 0;

  constructor(limits: TarLimits, file: string) {
    this.#limits = limits;
    this.#file = file;
  }

  /** `left` is how many bytes stand behind the header, where that is known. */
  header(bytes: Uint8Array, position: number, left = Infinity): TarStep {
    const said = { ...this.#global, ...this.#own };
    const header = parseTarHeader(bytes, said, position, this.#file);
    if (header === undefined) {
      this.end(position);
      return { kind: 'end' };
    }
    const { entries, bytes: most, path } = this.#limits;
    // An entry has at most three headers before its own: pax, long name, long link.
    if (++this.#headers > 4 * entries) throw this.#bad(position, `it has more than ${entries} entries`);
    if (isTarExtension(header.type)) {
      if (header.size > largestExtension) {
        throw this.#bad(position, `an extended header says ${header.size} bytes`);
      }
      return { kind: 'extension', type: header.type, size: header.size };
    }
    const entry = toTarEntry(header, said, position, this.#file);
    this.#own = undefined;
    this.checkSize(entry, left);
    this.#contents += entry.size;
    if (Math.max(entry.path.length, entry.link.length) > path) {
      throw this.#bad(position, `a path is longer than ${path} characters`);
    }
    if (this.#contents > most) throw this.#bad(position, `its contents are more than ${most} bytes`);
    if (++this.#entries > entries) throw this.#bad(position, `it has more than ${entries} entries`);
    return { kind: 'entry', entry };
  }

  /** The content of an extended header, cut short where the archive ends. */
  extension(
    { type, size }: { readonly type: string; readonly size: number },
    content: Uint8Array,
    position: number,
  ): void {
    if (content.length < size) throw this.#bad(position, `an extended header says ${size} bytes`);
    const said = parseTarExtension(content, type, position + tarBlock, this.#file);
    if (type === 'g') this.#global = { ...this.#global, ...said };
    else this.#own = { ...this.#own, ...said };
  }

  checkSize({ size, offset }: TarEntry, left: number): void {
    if (size <= left) return;
    throw this.#bad(offset - tarBlock, `an entry says ${size} bytes, but only ${left} are left`);
  }

  /** Where the archive ends. */
  end(position: number): void {
    if (this.#own !== undefined) throw this.#bad(position, 'it ends behind an extended header, before its entry');
  }

  #bad(position: number, state: string): Error {
    return badTar(this.#file, position, state);
  }
}

/** A content and what fills up its last block. */
export function paddedSize(size: number): number {
  return Math.ceil(size / tarBlock) * tarBlock;
}
