/** Base64 of RFC 4648 §4, padded and strict, without a runtime's help so that formats may use it. */
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const values = new Int16Array(128).fill(-1);
for (let index = 0; index < alphabet.length; index++) values[alphabet.charCodeAt(index)] = index;

export function encodeBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let index = 0; index < bytes.length; index += 3) {
    const have = Math.min(3, bytes.length - index);
    const group = (bytes[index]! << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0);
    parts.push(
      alphabet[(group >> 18) & 63]! +
        alphabet[(group >> 12) & 63]! +
        (have > 1 ? alphabet[(group >> 6) & 63]! : '=') +
        (have > 2 ? alphabet[group & 63]! : '='),
    );
  }
  return parts.join('');
}

/**
 * The bytes, or undefined unless the text is exactly what `encodeBase64` makes: no spaces, no missing padding, no
 * stray bits in the last group. One value has one text, so nothing signed can be written in two ways.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  const digits = text.length - padding;
  let buffer = 0;
  let bits = 0;
  let written = 0;
  for (let index = 0; index < digits; index++) {
    const code = text.charCodeAt(index);
    const value = code < 128 ? values[code]! : -1;
    if (value === -1) return undefined;
    buffer = ((buffer << 6) | value) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[written++] = (buffer >> bits) & 255;
    }
  }
  return (buffer & ((1 << bits) - 1)) === 0 ? bytes : undefined;
}
