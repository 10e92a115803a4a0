/** Two PNG pictures, chunk by chunk. PNG Specification, section 5. */
import { SheafError } from '../../kit/error.ts';
import { compareBinary } from './binary.ts';
import type { Contents } from './content.ts';
import { compareParts } from './parts.ts';
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
    // What the picture says of itself: the program, the date.
    return one.name === 'tEXt' ? compareTexts(contents) : compareBinary(contents).slice(0, 1);
  });
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
