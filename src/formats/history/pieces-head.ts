/**
 * The head of a frame of pieces: which pieces it holds, how long each is, a checksum of each by which a piece is found
 * again, and for pieces that were compressed with the help of others (their predecessors), which those are.
 *
 *     flags: 1 the numbers are listed, 2 there are predecessors
 *     count
 *     first number; or listed: each number less the one before, less 1
 *     with predecessors: each predecessor's number less the one before, less 1
 *     lengths; with predecessors: less the predecessor's
 *     CRC-32 of each piece, four bytes each
 */
import { VarintReader, VarintWriter, badFrame } from './varint.ts';

export type PiecesHead = {
  /** In the order in which they stand in the body. */
  readonly numbers: Uint32Array;
  readonly lengths: Uint32Array;
  readonly sums: Uint32Array;
  /** One for each piece, or undefined when the body stands for itself. */
  readonly predecessors: Uint32Array | undefined;
};

const listed = 1;
const helped = 2;
const largest = 2 ** 31 - 1;

/** `lengthOf` says how long a piece of an earlier frame is. */
export function formatPiecesHead(head: PiecesHead, lengthOf: (piece: number) => number): Uint8Array {
  const { numbers, lengths, sums, predecessors } = head;
  const isRow = numbers.every((number, index) => number === numbers[0]! + index);
  const writer = new VarintWriter();
  writer.put((isRow ? 0 : listed) | (predecessors === undefined ? 0 : helped));
  writer.put(numbers.length);
  if (isRow) writer.put(numbers[0] ?? 0);
  else putNumbers(writer, numbers);
  if (predecessors !== undefined) putNumbers(writer, predecessors);
  for (const [index, length] of lengths.entries()) {
    if (predecessors === undefined) writer.put(length);
    else writer.putSigned(length - lengthOf(predecessors[index]!));
  }
  const bytes = new Uint8Array(4 * sums.length);
  const view = new DataView(bytes.buffer);
  for (const [index, sum] of sums.entries()) view.setUint32(4 * index, sum, true);
  writer.putBytes(bytes);
  return writer.finish();
}

/** Throws `bad-frame`. */
export function parsePiecesHead(bytes: Uint8Array, lengthOf: (piece: number) => number): PiecesHead {
  const reader = new VarintReader(bytes);
  const flags = reader.next();
  const count = reader.next();
  // Every piece has at least its checksum in the head.
  if (flags > 3 || count === 0 || count > bytes.length / 4) throw badFrame('its head is not one of pieces');
  const numbers = (flags & listed) === 0 ? row(reader.next(), count) : takeNumbers(reader, count);
  const predecessors = (flags & helped) === 0 ? undefined : takeNumbers(reader, count);
  const lengths = new Uint32Array(count);
  for (let index = 0; index < count; index++) {
    const length = predecessors === undefined ? reader.next() : reader.nextSigned() + lengthOf(predecessors[index]!);
    if (length <= 0 || length > 0xffffffff) throw badFrame(`piece ${numbers[index]!} has an impossible length`);
    lengths[index] = length;
  }
  const sums = new Uint32Array(count);
  const rest = reader.take(4 * count);
  const view = new DataView(rest.buffer, rest.byteOffset, rest.length);
  for (let index = 0; index < count; index++) sums[index] = view.getUint32(4 * index, true);
  if (!reader.atEnd) throw badFrame('its head is too long');
  return { numbers, lengths, sums, predecessors };
}

function row(first: number, count: number): Uint32Array {
  if (first === 0 || first + count - 1 > largest) throw badFrame('a piece has an impossible number');
  return Uint32Array.from({ length: count }, (_, index) => first + index);
}

function putNumbers(writer: VarintWriter, numbers: Uint32Array): void {
  let expected = 0;
  for (const number of numbers) {
    writer.putSigned(number - expected);
    expected = number + 1;
  }
}

function takeNumbers(reader: VarintReader, count: number): Uint32Array {
  const numbers = new Uint32Array(count);
  let expected = 0;
  for (let index = 0; index < count; index++) {
    const number = expected + reader.nextSigned();
    if (number <= 0 || number > largest) throw badFrame('a piece has an impossible number');
    numbers[index] = number;
    expected = number + 1;
  }
  return numbers;
}
