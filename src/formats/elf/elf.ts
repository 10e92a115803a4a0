/**
 * ELF files, as far as two of them are compared: header and sections. System V ABI, chapters 4 "Object Files" and
 * "Sections"; elf(5). Every offset is checked: what lies outside the file is refused.
 */
import { SheafError } from '../../kit/error.ts';

export type ElfSection = {
  readonly name: string;
  /** As the header has it: 1 PROGBITS, 7 NOTE, 8 NOBITS … */
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  /** Of what it takes in memory too, for NOBITS. */
  readonly size: number;
};

export type Elf = {
  readonly bits: 32 | 64;
  readonly littleEndian: boolean;
  /** 1 relocatable, 2 executable, 3 shared, 4 core. */
  readonly type: number;
  readonly machine: number;
  readonly sections: readonly ElfSection[];
};

export const elfTypes = { note: 7, nobits: 8 } as const;

/** A program with `-ffunction-sections` has some ten thousand. */
const mostSections = 200_000;
const longestName = 4096;
/** Of all names together: many may be the same place. */
const mostCharacters = 64 * 2 ** 20;

export function isElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/** Throws `bad-elf` with the offset. A file without section headers has no sections. */
export function readElf(bytes: Uint8Array, file = 'ELF file'): Elf {
  const reader = new ElfReader(bytes, file);
  const type = reader.half(16);
  const machine = reader.half(18);
  const head = { bits: reader.bits, littleEndian: reader.littleEndian, type, machine };
  return { ...head, sections: nameSections(reader, readTable(reader)) };
}

/** The bytes of a section; none for what is only there in memory. */
export function sectionBytes(bytes: Uint8Array, { type, offset, size }: ElfSection): Uint8Array {
  return type === elfTypes.nobits ? new Uint8Array() : bytes.subarray(offset, offset + size);
}

type UnnamedSection = Omit<ElfSection, 'name'> & { readonly nameOffset: number; readonly link: number };

type Table = { readonly sections: readonly UnnamedSection[]; readonly names: number };

function readTable(reader: ElfReader): Table {
  const wide = reader.bits === 64;
  const start = wide ? reader.long(40) : reader.word(32);
  const [entrySize, count, names] = wide
    ? [reader.half(58), reader.half(60), reader.half(62)]
    : [reader.half(46), reader.half(48), reader.half(50)];
  if (start === 0) return { sections: [], names: 0 };
  const least = wide ? 64 : 40;
  if (entrySize < least) throw reader.bad(wide ? 58 : 46, `its section headers are ${entrySize} bytes each`);
  const first = readSection(reader, start);
  // More than 65,279 sections are counted in the first, which is none.
  const all = count === 0 ? first.size : count;
  if (all > mostSections) throw reader.bad(start, `it says it has ${all} sections`);
  reader.check(start, all * entrySize);
  const sections: UnnamedSection[] = [];
  let bytes = 0;
  for (let index = 0; index < all; index++) {
    const section = readSection(reader, start + index * entrySize);
    // Of the first, size and link mean other things.
    if (index > 0 && section.type !== elfTypes.nobits && section.type !== 0) {
      reader.check(section.offset, section.size);
      bytes += section.size;
    }
    sections.push(section);
  }
  // Whoever reads all sections shall not read one place again and again.
  if (bytes > 2 * reader.size) throw reader.bad(start, `its sections are ${bytes} bytes together`);
  return { sections, names: names === 0xffff ? first.link : names };
}

function readSection(reader: ElfReader, at: number): UnnamedSection {
  const nameOffset = reader.word(at);
  const type = reader.word(at + 4);
  return reader.bits === 64
    ? {
        ...{ nameOffset, type, flags: reader.word(at + 8) },
        ...{ offset: reader.long(at + 24), size: reader.long(at + 32), link: reader.word(at + 40) },
      }
    : {
        ...{ nameOffset, type, flags: reader.word(at + 8) },
        ...{ offset: reader.word(at + 16), size: reader.word(at + 20), link: reader.word(at + 24) },
      };
}

/** The first section is none, and is left out. */
function nameSections(reader: ElfReader, { sections, names }: Table): ElfSection[] {
  const table = sections[names];
  if (sections.length > 0 && table === undefined) throw reader.bad(0, `the section ${names} with its names is missing`);
  let characters = 0;
  return sections.slice(1).map(({ nameOffset, type, flags, offset, size }) => {
    if (nameOffset >= table!.size) throw reader.bad(table!.offset, `the name of a section is not in its table`);
    const from = table!.offset + nameOffset;
    const name = reader.text(from, table!.offset + table!.size);
    characters += name.length;
    if (characters > mostCharacters) throw reader.bad(from, 'the names of its sections are too long');
    return { name, type, flags, offset, size };
  });
}

class ElfReader {
  readonly bits: 32 | 64;
  readonly littleEndian: boolean;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #file: string;

  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = bytes;
    this.#file = file;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (!isElf(bytes)) throw this.bad(0, 'it does not begin as one');
    this.check(0, 20);
    const [width, order] = [bytes[4], bytes[5]];
    if (width !== 1 && width !== 2) throw this.bad(4, `its class is ${width}`);
    if (order !== 1 && order !== 2) throw this.bad(5, `its order of bytes is ${order}`);
    this.bits = width === 1 ? 32 : 64;
    this.littleEndian = order === 1;
    this.check(0, width === 1 ? 52 : 64);
  }

  get size(): number {
    return this.#bytes.length;
  }

  half(at: number): number {
    this.check(at, 2);
    return this.#view.getUint16(at, this.littleEndian);
  }

  word(at: number): number {
    this.check(at, 4);
    return this.#view.getUint32(at, this.littleEndian);
  }

  long(at: number): number {
    this.check(at, 8);
    const value = Number(this.#view.getBigUint64(at, this.littleEndian));
    if (!Number.isSafeInteger(value)) throw this.bad(at, 'an offset or a size is too large');
    return value;
  }

  /** Up to a NUL, which must stand before `end`. */
  text(at: number, end: number): string {
    const to = this.#bytes.subarray(at, Math.min(end, at + longestName)).indexOf(0);
    if (to === -1) throw this.bad(at, 'the name of a section does not end');
    return new TextDecoder('latin1').decode(this.#bytes.subarray(at, at + to));
  }

  check(at: number, size: number): void {
    if (at + size > this.#bytes.length) {
      throw this.bad(at, `${size} bytes should be there, of a file of ${this.#bytes.length}`);
    }
  }

  bad(offset: number, state: string): SheafError {
    return new SheafError('bad-elf', `Cannot read ${this.#file} as ELF: ${state}`, {
      place: { file: this.#file, offset },
    });
  }
}
