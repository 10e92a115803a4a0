import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import fc from 'fast-check';

import { readEntry } from './index-entry.ts';
import { scanStanzas } from './index-scan.ts';
import { formatRelations, parseRelations } from './relation.ts';
import { refusal } from './testdata/oracle.ts';

const data = (name: string) => readFileSync(join(import.meta.dirname, 'testdata/index', name));
const encode = (text: string) => new TextEncoder().encode(text);
const hash = 'ab'.repeat(32);
const binary = (text: string) =>
  readEntry(encode(`Package: a\nVersion: 1\nArchitecture: all\n${text}`), 'binary', 'P')!;
const source = (text: string) => readEntry(encode(`Package: a\nVersion: 1\n${text}`), 'source', 'S')!;
const entries = (name: string, kind: 'binary' | 'source') => {
  const bytes = data(name);
  return [...scanStanzas(bytes)].map(({ start, end }) => readEntry(bytes.subarray(start, end), kind)!);
};

test('readEntry gives what a stanza of Packages says', () => {
  const found = entries('Packages', 'binary').find((entry) => entry.name === '0xffff');
  assert.deepEqual(found, {
    name: '0xffff',
    version: '0.9-1+b1',
    architecture: 'amd64',
    source: '0xffff',
    sourceVersion: '0.9-1',
    sha256: '1a50bcb6b41e418b4b5447cb4b47e9f50e1f75176126cdff653260a53a58593c',
    size: 58660,
    filename: 'pool/main/0/0xffff/0xffff_0.9-1+b1_amd64.deb',
    relations: [
      { target: 'libc6', field: 'Depends' },
      { target: 'libusb-0.1-4', field: 'Depends' },
    ],
  });
});

test('readEntry gives what a stanza of Sources says, its file being the .dsc', () => {
  const found = entries('Sources', 'source').find((entry) => entry.name === 'hello')!;
  assert.deepEqual(found, {
    name: 'hello',
    version: '2.10-5',
    architecture: 'source',
    source: 'hello',
    sourceVersion: '2.10-5',
    sha256: /([0-9a-f]{64}) \d+ hello_2\.10-5\.dsc/.exec(data('Sources').toString())![1],
    size: Number(/ (\d+) hello_2\.10-5\.dsc/.exec(data('Sources').toString())![1]),
    filename: 'pool/main/h/hello/hello_2.10-5.dsc',
    relations: [
      { target: 'debhelper-compat', field: 'Build-Depends' },
      { target: 'texinfo', field: 'Build-Depends' },
    ],
  });
});

test('readEntry gives undefined for a piece without a field', () => {
  for (const text of ['', '\n', '\n\n', '# only\n\n', ' \n'])
    assert.equal(readEntry(encode(text), 'binary'), undefined);
});

test('readEntry leaves empty what an index does not say', () => {
  const { sha256, size, filename, source: from, sourceVersion, relations } = binary('');
  assert.deepEqual([sha256, size, filename, from, sourceVersion, relations], ['', 0, undefined, 'a', '1', []]);
  assert.deepEqual([source('').sha256, source('').size, source('').filename], ['', 0, undefined]);
  const weak = source(`Directory: .\nFiles:\n ${'0'.repeat(32)} 12 a_1.dsc\n`);
  assert.deepEqual([weak.sha256, weak.size, weak.filename], ['', 12, 'a_1.dsc']);
});

test('readEntry names each target once for each field, whatever stands around the names', () => {
  const { relations } = binary(
    'Pre-Depends: x\nDepends: x:any (>= 1), libA|y [amd64] <!nocheck>,\n x (<< 2), ${misc:Depends},, z<a>,\tq(=1) | x\n , bad/name, w\n',
  );
  assert.deepEqual(
    relations.map(({ target, field }) => `${field} ${target}`),
    ['Pre-Depends x', 'Depends x', 'Depends libA', 'Depends y', 'Depends z', 'Depends q', 'Depends w'],
  );
});

test('readEntry finds the targets that parseRelations finds', () => {
  const name = fc.tuple(fc.constantFrom('a', 'lib', 'x0'), fc.nat(60)).map(([first, number]) => `${first}${number}`);
  const relation = fc
    .tuple(name, fc.constantFrom('', ':any', ' (>= 1:2-3)', '(<<4)', ' [amd64 i386]', ' <!nocheck> <x y>', '\n'))
    .map((parts) => parts.join(''));
  const list = fc
    .array(fc.tuple(relation, fc.constantFrom(', ', ' | ', '|', ',\n ')))
    .map((all) => all.flat().join(''));
  fc.assert(
    fc.property(list, (text) => {
      const value = `${text.replaceAll(/\n(?! )/g, '\n ').replace(/[\s|,]+$/, '')}\n`;
      const expected = new Set(parseRelations(value).flatMap((group) => group.map((each) => each.name)));
      const found = source(`Build-Depends: ${value}`).relations.map((each) => each.target);
      assert.deepEqual(found, [...expected], formatRelations(parseRelations(value)));
    }),
    { numRuns: 1000 },
  );
});

test('readEntry is linear in the number of targets, also of equal ones', () => {
  const names = Array.from({ length: 300_000 }, (_, i) => `p${i}`);
  assert.equal(binary(`Depends: ${[...names, ...names].join(', ')}\n`).relations.length, names.length);
  assert.equal(binary(`Depends: ${'same, '.repeat(1_000_000)}\n`).relations.length, 1);
});

test('readEntry accepts what archives of former years have', () => {
  assert.equal(readEntry(encode('Package: Old_Name\nVersion: 1_2\nArchitecture: i386\n'), 'binary')?.name, 'Old_Name');
  assert.equal(binary(`SHA256: ${hash.toUpperCase()}\n`).sha256, hash);
  assert.equal(binary('Filename: ./a_1%3a2.deb\n').filename, './a_1%3a2.deb');
  assert.equal(binary('Source: b\n').sourceVersion, '1');
  assert.equal(
    readEntry(Buffer.from('Package: a\nVersion: 1\nArchitecture: all\nMaintainer: \xe9\n', 'latin1'), 'binary')?.name,
    'a',
  );
});

const badBinary: readonly (readonly [string, string, string, RegExp, number])[] = [
  ['no Package', 'Version: 1\nArchitecture: all\n', 'missing-field', /"Package" is missing/, 1],
  ['no Version', 'Package: a\nArchitecture: all\n', 'missing-field', /"Version" is missing/, 1],
  ['an empty Version', 'Package: a\nVersion:\nArchitecture: all\n', 'missing-field', /"Version" is empty/, 2],
  ['no Architecture', 'Package: a\nVersion: 1\n', 'missing-field', /"Architecture" is missing/, 1],
  ['a name with a slash', 'Package: a/b\nVersion: 1\nArchitecture: all\n', 'bad-field', /not a package name/, 1],
  ['a name beyond ASCII', 'Package: é\nVersion: 1\nArchitecture: all\n', 'bad-field', /not a package name/, 1],
  [
    'a name that looks like an option',
    'Package: -a\nVersion: 1\nArchitecture: all\n',
    'bad-field',
    /not a package name/,
    1,
  ],
  ['a long name', `Package: ${'a'.repeat(300)}\nVersion: 1\nArchitecture: all\n`, 'bad-field', /not a package name/, 1],
  ['a version with a space', 'Package: a\nVersion: 1 2\nArchitecture: all\n', 'bad-field', /not a version/, 2],
  ['a version with a bad epoch', 'Package: a\nVersion: a:2\nArchitecture: all\n', 'bad-field', /not a version/, 2],
  ['a version without a revision', 'Package: a\nVersion: 1-\nArchitecture: all\n', 'bad-field', /not a version/, 2],
  ['two architectures', 'Package: a\nVersion: 1\nArchitecture: i386 amd64\n', 'bad-field', /not an architecture/, 3],
  ...(
    [
      ['a short SHA256', `SHA256: ${hash.slice(1)}`, /not a SHA-256/],
      ['a SHA256 with other letters', `SHA256: ${hash.slice(1)}g`, /not a SHA-256/],
      ['a negative Size', 'Size: -1', /not a number of bytes/],
      ['an absurd Size', `Size: ${'9'.repeat(16)}`, /not a number of bytes/],
      ['an absolute Filename', 'Filename: /etc/passwd', /leaves the archive/],
      ['a Filename with ..', 'Filename: pool/../../x.deb', /leaves the archive/],
      ['a Filename with an escaped ..', 'Filename: pool/%2E%2e/x.deb', /leaves the archive/],
      ['a Filename with backslashes', String.raw`Filename: pool\..\x.deb`, /leaves the archive/],
      ['a Filename that is an address', 'Filename: https:x.deb', /leaves the archive/],
      ['a Filename with a control character', 'Filename: a\x1b.deb', /leaves the archive/],
      ['a Filename that is a directory', 'Filename: pool/', /not the path of a file/],
      ['an empty Filename', 'Filename:', /"Filename" is empty/],
      ['an overlong Filename', `Filename: ${'a/'.repeat(3000)}b`, /more than 4096/],
      ['a Source with a bad version', 'Source: b (1 2)', /not a name with a version/],
    ] as const
  ).map(
    ([what, line, message]) =>
      [
        what,
        `Package: a\nVersion: 1\nArchitecture: all\n${line}\n`,
        message.source.includes('is empty') ? 'missing-field' : 'bad-field',
        message,
        4,
      ] as const,
  ),
];
for (const [what, text, code, message, line] of badBinary) {
  test(`readEntry refuses ${what}, naming file and line`, () => {
    assert.throws(() => readEntry(encode(text), 'binary', 'P'), refusal(code, message, line));
    assert.throws(() => readEntry(encode(text), 'binary', 'P'), /^SheafError: Cannot read P: /);
  });
}

const badSource: readonly (readonly [string, string, RegExp])[] = [
  ['a Directory that leaves the archive', 'Directory: pool/../..', /leaves the archive/],
  ['a file with a slash', `Checksums-Sha256:\n ${hash} 1 ../a.dsc`, /not a plain file name/],
  ['a file named ..', `Checksums-Sha256:\n ${hash} 1 ..`, /not a plain file name/],
  ['a bad hash', `Checksums-Sha256:\n ${hash}0 1 a.dsc`, /not a SHA-256/],
  ['a bad size', `Checksums-Sha256:\n ${hash} -1 a.dsc`, /is not "checksum size name"/],
  ['a line of two words', `Checksums-Sha256:\n ${hash} a.dsc`, /is not "checksum size name"/],
  ['a bad MD5', 'Files:\n abc 1 a.dsc', /not an MD5/],
];
for (const [what, line, message] of badSource) {
  test(`readEntry refuses a source with ${what}`, () => {
    assert.throws(() => source(`${line}\n`), refusal('bad-field', message, 3));
  });
}
