/**
 * A gzip file of many members, each of which says in its header how long it is: members that were compressed once serve
 * in every later file. For every other reader it is an ordinary gzip file. RFC 1952; the extra field is as BGZF has it
 * (SAM specification 4.1), with sizes of 32 bits.
 */
import { SheafError } from '../../kit/error.ts';

export type GzipMember = { readonly bytes: Uint8Array; readonly uncompressedSize: number };

/** RFC 1952, 2.3: magic, deflate, FEXTRA, no time, "maximum compression", Unix. */
const start = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 2, 3] as const;
/** The subfield's id and length: the size of the member, then that of its content. */
const subfield = [0x53, 0x48, 8, 0] as const;
const headerSize = start.length + 2 + subfield.length + 8;

/** A member around raw deflate data (RFC 1951) of content with this CRC-32 and size, below 4 GiB. */
export function gzipMember(deflated: Uint8Array, crc: number, uncompressedSize: number): GzipMember {
  const bytes = new Uint8Array(headerSize + deflated.length + 8);
  const view = new DataView(bytes.buffer);
  bytes.set([...start, subfield.length + 8, 0, ...subfield]);
  view.setUint32(headerSize - 8, bytes.length, true);
  view.setUint32(headerSize - 4, uncompressedSize, true);
  bytes.set(deflated, headerSize);
  view.setUint32(bytes.length - 8, crc, true);
  view.setUint32(bytes.length - 4, uncompressedSize, true);
  return { bytes, uncompressedSize };
}

/** The members of a file that consists of such members only. Throws `bad-gzip`. */
export function splitGzipMembers(bytes: Uint8Array): GzipMember[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const members: GzipMember[] = [];
  const header = [...start, subfield.length + 8, 0, ...subfield];
  for (let position = 0; position < bytes.length;) {
    if (position + headerSize + 8 > bytes.length || !header.every((byte, at) => bytes[position + at] === byte)) {
      throw new SheafError('bad-gzip', `Cannot take .gz data apart: no member with its size at byte ${position}`);
    }
    const size = view.getUint32(position + headerSize - 8, true);
    const uncompressedSize = view.getUint32(position + headerSize - 4, true);
    const end = position + size;
    if (size < headerSize + 8 || end > bytes.length || view.getUint32(end - 4, true) !== uncompressedSize) {
      throw new SheafError('bad-gzip', `Cannot take .gz data apart: the member at byte ${position} has another size`);
    }
    members.push({ bytes: bytes.subarray(position, end), uncompressedSize });
    position = end;
  }
  return members;
}
