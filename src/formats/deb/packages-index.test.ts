/** packages-index.ts and sources-index.ts: typed values of whole indexes. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { SheafError } from '../../kit/error.ts';
import { readPackagesIndex } from './packages-index.ts';
import { parseRelations } from './relation.ts';
import { readSourcesIndex } from './sources-index.ts';
import { refusal, run } from './testdata/oracle.ts';

const data = (name: string) => readFileSync(join(import.meta.dirname, 'testdata/index', name));
const encode = (text: string) => new TextEncoder().encode(text);
const hash = 'ab'.repeat(32);

/** One object of field to value for each stanza, by python3-debian; undefined where it is not installed. */
function pythonStanzas(name: string): Record<string, string>[] | undefined {
  const script = `
import sys, json
from debian import deb822
print(json.dumps([dict(s) for s in deb822.Deb822.iter_paragraphs(sys.stdin.buffer, use_apt_pkg=False)]))`;
  try {
    return JSON.parse(run('/usr/bin/python3', ['-c', script], { input: data(name) }).toString()) as Record<
      string,
      string
    >[];
  } catch {
    return undefined;
  }
}

/** Lines without the blanks around them: python3-debian keeps those of continuation lines. */
const plain = (text: string) => text.split('\n').map((line) => line.trim()).join('\n').trim(); // prettier-ignore

const packages = pythonStanzas('Packages');
const skip = packages === undefined && 'not installed: python3-debian';

test('readPackagesIndex gives the values that python3-debian reads', { skip }, () => {
  const found = [...readPackagesIndex(data('Packages'))];
  assert.equal(found.length, packages!.length);
  found.forEach((each, i) => {
    const stanza = packages![i]!;
    const [, source, sourceVersion] = /^(\S+)(?: \((.*)\))?$/.exec(stanza['Source'] ?? each.name)!;
    const { start: _start, end: _end, others, filename, ...values } = each;
    assert.deepEqual(values, {
      name: stanza['Package'],
      version: stanza['Version'],
      architecture: stanza['Architecture'],
      source,
      sourceVersion: sourceVersion ?? stanza['Version'],
      maintainer: stanza['Maintainer'],
      section: stanza['Section'],
      priority: stanza['Priority'],
      essential: stanza['Essential'] === 'yes',
      multiArch: stanza['Multi-Arch'] ?? '',
      installedSize: Number(stanza['Installed-Size']),
      preDepends: stanza['Pre-Depends'] ?? '',
      depends: stanza['Depends'] ?? '',
      recommends: stanza['Recommends'] ?? '',
      suggests: stanza['Suggests'] ?? '',
      enhances: stanza['Enhances'] ?? '',
      breaks: stanza['Breaks'] ?? '',
      conflicts: stanza['Conflicts'] ?? '',
      provides: stanza['Provides'] ?? '',
      replaces: stanza['Replaces'] ?? '',
      builtUsing: stanza['Built-Using'] ?? '',
      description: stanza['Description'],
      descriptionMd5: stanza['Description-md5'],
      homepage: stanza['Homepage'] ?? '',
      tag: plain(stanza['Tag'] ?? ''),
      size: Number(stanza['Size']),
      sha256: stanza['SHA256'],
      md5sum: stanza['MD5sum'],
    });
    assert.equal(filename, stanza['Filename']);
    for (const [name, value] of others) assert.equal(plain(value), plain(stanza[name]!));
    assert.ok(parseRelations(each.depends).length > 0 || each.depends === '');
  });
});

test('readSourcesIndex gives the values that python3-debian reads', { skip }, () => {
  const stanzas = pythonStanzas('Sources')!;
  const found = [...readSourcesIndex(data('Sources'))];
  assert.equal(found.length, stanzas.length);
  found.forEach((each, i) => {
    const stanza = stanzas[i]!;
    const { start: _start, end: _end, others, files, ...values } = each;
    assert.deepEqual(values, {
      name: stanza['Package'],
      version: stanza['Version'],
      binaries: stanza['Binary']!.split(/,\s*/),
      architectures: stanza['Architecture']!.split(' '),
      format: stanza['Format'],
      maintainer: stanza['Maintainer'],
      uploaders: stanza['Uploaders'] ?? '',
      section: stanza['Section'],
      priority: stanza['Priority'],
      standardsVersion: stanza['Standards-Version'],
      homepage: stanza['Homepage'] ?? '',
      vcsBrowser: stanza['Vcs-Browser'] ?? '',
      vcsGit: stanza['Vcs-Git'] ?? '',
      testsuite: stanza['Testsuite'] ?? '',
      packageList: plain(stanza['Package-List']!),
      buildDepends: stanza['Build-Depends'] ?? '',
      buildDependsIndep: stanza['Build-Depends-Indep'] ?? '',
      buildDependsArch: stanza['Build-Depends-Arch'] ?? '',
      buildConflicts: stanza['Build-Conflicts'] ?? '',
      buildConflictsIndep: stanza['Build-Conflicts-Indep'] ?? '',
      buildConflictsArch: stanza['Build-Conflicts-Arch'] ?? '',
      directory: stanza['Directory'],
    });
    const lines = files.map((file) => `${file.sha256} ${file.size} ${file.name}`);
    assert.equal(lines.join('\n'), plain(stanza['Checksums-Sha256']!));
    for (const [name, value] of others) assert.equal(plain(value), plain(stanza[name]!));
  });
});

test('the readers say where each stanza lies: joined, they are the file', () => {
  for (const [name, read] of [['Packages', readPackagesIndex], ['Sources', readSourcesIndex]] as const) {
    const bytes = data(name);
    const pieces = [...read(bytes, name)].map(({ start, end }) => bytes.subarray(start, end));
    assert.ok(Buffer.concat(pieces).equals(bytes), name);
  }
}); // prettier-ignore

test('readPackagesIndex passes over blank lines and comments between stanzas', () => {
  const text =
    '\n\n# a comment\n\n\nPackage: a\nVersion: 1\nArchitecture: all\n\n\n \nPackage: b\nVersion: 2\nArchitecture: all';
  const found = [...readPackagesIndex(encode(text))];
  assert.deepEqual(found.map(({ name, version }) => [name, version]), [['a', '1'], ['b', '2']]); // prettier-ignore
  assert.deepEqual([...readPackagesIndex(new Uint8Array(0))], []);
});

test('readPackagesIndex takes other numbers than sizes as they come', () => {
  const text =
    'Package: a\nVersion: 1\nArchitecture: all\nInstalled-Size: some\nEssential: maybe\nX: y\nMulti-Arch: what\n';
  const [found] = readPackagesIndex(encode(text));
  assert.deepEqual(
    [found!.installedSize, found!.essential, found!.multiArch, found!.others],
    [undefined, false, 'what', [['X', 'y']]],
  );
});

const bad = `Package: a\nVersion: 1\nArchitecture: all\nSHA256: ${hash}\n\nPackage: b\nVersion: 1\n\nPackage: c\nVersion: 1\nArchitecture: all\nSize: x\n\nPackage: d\nVersion: 1\nArchitecture: all\n`;

test('readPackagesIndex throws at the first bad stanza, naming its line in the file', () => {
  const reader = readPackagesIndex(encode(bad), 'main/Packages');
  assert.equal(reader.next().value?.name, 'a');
  assert.throws(() => reader.next(), refusal('missing-field', /Cannot read main\/Packages: .*"Architecture"/, 6));
});

test('readPackagesIndex gives bad stanzas to onBad and goes on', () => {
  const errors: SheafError[] = [];
  const found = [...readPackagesIndex(encode(bad), 'P', { onBad: (error) => errors.push(error) })];
  assert.deepEqual(found.map(({ name }) => name), ['a', 'd']); // prettier-ignore
  assert.deepEqual(errors.map(({ code, place }) => [code, place?.line]), [['missing-field', 6], ['bad-field', 12]]); // prettier-ignore
});

test('the readers refuse a source without a version, and take one without architectures', () => {
  assert.throws(() => [...readSourcesIndex(encode('Package: a\n'))], refusal('missing-field', /"Version"/, 1));
  assert.deepEqual([...readSourcesIndex(encode('Package: a\nVersion: 1\n'))][0]!.architectures, []);
});

test('readPackagesIndex reads a million stanzas, and a million bad ones, in bounded memory', () => {
  const good = 'Package: a\nVersion: 1\nArchitecture: all\n\n';
  const count = 1_000_000;
  const bytes = new Uint8Array(count * good.length);
  for (let at = 0; at < bytes.length; at += good.length) bytes.set(encode(good), at);
  const before = process.memoryUsage().heapUsed;
  let read = 0;
  for (const _ of readPackagesIndex(bytes)) read++;
  assert.equal(read, count);
  const lines = encode('x\n\n'.repeat(100_000));
  let last = 0;
  for (const _ of readPackagesIndex(lines, 'P', { onBad: (error) => (last = error.place!.line!) })) read++;
  assert.equal(last, 199_999);
  assert.equal(read, count);
  assert.ok(process.memoryUsage().heapUsed - before < 200e6);
});
