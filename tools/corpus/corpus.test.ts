/** The checks of the corpus on a few real stanzas: they agree, and a disagreement is seen. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { SheafError } from '../../src/kit/error.ts';
import { sha256 } from '../../src/kit/digest.ts';
import { openIndex, type CorpusIndex } from './archive.ts';
import { checkEntries } from './check-entries.ts';
import { checkFields, checkRewriting, checkRoundTrip } from './check-fields.ts';
import { checkRelations, collectRelations } from './check-relations.ts';
import { checkVersions, collectVersions } from './check-versions.ts';
import { Findings, formatFindings } from './findings.ts';
import { askOracle } from './oracle.ts';

const testdata = join(import.meta.dirname, '../../src/formats/deb/testdata/index');

function open(path: 'Packages' | 'Sources'): CorpusIndex {
  const file = join(testdata, path);
  return { suite: 'test', path, file, bytes: readFileSync(file) };
}

const skip =
  ['python3-apt', 'python3-debian'].some((name) => !existsSync(join('/usr/share/doc', name))) &&
  'not installed: python3-apt, python3-debian';

for (const [path, kind] of [['Packages', 'binary'], ['Sources', 'source']] as const) {
  test(`the checks of ${path} agree with apt, dpkg and python3-debian`, { skip }, async () => {
    const index = open(path);
    const findings = new Findings();
    const stanzas = checkRoundTrip(index, findings)!;
    checkRewriting(index, stanzas, findings);
    checkEntries(index, kind, stanzas, findings);
    for (const oracle of ['apt', 'debian']) {
      checkFields(index, stanzas, { oracle, answer: await askOracle([`fields-${oracle}`, index.file]) }, findings);
    }
    const relations = new Map<string, string>();
    assert.ok(collectRelations(path, kind, stanzas, relations) > 10);
    await checkRelations(relations, findings);
    const versions = new Set<string>();
    collectVersions(stanzas, versions);
    await checkVersions(versions, true, findings);
    assert.deepEqual(findings.kept, []);
    assert.ok(findings.isGood);
    assert.equal(findings.rows.length, 11);
  });
} // prettier-ignore

test('checkFields names the place and both values of a disagreement', { skip }, async () => {
  const index = open('Packages');
  const findings = new Findings();
  const stanzas = checkRoundTrip(index, findings)!;
  const answer = Buffer.from(
    (await askOracle(['fields-apt', index.file])).toString().replace('fonts-3270', 'fonts-3271'),
  );
  checkFields(index, stanzas, { oracle: 'apt', answer }, findings);
  assert.equal(findings.isGood, false);
  assert.deepEqual(
    findings.kept.map(({ check, place, message }) => [check, place, message]),
    ['lossless', 'fast'].map((reader) => [
      `fields, ${reader} reader with apt`,
      'test Packages:21',
      String.raw`"Package\u001ffonts-3270" here, "Package\u001ffonts-3271" there`,
    ]),
  );
});

test('checkRoundTrip finds a file that cannot be read, and one that is cut differently', () => {
  const read = (text: string) => {
    const findings = new Findings();
    checkRoundTrip({ suite: 's', path: 'p', file: '', bytes: Buffer.from(text) }, findings);
    return findings.kept.map(({ place, message }) => `${place} ${message}`);
  };
  assert.deepEqual(read('A: b\n\nC: d\n'), []);
  assert.deepEqual(read('A: b\n\nhello\n'), [
    's p s p:3: Cannot read s p: "hello" is neither a field, a continuation line nor a comment',
  ]);
  assert.deepEqual(read('A: b\n \nC: d\n'), ['s p:3 the bytes or the cut differ']);
});

test('Findings count everything, keep the first, and are not good when nothing was compared', () => {
  const findings = new Findings();
  assert.equal(findings.isGood, false);
  findings.count('a', 1000);
  assert.equal(findings.isGood, true);
  findings.count('b', 0);
  assert.equal(findings.isGood, false);
  for (let i = 0; i < 9; i++) findings.disagree('b', `b:${i}`, 'differs');
  assert.equal(findings.kept.length, 5);
  findings.count('b', 10);
  assert.equal(formatFindings(findings), 'a  1,000  agree\nb     10  9 disagree\n');
});

test('openIndex refuses what is not the file that the Release lists', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sheaf-corpus-'));
  const server = createServer((_, response) => response.end('something else')).listen(0, '127.0.0.1');
  try {
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const options = { directory, mirror: `http://127.0.0.1:${port}`, keyring: '', update: false, say: () => {} };
    const files = ['', '.xz'].map((suffix) => ({ path: `main/X${suffix}`, size: 14, sha256: sha256('expected') }));
    const refused = (code: string) => (error: unknown) => error instanceof SheafError && error.code === code;
    await assert.rejects(openIndex(options, { suite: 's', files }, 'main/X'), refused('index-mismatch'));
    const small = files.map((file) => ({ ...file, size: 5 }));
    await assert.rejects(openIndex(options, { suite: 's', files: small }, 'main/X'), refused('over-limit'));
    assert.equal(await openIndex(options, { suite: 's', files }, 'main/Y'), undefined);
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(directory, { recursive: true });
  }
});
