/** Two PNG pictures, chunk by chunk. PNG Specification, section 5. */
import { SheafError } from '../../kit/error.ts';
import { compareBinary } from './binary.ts';
import type { Contents } from './content.ts';
import { compareParts, headerDetail } from './parts.ts';
import { shownHex } from './shown.ts';
import { compareTexts } from './text.ts';
import type { ContentDetail } from './types.ts';

const magic = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const mostChunks = 100_000;

type Chunk = { readonly name: string; readonly content: Uint8Array };

export function isPng(bytes: Uint8Array): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

/** Throws `bad-png`. */
export async function comparePng({ left, right }: Contents): Promise<ContentDetail[]> {
  return compareParts(chunksOf(left), chunksOf(right), (one, other) => {
    const contents = { left: one.content, right: other.content };
    if (Buffer.compare(contents.left, contents.right) === 0) return [];
    if (one.name === 'tIME') return headerDetail('time', timeOf(one.content), timeOf(other.content));
    // What the picture says of itself: the program, the date.
    const isText = one.name === 'tEXt' || (one.name === 'iTXt' && !isPacked(one) && !isPacked(other));
    return isText ? compareTexts(contents) : compareBinary(contents).slice(0, 1);
  });
}

/** Of an iTXt chunk, behind the keyword and its NUL. */
function isPacked({ content }: Chunk): boolean {
  return content[content.indexOf(0) + 1] !== 0;
}

/** A tIME chunk: the year in two bytes, then month, day, hour, minute and second, in UTC. */
function timeOf(content: Uint8Array): string {
  if (content.length !== 7) return shownHex(content.subarray(0, 16));
  const [high = 0, low = 0, ...rest] = content;
  const [month, day, hour, minute, second] = rest.map((number) => String(number).padStart(2, '0'));
  return `${String(256 * high + low).padStart(4, '0')}-${month}-${day}T${hour}:${minute}:${second}Z`;
}

function chunksOf(bytes: Uint8Array): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  for (let at = magic.length; at < bytes.length;) {
    const size = at + 12 <= bytes.length ? view.getUint32(at) : Infinity;
    if (at + 12 + size > bytes.length || chunks.length === mostChunks) {
      throw new SheafError('bad-png', `Cannot read a picture: the chunk at byte ${at} does not fit`);
    }
    const name = Buffer.from(bytes.subarray(at + 4, at + 8)).toString('latin1');
    chunks.push({ name, content: bytes.subarray(at + 8, at + 8 + size) });
    at += 12 + size;
  }
  return chunks;
}
