/**
 * A frame: the unit that the log of the index store is written and checked in. All numbers are little-endian.
 *
 *     0  "SHf1"
 *     4  kind: 1 store, 2 pieces, 3 recipe
 *     5  how the body is kept: 0 as it is, 1 zstd
 *     6  0, 0
 *     8  bytes of the head
 *    12  bytes of the body
 *    16  CRC-32 of the body as it stands in the file
 *    20  CRC-32 of the 20 bytes above and the head
 *    24  the head, then the body
 */

/** Bytes before the head. */
export const frameHeaderSize = 24;
/** What a frame begins with. */
export const frameMagic = [0x53, 0x48, 0x66, 0x31] as const;

export type FrameKind = 'store' | 'pieces' | 'recipe';
export type FrameCodec = 'stored' | 'zstd';

export type FrameHeader = {
  readonly kind: FrameKind;
  readonly codec: FrameCodec;
  readonly headLength: number;
  readonly bodyLength: number;
  readonly bodySum: number;
  readonly headSum: number;
};

/** CRC-32 as of zlib; `before` continues one. */
export type Crc32 = (bytes: Uint8Array, before?: number) => number;

const kinds: readonly (FrameKind | undefined)[] = [undefined, 'store', 'pieces', 'recipe'];
const codecs: readonly FrameCodec[] = ['stored', 'zstd'];

/** Header, head and body in one piece, ready to be written. */
export function formatFrame(
  frame: { readonly kind: FrameKind; readonly codec: FrameCodec; readonly head: Uint8Array; readonly body: Uint8Array },
  crc32: Crc32,
): Uint8Array {
  const { kind, codec, head, body } = frame;
  const bytes = new Uint8Array(frameHeaderSize + head.length + body.length);
  const view = new DataView(bytes.buffer);
  bytes.set(frameMagic);
  bytes[4] = kinds.indexOf(kind);
  bytes[5] = codecs.indexOf(codec);
  view.setUint32(8, head.length, true);
  view.setUint32(12, body.length, true);
  view.setUint32(16, crc32(body), true);
  view.setUint32(20, crc32(head, crc32(bytes.subarray(0, 20))), true);
  bytes.set(head, frameHeaderSize);
  bytes.set(body, frameHeaderSize + head.length);
  return bytes;
}

/** The header at the beginning of `bytes`, or undefined when there is none. Its sums are not checked yet. */
export function parseFrameHeader(bytes: Uint8Array): FrameHeader | undefined {
  if (bytes.length < frameHeaderSize || frameMagic.some((byte, index) => bytes[index] !== byte)) return undefined;
  const kind = kinds[bytes[4]!];
  const codec = codecs[bytes[5]!];
  if (kind === undefined || codec === undefined || bytes[6] !== 0 || bytes[7] !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, frameHeaderSize);
  return {
    kind,
    codec,
    headLength: view.getUint32(8, true),
    bodyLength: view.getUint32(12, true),
    bodySum: view.getUint32(16, true),
    headSum: view.getUint32(20, true),
  };
}

/** Whether header and head are as they were written. `bytes` begins with the header and holds the whole head. */
export function isHeadIntact(bytes: Uint8Array, header: FrameHeader, crc32: Crc32): boolean {
  const end = frameHeaderSize + header.headLength;
  return (
    bytes.length >= end && crc32(bytes.subarray(frameHeaderSize, end), crc32(bytes.subarray(0, 20))) === header.headSum
  );
}
