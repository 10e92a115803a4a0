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
  const end = bytes.subarray(-xzEndSize(bytes.subarray(-xzFooterSize)));
  const { check, blocks } = readXzIndex(bytes.subarray(0, xzHeaderSize), end, bytes.length);
  const taken = blocks.map(({ offset, end: next, unpaddedSize, uncompressedSize }) => {
    return { bytes: bytes.subarray(offset, next), unpaddedSize, uncompressedSize };
  });
  return { check, blocks: taken };
}

/** Where a block stands in its file, which is all its index tells of it. */
export type XzBlockPlace = Omit<XzBlock, 'bytes'> & { readonly offset: number; readonly end: number };

/** As an index tells of them. */
export type XzPlaces = { readonly check: number; readonly blocks: readonly XzBlockPlace[] };

export const xzHeaderSize = 12;
export const xzFooterSize = 12;

/** Of the index and the footer together, by the footer. Throws `bad-xz`. */
export function xzEndSize(footer: Uint8Array): number {
  if (footer.length < xzFooterSize) throw bad('it is not an .xz stream');
  if (!footerMagic.every((byte, index) => footer[10 + index] === byte)) throw bad('its footer is missing');
  if (viewOf(footer).getUint32(0, true) !== crc32(footer.subarray(4, 10))) throw bad('its footer is damaged');
  return (viewOf(footer).getUint32(4, true) + 1) * 4 + xzFooterSize;
}

/**
 * The same as `splitXz` without the blocks themselves: `end` is the index and the footer of a file of `size` bytes. That a
 * block is as large as the index says is known once it is decompressed with that record. Throws `bad-xz`.
 */
export function readXzIndex(header: Uint8Array, end: Uint8Array, size: number): XzPlaces {
  if (header.length < xzHeaderSize || !magic.every((byte, at) => header[at] === byte))
    throw bad('it is not an .xz stream');
  const flags = header.subarray(6, 8);
  if (flags[0] !== 0 || (flags[1]! & 0xf0) !== 0 || viewOf(header).getUint32(8, true) !== crc32(flags))
    throw bad('its header is damaged');
  const footer = end.subarray(-xzFooterSize);
  if (footer[8] !== flags[0] || footer[9] !== flags[1]) throw bad('its footer does not fit its header');
  const index = end.subarray(0, -xzFooterSize);
  const first = size - end.length;
  if (end.length !== xzEndSize(footer) || first < xzHeaderSize || index[0] !== 0) throw bad('its index is missing');
  const body = index.length - 4;
  if (viewOf(index).getUint32(body, true) !== crc32(index.subarray(0, body))) throw bad('its index is damaged');
  const reader = new IntegerReader(index.subarray(1, body));
  const blocks: XzBlockPlace[] = [];
  let position = xzHeaderSize;
  for (let left = reader.next(); left > 0; left--) {
    const unpaddedSize = reader.next();
    const uncompressedSize = reader.next();
    const next = position + roundUp(unpaddedSize);
    if (unpaddedSize === 0 || next > first) throw bad('its index names more than there is');
    blocks.push({ unpaddedSize, uncompressedSize, offset: position, end: next });
    position = next;
  }
  if (position !== first) throw bad('its index does not name all blocks');
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

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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
