import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { parseStanzas, type Stanza } from './deb822.ts';
import { fieldNumber, IndexFields } from './index-fields.ts';
import { refusal } from './testdata/oracle.ts';

function read(text: string | Uint8Array, file = 'Packages'): (readonly [string, string])[] {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  const fields = new IndexFields(file);
  fields.read(bytes, 0, bytes.length);
  return fields.all();
}

test('IndexFields gives names as written and values unfolded, as deb822.ts does', () => {
  const text =
    '\n# first\nPackage: a\t \nFiles: \n abc 1 x\n  def 2 y\t\nTag: a::b,\n#no\n c::d\nX-Y:\nDescription:  é short\n long\n .\n ..\n\n';
  assert.deepEqual(read(text), [
    ['Package', 'a'],
    ['Files', 'abc 1 x\n def 2 y'],
    ['Tag', 'a::b,\nc::d'],
    ['X-Y', ''],
    ['Description', 'é short\nlong\n\n.'],
  ]);
});

test('IndexFields.read says whether a piece has a field, and forgets the stanza before', () => {
  const fields = new IndexFields('x');
  const bytes = new TextEncoder().encode('A: b\nSize: 1\n\n\n# c\n \n\nC: d\n');
  assert.equal(fields.read(bytes, 0, 14), true);
  assert.equal(fields.value(fieldNumber.Size), '1');
  assert.equal(fields.read(bytes, 14, 22), false);
  assert.equal(fields.read(bytes, 22, bytes.length), true);
  assert.equal(fields.value(fieldNumber.Size), '');
  assert.deepEqual(fields.others(), [['C', 'd']]);
});

test('IndexFields takes a line of blanks inside a stanza for a part of it, as apt does', () => {
  assert.deepEqual(read('A: b\n c\n \n d\n\t\nB: e\n \n'), [
    ['A', 'b\nc\n\nd'],
    ['B', 'e'],
  ]);
});

test('IndexFields knows its fields in any case of letters', () => {
  const fields = new IndexFields('x');
  const bytes = new TextEncoder().encode('package: a\nSHA256: b\nchecksums-SHA256: c\nPackagf: d\n');
  fields.read(bytes, 0, bytes.length);
  assert.equal(fields.value(fieldNumber.Package), 'a');
  assert.equal(fields.value(fieldNumber['Checksums-Sha256']), 'c');
  assert.deepEqual(fields.others(), [['Packagf', 'd']]);
});

test('IndexFields reads a value that is not UTF-8 as Latin-1, and only that value', () => {
  const bytes = Buffer.concat([
    Buffer.from('A: é\nB: '),
    Buffer.from([0xe9, 0x20, 0x78]),
    Buffer.from('\nC: \uFFFD\n'),
  ]);
  assert.deepEqual(read(bytes), [
    ['A', 'é'],
    ['B', 'é x'],
    ['C', '\uFFFD'],
  ]);
});

const invalid: readonly (readonly [string, string, RegExp, number])[] = [
  ['NUL', 'A: b\nC: d\0e\n', /NUL/, 2],
  ['CR LF', 'A: b\r\nC: d\r\n', /carriage return/, 1],
  ['a CR in a continuation line', 'A: b\n c\r\n', /carriage return/, 2],
  ['a NUL in a comment', 'A: b\n#\0\n', /NUL/, 2],
  ['a field that stands twice', 'Size: 1\nB: 2\nsize: 3\n', /"size" stands twice/, 3],
  ['an unknown field that stands twice', 'A: 1\nB: 2\na: 3\n', /"a" stands twice/, 3],
  ['a continuation line first', '\n a\n', /before any field/, 2],
  ['a second stanza', 'A: b\n\nB: c\n', /found a second/, 3],
  ['a line without a colon', 'A: b\nhello\n', /"hello" is neither/, 2],
  ['a name with a space', 'A b: c\n', /is neither/, 1],
  ['a name with a letter beyond ASCII', 'Ä: c\n', /is neither/, 1],
  ['a name with a NUL', 'A\0: c\n', /NUL|is neither/, 1],
  ['a byte order mark', '\uFEFFA: c\n', /is neither/, 1],
  ['a name that begins with a hyphen', '-A: c\n', /hyphen/, 1],
  ['an empty name', ': c\n', /no name/, 1],
  ['more than a stanza can have', `A: ${'x'.repeat(9 * 2 ** 20)}\n`, /more than 8388608 bytes/, 1],
];
for (const [what, text, message, line] of invalid) {
  test(`IndexFields refuses ${what}, naming file and line`, () => {
    assert.throws(() => read(text), refusal('bad-control-file', message, line));
    assert.throws(() => read(text), /^SheafError: Cannot read Packages: /);
  });
}

test('IndexFields is linear on hostile text', () => {
  const lines = 300_000;
  assert.equal(read(`A:\n${' x\n'.repeat(lines)}`)[0]![1].length, 2 * lines - 1);
  assert.equal(read(`A:\n${' x\n#\n'.repeat(lines)}`)[0]![1].length, 2 * lines - 1);
  assert.equal(read(Array.from({ length: lines }, (_, i) => `F${i}: x\n`).join('')).length, lines);
  assert.throws(() => read('x'.repeat(lines * 20)), refusal('bad-control-file', /is neither/));
  const blanks = ' '.repeat(lines * 10);
  assert.equal(read(`A: b\n\t${blanks}x\n`)[0]![1].length, blanks.length + 3);
  assert.deepEqual(read(`A: b\n${' \n'.repeat(lines * 10)}`), [['A', 'b']]);
  assert.equal(read(Buffer.alloc(8_000_000, 0xff).fill('A: ', 0, 3))[0]![1].length, 7_999_997);
});

test('IndexFields agrees with parseStanzas wherever a piece is one stanza', () => {
  const word = fc.string({ unit: fc.constantFrom('a', '.', '#', '-', ':', 'é', '€', '😀', ' ', '\t'), maxLength: 8 });
  const name = fc.constantFrom('Package', 'depends', 'Description', 'Files', 'X-Y', 'Z~');
  const blank = fc.constantFrom(' ', '\t');
  const line = fc.oneof(
    fc.tuple(name, word).map(([name, value]) => `${name}:${value}`),
    fc.tuple(blank, word, fc.constantFrom('a', '.')).map(([first, rest, last]) => first + rest + last),
    word.map((text) => `#${text}`),
  );
  let read0 = 0;
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), fc.boolean(), (lines, ended) => {
      const text = lines.join('\n') + (ended ? '\n' : '');
      let stanzas: Stanza[];
      try {
        stanzas = parseStanzas(text);
      } catch (error) {
        assert.ok(refusal('bad-control-file', /./)(error));
        assert.throws(
          () => read(text),
          refusal('bad-control-file', /./, (error as { place: { line: number } }).place.line),
        );
        return;
      }
      const [stanza] = stanzas;
      if (stanza !== undefined) read0++;
      assert.deepEqual(
        read(text),
        (stanza?.fields ?? []).map(({ name, value }) => [name, value.trim()]),
      );
    }),
    { numRuns: 1500 },
  );
  assert.ok(read0 > 100, `only ${read0} of the generated files had a stanza`);
});
