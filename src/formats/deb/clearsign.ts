/**
 * The text inside an OpenPGP cleartext signature, as `.dsc`, `.changes`, `.buildinfo` and InRelease may be wrapped in.
 * RFC 9580, section 7. Nothing is verified here: whoever needs to know who signed verifies the file first.
 */
import { SheafError } from '../../kit/error.ts';

const begin = '-----BEGIN PGP SIGNED MESSAGE-----';
const signature = '-----BEGIN PGP SIGNATURE-----';
const end = '-----END PGP SIGNATURE-----';

/** A text, and the number of its first line in the file it came from. */
export type SignedText = { readonly text: string; readonly firstLine: number };

/**
 * The signed text with LF line ends, or the text itself when it is not wrapped. Text around the armor is refused: it
 * is not signed. Throws `bad-armor`.
 */
export function stripClearsign(text: string, file = 'control data'): SignedText {
  if (!text.startsWith(begin)) return { text, firstLine: 1 };
  const lines = text.split('\n').map((line) => line.trimEnd());
  const blank = lines.indexOf('');
  const stop = lines.indexOf(signature);
  const last = lines.indexOf(end);
  const headers = lines.slice(1, Math.max(blank, 1));
  if (lines[0] !== begin || blank === -1 || headers.some((line) => !/^Hash: [A-Za-z0-9, -]+$/.test(line))) {
    throw bad(file, 1, 'the armor does not begin with "Hash" headers and a blank line');
  }
  if (stop < blank || last < stop) throw bad(file, lines.length, 'the armor has no end');
  const after = lines.findIndex((line, index) => index > last && line !== '');
  if (after !== -1) throw bad(file, after + 1, 'text stands behind the signature');
  const body = lines.slice(blank + 1, stop).map((line, index) => {
    if (line.startsWith('- ')) return line.slice(2);
    if (line.startsWith('-')) throw bad(file, blank + 2 + index, 'a line begins with an unescaped hyphen');
    return line;
  });
  return { text: body.map((line) => `${line}\n`).join(''), firstLine: blank + 2 };
}

function bad(file: string, line: number, state: string): SheafError {
  return new SheafError('bad-armor', `Cannot read ${file}: ${state}`, { place: { file, line } });
}
