/** Whether the fast typed readers say the same as the lossless reader, and refuse nothing of a real archive. */
import { field, type Stanza } from '../../src/formats/deb/deb822.ts';
import { readEntry } from '../../src/formats/deb/index-entry.ts';
import { readPackagesIndex } from '../../src/formats/deb/packages-index.ts';
import { parseRelations } from '../../src/formats/deb/relation.ts';
import { readSourcesIndex } from '../../src/formats/deb/sources-index.ts';
import { describeError } from '../../src/kit/error.ts';
import type { CorpusIndex } from './archive.ts';
import type { Findings } from './findings.ts';

const check = 'typed stanzas with their fields';

export function checkEntries(
  index: CorpusIndex,
  kind: 'binary' | 'source',
  stanzas: readonly Stanza[],
  findings: Findings,
): void {
  const place = `${index.suite} ${index.path}`;
  const onBad = (error: unknown) => findings.disagree(check, place, describeError(error));
  const read = kind === 'binary' ? readPackagesIndex : readSourcesIndex;
  let number = 0;
  for (const typed of read(index.bytes, place, { onBad })) {
    const stanza = stanzas[number++];
    findings.count(check, 1);
    if (stanza === undefined) return onBad(new Error('there are more than the lossless reader has'));
    const entry = readEntry(index.bytes.subarray(typed.start, typed.end), kind, place)!;
    const of = (name: string) => field(stanza, name) ?? '';
    const [, source, sourceVersion] = /^(\S*)(?: \((.*)\))?$/.exec(of('Source'))!;
    const dsc = of('Checksums-Sha256').split('\n').map((line) => line.split(' ')).find((words) => words[2]?.endsWith('.dsc')); // prettier-ignore
    const expected = {
      name: of('Package'),
      version: of('Version'),
      architecture: kind === 'binary' ? of('Architecture') : 'source',
      source: (kind === 'binary' && source) || of('Package'),
      sourceVersion: (kind === 'binary' && sourceVersion) || of('Version'),
      sha256: kind === 'binary' ? of('SHA256') : dsc?.[0],
      size: Number(kind === 'binary' ? of('Size') : dsc?.[1]),
      filename: kind === 'binary' ? of('Filename') : `${of('Directory')}/${dsc?.[2]}`,
      relations: expectedRelations(entry.relations, stanza),
    };
    if (JSON.stringify(entry) !== JSON.stringify(expected)) {
      findings.disagree(check, `${place}:${stanza.fields[0]!.line}`, firstOf(entry, expected));
    } else if (typed.name !== entry.name || typed.version !== entry.version) {
      findings.disagree(check, `${place}:${stanza.fields[0]!.line}`, 'the two fast readers differ');
    }
  }
  if (number !== stanzas.length) findings.disagree(check, place, `${number} of ${stanzas.length} stanzas were read`);
}

/** By the careful parser: each name once in each field. */
function expectedRelations(found: readonly { readonly field: string }[], stanza: Stanza) {
  const fields = new Set(found.map((each) => each.field));
  return [...fields].flatMap((name) => {
    const names = parseRelations(field(stanza, name) ?? '').flatMap((group) => group.map((each) => each.name));
    return [...new Set(names)].map((target) => ({ target, field: name }));
  });
}

function firstOf(ours: object, theirs: object): string {
  for (const [key, value] of Object.entries(ours)) {
    const other = (theirs as Record<string, unknown>)[key];
    if (JSON.stringify(value) !== JSON.stringify(other)) {
      return `${key}: ${JSON.stringify(value)?.slice(0, 200)} here, ${JSON.stringify(other)?.slice(0, 200)} there`;
    }
  }
  return 'they differ';
}
