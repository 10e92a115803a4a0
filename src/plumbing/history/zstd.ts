/** Bodies of frames: zstd, with or without the predecessors as its dictionary. */
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';

const compressAsync = promisify(zstdCompress);
const decompressAsync = promisify(zstdDecompress);

export async function compress(
  bytes: Uint8Array,
  options: { readonly level: number; readonly dictionary?: Buffer | undefined },
): Promise<Buffer> {
  return compressAsync(bytes, {
    // One piece of output: many small ones cost twice the time.
    chunkSize: Math.max(1024, bytes.length),
    // Otherwise it gets ready for any size: 50 ms of clearing tables.
    pledgedSrcSize: bytes.length,
    params: { [constants.ZSTD_c_compressionLevel]: options.level, [constants.ZSTD_c_checksumFlag]: 0 },
    ...withDictionary(options.dictionary),
  });
}

/** Never gives more than `length` bytes: throws instead. */
export async function decompress(bytes: Uint8Array, length: number, dictionary?: Buffer): Promise<Buffer> {
  return decompressAsync(bytes, {
    chunkSize: Math.max(1024, length + 64),
    maxOutputLength: Math.max(1, length),
    ...withDictionary(dictionary),
  });
}

/** Bytes that look like a trained dictionary would be read as one: they are not used. */
function withDictionary(dictionary: Buffer | undefined): { readonly dictionary?: Buffer } {
  if (dictionary === undefined || dictionary.length < 8 || dictionary.readUInt32LE(0) === 0xec30a437) return {};
  return { dictionary };
}
