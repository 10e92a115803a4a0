/** Bytes within bytes: faster than to make a text of them first. */

/**
 * Where `needle` begins in `bytes` at or behind `from`, or -1. It looks at the last byte of each window and steps as far
 * as that byte allows (Horspool's way), so that long needles are faster than short ones.
 */
export function indexOfBytes(bytes: Uint8Array, needle: Uint8Array, from = 0): number {
  return byteFinder(needle)(bytes, from);
}

/** The same for a needle that is looked for many times. */
export function byteFinder(needle: Uint8Array): (bytes: Uint8Array, from: number) => number {
  const { length } = needle;
  if (length === 0) return (_bytes, from) => from;
  if (length === 1) return (bytes, from) => bytes.indexOf(needle[0]!, from);
  const steps = new Uint32Array(256).fill(length);
  for (let i = 0; i < length - 1; i++) steps[needle[i]!] = length - 1 - i;
  const end = needle[length - 1]!;
  return (bytes, from) => {
    const last = bytes.length - 1;
    for (let at = from + length - 1; at <= last;) {
      const byte = bytes[at]!;
      if (byte === end && matches(bytes, needle, at - length + 1)) return at - length + 1;
      at += steps[byte]!;
    }
    return -1;
  };
}

/** As `memcmp`: below zero where `left` comes first. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const difference = left[i]! - right[i]!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function matches(bytes: Uint8Array, needle: Uint8Array, at: number): boolean {
  for (let i = 0; i < needle.length - 1; i++) if (bytes[at + i] !== needle[i]) return false;
  return true;
}
