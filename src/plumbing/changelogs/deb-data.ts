/** The data archive of a `.deb` on the disk, as a stream. deb(5): members of 60 bytes of header, padded to even sizes. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';

import { SheafError } from '../../kit/error.ts';

const headerSize = 60;
const mostMembers = 20;

/** Still compressed. Throws `bad-deb` when there is none. */
export async function openDebData(path: string): Promise<AsyncIterable<Uint8Array>> {
  const file = await open(path, 'r');
  try {
    let position = 8;
    for (let count = 0; count < mostMembers; count++) {
      const header = Buffer.alloc(headerSize);
      const { bytesRead } = await file.read(header, 0, headerSize, position);
      const [name, size] = [header.toString('latin1', 0, 16).trim(), Number(header.toString('latin1', 48, 58).trim())];
      if (bytesRead < headerSize || !Number.isSafeInteger(size) || size < 0) break;
      const start = position + headerSize;
      if (/^data\.tar(?:\.\w+)?\/?$/.test(name)) return createReadStream(path, { start, end: start + size - 1 });
      position = start + size + (size % 2);
    }
  } finally {
    await file.close();
  }
  throw new SheafError('bad-deb', `Cannot read ${path}: it has no data archive`, { place: { file: path } });
}
