/** Which compression a file has, told by its first bytes: names lie. */

export type CompressionKind = 'gzip' | 'xz' | 'zstd' | 'bzip2' | 'none';

/** How many of a file's first bytes are needed to tell. */
export const compressionMagicSize = 10;

/**
 * RFC 1952 section 2.3.1; the .xz File Format section 2.1.1.1; RFC 8878 sections 3.1.1 and 3.1.2 (a skippable frame may
 * come first); bzip2: `BZh`, a digit, and the mark of a block or of the end, because `BZh` alone may be text.
 */
export function compressionKind(bytes: Uint8Array): CompressionKind {
  if (begins(bytes, [0x1f, 0x8b])) return 'gzip';
  if (begins(bytes, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])) return 'xz';
  if (begins(bytes, [0x28, 0xb5, 0x2f, 0xfd])) return 'zstd';
  if (bytes.length >= 4 && (bytes[0]! & 0xf0) === 0x50 && begins(bytes.subarray(1), [0x2a, 0x4d, 0x18])) return 'zstd';
  const level = bytes[3] ?? 0;
  if (begins(bytes, [0x42, 0x5a, 0x68]) && level >= 0x31 && level <= 0x39) {
    const mark = bytes.subarray(4);
    if (begins(mark, [0x31, 0x41, 0x59, 0x26, 0x53, 0x59])) return 'bzip2';
    if (begins(mark, [0x17, 0x72, 0x45, 0x38, 0x50, 0x90])) return 'bzip2';
  }
  return 'none';
}

function begins(bytes: Uint8Array, magic: readonly number[]): boolean {
  return bytes.length >= magic.length && magic.every((byte, index) => bytes[index] === byte);
}
