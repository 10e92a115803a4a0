import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { field, formatStanza, parseStanza, parseStanzas, requireField, type Stanza } from './deb822.ts';
import { largestPackages, missingDpkgPerl, refusal, run } from './testdata/oracle.ts';

const join = (stanzas: readonly Stanza[]) => stanzas.map((stanza) => stanza.text).join('');
const pairs = (stanza: Stanza) => stanza.fields.map(({ name, value }) => [name, value] as const);

test('parseStanzas gives names as written, trimmed values and the line of each field', () => {
  const text =
    '# a comment\n\nSource:  a \nFiles:\n abc 1 x\n  def 2 y\t\n#inside\n\n \t\n\nPackage: b\nDescription: short\n long\n .\n ..\n';
  const [source, binary, ...rest] = parseStanzas(text);
  assert.deepEqual(rest, []);
  assert.deepEqual(source!.fields, [
    { name: 'Source', value: 'a', line: 3 },
    { name: 'Files', value: '\nabc 1 x\n def 2 y', line: 4 },
  ]);
  assert.deepEqual(binary!.fields, [
    { name: 'Package', value: 'b', line: 11 },
    { name: 'Description', value: 'short\nlong\n\n.', line: 12 },
  ]);
  assert.equal(join([source!, binary!]), text);
  assert.equal(field(source!, 'FILES'), 'abc 1 x\n def 2 y');
  assert.equal(field(source!, 'Absent'), undefined);
});

test('parseStanzas joins a field across a comment, as deb822(5) wants', () => {
  const stanza = parseStanza('Depends: a,\n# not b\n c\nX: y');
  assert.equal(field(stanza, 'Depends'), 'a,\nc');
  assert.equal(field(stanza, 'X'), 'y');
});

test('parseStanzas gives an empty list for files without a stanza', () => {
  for (const text of ['', '\n', '\n \t\n', '# only\n']) assert.deepEqual(parseStanzas(text), []);
});

test('parseStanzas accepts the names that deb822(5) allows', () => {
  for (const name of ['a', 'X-Y', '!', '9', 'A_b.c/d', '~']) assert.equal(field(parseStanza(`${name}:v\n`), name), 'v');
});

const invalid: readonly (readonly [string, string, RegExp, number])[] = [
  ['NUL', 'A: b\nC: d\0e\n', /NUL/, 2],
  ['CR LF', 'A: b\r\nC: d\r\n', /carriage return/, 1],
  ['a lone CR', 'A: b\nC: d\re\n', /carriage return/, 2],
  ['a field that stands twice', 'A: 1\nB: 2\na: 3\n', /"a" stands twice/, 3],
  ['a continuation line first', ' a\n', /before any field/, 1],
  ['a continuation line behind a separator', 'A: b\n\n c\n', /before any field/, 3],
  ['a line without a colon', 'A: b\nhello\n', /"hello" is neither/, 2],
  ['a name with a space', 'A b: c\n', /is neither/, 1],
  ['a name with a letter beyond ASCII', 'Ä: c\n', /is neither/, 1],
  ['a byte order mark', '\uFEFFA: c\n', /is neither/, 1],
  ['a name that begins with a hyphen', '-A: c\n', /hyphen/, 1],
  ['an empty name', ': c\n', /no name/, 1],
  ['armor', '-----BEGIN PGP SIGNED MESSAGE-----\n', /hyphen/, 1],
];
for (const [what, text, message, line] of invalid) {
  test(`parseStanzas refuses ${what}, naming file and line`, () => {
    assert.throws(() => parseStanzas(text, 'debian/control'), refusal('bad-control-file', message, line));
    assert.throws(() => parseStanzas(text, 'debian/control'), /^SheafError: Cannot read debian\/control: /);
    assert.throws(() => parseStanzas(text, 'x', 11), refusal('bad-control-file', message, line + 10));
  });
}

test('parseStanzas says what to do about lines that end in CR LF', () => {
  assert.throws(() => parseStanzas('A: b\r\n'), { hint: /sed -i 's\/\\r\$\/\/' FILE/ });
});

test('parseStanza refuses no stanza and two', () => {
  assert.throws(() => parseStanza('\n'), refusal('bad-control-file', /found 0/, 1));
  assert.throws(() => parseStanza('A: b\n\nA: b\n'), refusal('bad-control-file', /found 2/, 3));
});

test('requireField tells missing from empty', () => {
  const stanza = parseStanza('\nA: b\nC:\n');
  assert.equal(requireField(stanza, 'a'), 'b');
  assert.throws(
    () => requireField(stanza, 'B', 'f'),
    refusal('missing-field', /Cannot read f: the field "B" is missing/, 2),
  );
  assert.throws(() => requireField(stanza, 'C', 'f'), refusal('missing-field', /"C" is empty/, 3));
});

test('parseStanzas is linear on hostile text', () => {
  const start = process.cpuUsage().user;
  const lines = 500_000;
  assert.equal(field(parseStanza(`A:\n${' x\n'.repeat(lines)}`), 'a')!.length, 2 * lines - 1);
  assert.equal(parseStanza(Array.from({ length: lines }, (_, i) => `F${i}: x\n`).join('')).fields.length, lines);
  assert.equal(parseStanzas('A: x\n\n'.repeat(lines)).length, lines);
  assert.deepEqual(parseStanzas('\n'.repeat(lines * 10)), []);
  assert.throws(() => parseStanzas('x'.repeat(lines * 20)), refusal('bad-control-file', /is neither/));
  assert.ok(process.cpuUsage().user - start < 5e6);
});

test('formatStanza refuses what cannot be read again', () => {
  const bad: readonly (readonly [string, string])[] = [
    ['', 'x'], ['A B', 'x'], ['A:', 'x'], ['#A', 'x'], ['-A', 'x'], ['A\n', 'x'], ['Ä', 'x'], ['A', 'x\0'], ['A', 'x\r\ny'],
  ]; // prettier-ignore
  for (const each of bad)
    assert.throws(() => formatStanza([each]), refusal('bad-field', /Cannot write field/), each[0]);
  assert.throws(() => formatStanza([['A', 'x'], ['a', 'y']]), refusal('bad-field', /twice/)); // prettier-ignore
});

test('formatStanza keeps white space that is neither a space nor a tab', () => {
  const list = [['A', 'x\u00A0\n\u2003y\u00A0\n\f'], ['B', '\u00A0z\v']] as const; // prettier-ignore
  assert.deepEqual(pairs(parseStanza(formatStanza(list))), list);
});

test('formatStanza cannot be led to write a second field or stanza by a value', () => {
  assert.equal(formatStanza([['A', 'x\n\nEvil: yes\n\n']]), 'A: x\n .\n Evil: yes\n .\n .\n');
});

const blank = fc.constantFrom(' ', '\t');
const word = fc.string({ unit: fc.constantFrom('a', '.', '#', '-', ':', 'é', '€', '😀', ' ', '\t'), maxLength: 8 });
const fieldName = fc.constantFrom('Package', 'Depends', 'Description', 'Files', 'X-Y', 'Z~');
/** A value in the form that Field.value has: that is, one that a stanza can hold. */
const fieldValue = fc
  .tuple(word, fc.array(word, { maxLength: 4 }))
  .map(([first, rest]) => [trimBlanks(first), ...rest.map((line) => line.replace(/[ \t]+$/, ''))].join('\n'));
const fields = fc.uniqueArray(fc.tuple(fieldName, fieldValue), { selector: ([name]) => name, minLength: 1 });
const trimBlanks = (text: string) => text.replace(/^[ \t]+|[ \t]+$/g, '');

test('formatStanza and parseStanza are inverse', () => {
  fc.assert(
    fc.property(fields, (list) => {
      assert.deepEqual(pairs(parseStanza(formatStanza(list))), list);
    }),
    { numRuns: 2000 },
  );
});

test('parseStanzas keeps every byte of a file', () => {
  const line = fc.oneof(
    fc.tuple(fieldName, word).map(([name, value]) => `${name}:${value}`),
    fc.tuple(blank, word).map(([first, rest]) => first + rest),
    word.map((text) => `#${text}`),
    fc.constant(''),
    blank,
  );
  let parsed = 0;
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), fc.boolean(), (lines, ended) => {
      const text = lines.join('\n') + (ended ? '\n' : '');
      let stanzas: Stanza[];
      try {
        stanzas = parseStanzas(text);
      } catch (error) {
        assert.ok(refusal('bad-control-file', /./)(error));
        return;
      }
      if (stanzas.length > 0) parsed++;
      assert.equal(join(stanzas), stanzas.length === 0 ? '' : text);
    }),
    { numRuns: 5000 },
  );
  assert.ok(parsed > 100, `only ${parsed} of the generated files had a stanza`);
});

const utf8 = (bytes: string) => Buffer.from(bytes, 'latin1').toString('utf8');

/** One JSON array of [name, value] pairs for each stanza, by dpkg's own reader; strings are bytes as Latin-1. */
function dpkgStanzas(text: string): [string, string][][] {
  const script = `
    use Dpkg::Control; use JSON::PP; my $json = JSON::PP->new->latin1;
    while (1) {
      my $c = Dpkg::Control->new(type => CTRL_TMPL_PKG);
      last unless $c->parse(\\*STDIN, "input");
      print $json->encode([map { [$_, $c->{$_}] } keys %$c]), "\\n";
    }`;
  const out = run('perl', ['-e', script], { input: text }).toString('latin1').trim();
  return out.split('\n').map((line) => (JSON.parse(line) as [string, string][]).map(([a, b]) => [a, utf8(b)]));
}

/** Both sides sorted; dpkg capitalises names in its own way. */
const comparable = (list: readonly (readonly [string, string])[]) =>
  list.map(([name, value]) => `${name.toLowerCase()}: ${value}`).toSorted();

test('formatStanza writes what dpkg reads back', { skip: missingDpkgPerl() }, () => {
  const samples = fc.sample(fields, { numRuns: 500, seed: 11 });
  const read = dpkgStanzas(samples.map((list) => formatStanza(list)).join('\n'));
  assert.equal(read.length, samples.length);
  samples.forEach((list, i) => assert.deepEqual(comparable(read[i]!), comparable(list)));
});

const packages = largestPackages();
const noPackages = packages === undefined && 'no Packages file in /var/lib/apt/lists';

test('parseStanzas reads a whole Packages file and gives it back byte for byte', { skip: noPackages }, () => {
  const stanzas = parseStanzas(packages!, 'Packages');
  assert.equal(stanzas.length, packages!.match(/^Package: /gm)!.length);
  assert.ok(join(stanzas) === packages!, 'the joined stanzas differ from the file');
});

test(
  'parseStanzas gives the fields that dpkg reads from a Packages file',
  { skip: noPackages || missingDpkgPerl() },
  () => {
    const stanzas = parseStanzas(packages!, 'Packages');
    const step = Math.max(1, Math.floor(stanzas.length / 1500));
    const some = stanzas.filter((_, i) => i % step === 0);
    const read = dpkgStanzas(join(some));
    assert.equal(read.length, some.length);
    some.forEach((stanza, i) => assert.deepEqual(comparable(pairs(stanza)), comparable(read[i]!)));
  },
);
