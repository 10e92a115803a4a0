/**
 * Looks for a few small files in a tar archive as it streams by. Only plain headers are understood (ustar and GNU, names
 * of up to 255 characters), which is how every changelog is packed; all else is passed over by its size.
 */
import { SheafError } from '../../kit/error.ts';
import { ByteReader } from './byte-reader.ts';

export type FoundFile = { readonly path: string; readonly bytes: Uint8Array };

export type TarSearch = {
  /** Which files are wanted, by path without a leading `./`. */
  readonly isWanted: (path: string) => boolean;
  /** Larger files are passed over. */
  readonly limit: number;
};

const block = 512;
/** More than any package has; the archive's size is limited by whoever unpacks it. */
const mostEntries = 2_000_000;

export async function* searchTar(source: AsyncIterable<Uint8Array>, search: TarSearch): AsyncGenerator<FoundFile> {
  const reader = new ByteReader(source);
  try {
    for (let count = 0; count < mostEntries; count++) {
      const header = await reader.read(block);
      if (header[0] === 0) return;
      const size = sizeOf(header);
      const padding = (block - (size % block)) % block;
      const path = pathOf(header);
      const isFile = header[156] === 0x30 || header[156] === 0;
      if (isFile && size <= search.limit && search.isWanted(path)) {
        yield { path, bytes: await reader.read(size) };
        await reader.skip(padding);
      } else {
        await reader.skip(size + padding);
      }
    }
  } finally {
    await reader.close();
  }
}

function pathOf(header: Uint8Array): string {
  const name = text(header, 0, 100);
  const prefix = text(header, 257, 6) === 'ustar' ? text(header, 345, 155) : '';
  return (prefix === '' ? name : `${prefix}/${name}`).replace(/^(?:\.\/)+/, '');
}

/** Octal digits, or binary with the top bit set. */
function sizeOf(header: Uint8Array): number {
  if (header[124] === 0x80) return header.subarray(125, 136).reduce((sum, byte) => sum * 256 + byte, 0);
  const digits = text(header, 124, 12).trim();
  if (!/^[0-7]{1,12}$/.test(digits)) throw new SheafError('bad-tar', 'Cannot read an archive: a size is not a number');
  return Number.parseInt(digits, 8);
}

function text(header: Uint8Array, offset: number, length: number): string {
  const field = header.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end === -1 ? field : field.subarray(0, end));
}
