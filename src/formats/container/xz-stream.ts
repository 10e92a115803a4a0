/**
 * One .xz stream of many blocks, taken apart and put together without decoding anything: blocks that were compressed
 * once serve in every later stream. apt reads a single stream only. The .xz File Format 1.2.1.
 */
import { SheafError } from '../../kit/error.ts';
import { crc32 } from './crc32.ts';

export type XzBlock = {
  /** The whole block with its padding and check; a multiple of four bytes. */
  readonly bytes: Uint8Array;
  /** Section 4.3: without the padding. */
  readonly unpaddedSize: number;
  readonly uncompressedSize: number;
};

export type XzStream = {
  /** Section 2.1.1.2: the id of the integrity check that every block ends with. */
  readonly check: number;
  readonly blocks: readonly XzBlock[];
};

const magic = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const footerMagic = [0x59, 0x5a];

/** Section 2.1.1.2: the check of the blocks made here. */
export const xzCheckCrc32 = 1;

/**
 * A block around raw LZMA2 data that needs a dictionary of `dictionaryBits` (12 to 30: a power of two). `crc` is the CRC-32
 * of the content. Sections 3.1 and 5.3.1.
 */
export function xzBlock(lzma2: Uint8Array, dictionaryBits: number, crc: number, uncompressedSize: number): XzBlock {
  const header = [2, 0, 0x21, 1, (dictionaryBits - 12) * 2, 0, 0, 0];
  const unpaddedSize = 12 + lzma2.length + 4;
  const bytes = new Uint8Array(roundUp(12 + lzma2.length) + 4);
  bytes.set([...header, ...little(crc32(Uint8Array.from(header)))]);
  bytes.set(lzma2, 12);
  bytes.set(little(crc), bytes.length - 4);
  return { bytes, unpaddedSize, uncompressedSize };
}

/** The blocks of a file that is exactly one stream, without stream padding. Throws `bad-xz`. */
export function splitXz(bytes: Uint8Array): XzStream {
  if (bytes.length < 32 || !magic.every((byte, index) => bytes[index] === byte)) throw bad('it is not an .xz stream');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const footer = bytes.length - 12;
  const flags = bytes.subarray(6, 8);
  if (flags[0] !== 0 || (flags[1]! & 0xf0) !== 0 || view.getUint32(8, true) !== crc32(flags))
    throw bad('its header is damaged');
  if (!footerMagic.every((byte, index) => bytes[footer + 10 + index] === byte)) throw bad('its footer is missing');
  if (view.getUint32(footer, true) !== crc32(bytes.subarray(footer + 4, footer + 10)))
    throw bad('its footer is damaged');
  if (bytes[footer + 8] !== flags[0] || bytes[footer + 9] !== flags[1]) throw bad('its footer does not fit its header');
  const indexSize = (view.getUint32(footer + 4, true) + 1) * 4;
  const index = bytes.subarray(Math.max(12, footer - indexSize), footer);
  if (index.length !== indexSize || index[0] !== 0) throw bad('its index is missing');
  const body = index.length - 4;
  if (view.getUint32(footer - 4, true) !== crc32(index.subarray(0, body))) throw bad('its index is damaged');
  const reader = new IntegerReader(index.subarray(1, body));
  const blocks: XzBlock[] = [];
  let position = 12;
  for (let left = reader.next(); left > 0; left--) {
    const unpaddedSize = reader.next();
    const uncompressedSize = reader.next();
    const end = position + roundUp(unpaddedSize);
    if (unpaddedSize === 0 || end > footer - indexSize) throw bad('its index names more than there is');
    blocks.push({ bytes: bytes.subarray(position, end), unpaddedSize, uncompressedSize });
    position = end;
  }
  if (position !== footer - indexSize) throw bad('its index does not name all blocks');
  return { check: flags[1]!, blocks };
}

/** The parts of a stream, to be written one after the other; the blocks are among them as they came. */
export function joinXz({ check, blocks }: XzStream): Uint8Array[] {
  const flags = Uint8Array.of(0, check);
  const records = blocks.flatMap((block) => [
    ...formatInteger(block.unpaddedSize),
    ...formatInteger(block.uncompressedSize),
  ]);
  const index = padded([0, ...formatInteger(blocks.length), ...records]);
  const indexSize = index.length + 4;
  const backward = Uint8Array.of(...little(indexSize / 4 - 1), ...flags);
  return [
    Uint8Array.of(...magic, ...flags, ...little(crc32(flags))),
    ...blocks.map((block) => block.bytes),
    index,
    Uint8Array.from(little(crc32(index))),
    Uint8Array.of(...little(crc32(backward)), ...backward, ...footerMagic),
  ];
}

function padded(bytes: readonly number[]): Uint8Array {
  const whole = new Uint8Array(roundUp(bytes.length));
  whole.set(bytes);
  return whole;
}

function roundUp(size: number): number {
  return Math.ceil(size / 4) * 4;
}

function little(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
}

/** Section 1.2: seven bits a byte, the lowest first. */
function formatInteger(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

class IntegerReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(): number {
    let value = 0;
    for (let shift = 1; ; shift *= 0x80) {
      const byte = this.#bytes[this.#position++];
      if (byte === undefined || shift > 2 ** 46) throw bad('its index holds a number that is cut short or too large');
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  }
}

function bad(state: string): SheafError {
  return new SheafError('bad-xz', `Cannot take .xz data apart: ${state}`);
}
