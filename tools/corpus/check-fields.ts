/** Whether an index comes back byte for byte, and whether every field is what apt and python3-debian read. */
import { formatStanza, parseStanza, parseStanzas, type Stanza } from '../../src/formats/deb/deb822.ts';
import { IndexFields } from '../../src/formats/deb/index-fields.ts';
import { scanStanzas } from '../../src/formats/deb/index-scan.ts';
import { describeError } from '../../src/kit/error.ts';
import type { CorpusIndex } from './archive.ts';
import type { Findings } from './findings.ts';

/** The stanzas of an index by the lossless reader; undefined, with a finding, when it refuses the file. */
export function checkRoundTrip(index: CorpusIndex, findings: Findings): Stanza[] | undefined {
  const { bytes } = index;
  const place = `${index.suite} ${index.path}`;
  const scanned = [...scanStanzas(bytes)];
  const joined = Buffer.concat(scanned.map(({ start, end }) => bytes.subarray(start, end)));
  findings.count('pieces, joined again', scanned.length);
  if (!joined.equals(bytes)) findings.disagree('pieces, joined again', place, 'they are not the file');
  let stanzas: Stanza[];
  try {
    stanzas = parseStanzas(bytes.toString(), place);
  } catch (error) {
    findings.disagree('stanzas, byte for byte', place, describeError(error));
    return undefined;
  }
  let at = 0;
  for (const [number, stanza] of stanzas.entries()) {
    const text = Buffer.from(stanza.text);
    findings.count('stanzas, byte for byte', 1);
    if (!text.equals(bytes.subarray(at, at + text.length)) || at !== scanned[number]?.start) {
      findings.disagree('stanzas, byte for byte', `${place}:${stanza.fields[0]!.line}`, 'the bytes or the cut differ');
    }
    at += text.length;
  }
  if (at !== bytes.length) findings.disagree('stanzas, byte for byte', place, 'bytes are left over');
  return stanzas;
}

/** Written anew, a stanza has the same fields with the same values. */
export function checkRewriting(index: CorpusIndex, stanzas: readonly Stanza[], findings: Findings): void {
  for (const { fields } of stanzas) {
    const pairs = fields.map(({ name, value }) => [name, value] as const);
    const again = parseStanza(formatStanza(pairs)).fields;
    findings.count('stanzas, written and read again', 1);
    if (again.length === pairs.length && again.every((each, i) => each.value === pairs[i]![1])) continue;
    findings.disagree(
      'stanzas, written and read again',
      `${index.suite} ${index.path}:${fields[0]!.line}`,
      'values differ',
    );
  }
}

/** `answer`: what oracle.py says of the file, by `oracle`. */
export function checkFields(
  index: CorpusIndex,
  stanzas: readonly Stanza[],
  { oracle, answer }: { readonly oracle: string; readonly answer: Buffer },
  findings: Findings,
): void {
  const lossless = `fields, lossless reader with ${oracle}`;
  const fast = `fields, fast reader with ${oracle}`;
  const fields = new IndexFields(index.path);
  const pieces = scanStanzas(index.bytes);
  let at = 0;
  for (const stanza of stanzas) {
    const end = answer.indexOf(endOfStanza, at);
    const expected = answer.toString('utf8', at, end === -1 ? at : end);
    at = end + 1;
    const line = stanza.fields[0]!.line;
    compare(
      lossless,
      expected,
      stanza.fields.map(({ name, value }) => [name, value.trim()] as const),
      line,
    );
    const { start, end: last } = pieces.next().value!;
    fields.read(index.bytes, start, last);
    compare(fast, expected, fields.all(), line);
  }
  if (at !== answer.length) findings.disagree(lossless, index.path, 'the number of stanzas differs');

  function compare(check: string, expected: string, found: readonly (readonly [string, string])[], line: number): void {
    findings.count(check, found.length);
    const text = found.map(([name, value]) => `${name}\x1f${value}\x1e`).join('');
    if (text === expected) return;
    const [ours, theirs] = [text.split('\x1e'), expected.split('\x1e')];
    const first = ours.findIndex((each, i) => each !== theirs[i]);
    const message = `${JSON.stringify(ours[first]?.slice(0, 200))} here, ${JSON.stringify(theirs[first]?.slice(0, 200))} there`;
    findings.disagree(check, `${index.suite} ${index.path}:${line}`, message);
  }
}

const endOfStanza = 0x1d;
