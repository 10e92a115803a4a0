/**
 * The cleartext signature framework, byte for byte: which bytes an InRelease file signs. RFC 9580, section 7.
 *
 * Stricter than most readers: nothing may stand around the armor, and no header but "Hash" may stand in it, because
 * both would look signed to a person and are not.
 */

export type Cleartext = {
  /** What is signed, with LF line ends (the hash takes CR LF) and without the last line end (section 7.2). */
  readonly signed: Uint8Array;
  /** The armored signature, its BEGIN and END lines included. */
  readonly armor: string;
};

const begin = '-----BEGIN PGP SIGNED MESSAGE-----';
const signature = '-----BEGIN PGP SIGNATURE-----';
const end = '-----END PGP SIGNATURE-----';

/** Whether the file means to be one. */
export function isCleartext(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, begin.length)).toString('latin1') === begin;
}

/** The parts, or what is wrong, as the end of a sentence about the file. */
export function splitCleartext(bytes: Uint8Array): Cleartext | string {
  // One character per byte: nothing is decoded, so nothing is lost.
  const lines = Buffer.from(bytes)
    .toString('latin1')
    .split('\n')
    .map((line) => line.replace(/[ \t\r]+$/, ''));
  const blank = lines.indexOf('');
  const headers = lines.slice(1, Math.max(blank, 1));
  if (lines[0] !== begin || blank === -1 || headers.some((line) => !/^Hash: [A-Za-z0-9, -]+$/.test(line))) {
    return 'does not begin with "Hash" headers and a blank line';
  }
  const start = lines.indexOf(signature, blank);
  const stop = start === -1 ? -1 : lines.indexOf(end, start);
  if (stop === -1) return 'ends before its signature does';
  if (lines.slice(stop + 1).some((line) => line !== '')) return 'has text behind its signature, which nobody signed';
  const text = lines.slice(blank + 1, start);
  // Section 7.1: a line of the text that begins with a hyphen has "- " before it.
  const loose = text.findIndex((line) => line.startsWith('-') && !line.startsWith('- ') && line !== '-');
  if (loose !== -1) return `has an unescaped hyphen at the beginning of line ${blank + 2 + loose}`;
  const unescaped = text.map((line) => (line.startsWith('-') ? line.slice(2) : line));
  return {
    signed: Buffer.from(unescaped.join('\n'), 'latin1'),
    armor: `${lines.slice(start, stop + 1).join('\n')}\n`,
  };
}
