import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { refusal } from './testdata/oracle.ts';
import { hashedDescription, isOwnDescription, readTranslations } from './translation.ts';

const md5 = (bytes: string | Uint8Array) => createHash('md5').update(bytes).digest('hex');
const read = (text: string | Uint8Array) => [...readTranslations(Buffer.from(text), 'Translation-en')];

/** With a trailing space, a line of dots and one that looks like a comment: all of it is hashed. */
const long = 'a package \n Long text. \n .\n ...\n  # indented\n';
const stanza = (name: string, language = 'en') =>
  `Package: ${name}\nDescription-md5: ${md5(long)}\nDescription-${language}: ${long}`;

test('readTranslations gives every stanza with its language and text', () => {
  const all = read(`${stanza('one')}\n${stanza('two', 'pt_BR')}\n\n\n\n${stanza('three', 'de')}`);
  assert.deepEqual(
    all.map((each) => [each.package, each.language, each.stanza.fields[0]!.line]),
    [
      ['one', 'en', 1],
      ['two', 'pt_BR', 9],
      ['three', 'de', 20],
    ],
  );
  assert.equal(all[0]!.description, 'a package\nLong text.\n\n..\n # indented');
  assert.equal(all[0]!.descriptionMd5, md5(long));
  assert.deepEqual(read(''), []);
  assert.deepEqual(read('\n\n\n'), []);
});

test('isOwnDescription tells whether the text is the one that was hashed', () => {
  const [right, translated] = read(`${stanza('one')}\n${stanza('one', 'de')}`);
  assert.equal(Buffer.from(hashedDescription(right!)).toString(), long);
  assert.ok(isOwnDescription(right!, md5));
  assert.ok(!isOwnDescription(translated!, md5));
  assert.ok(!isOwnDescription(read(stanza('one').replace('Long', 'Short'))[0]!, md5));
  const [between] = read(`# a comment\nDescription-en: ${long}Package: one\nDescription-md5: ${md5(long)}\n`);
  assert.ok(isOwnDescription(between!, md5));
  const [short] = read(`Package: one\nDescription-md5: ${md5('x\n')}\nDescription-en: x`);
  assert.ok(isOwnDescription(short!, md5));
});

for (const [what, text, code, message, line] of [
  ['no package', `${stanza('one')}\nDescription-md5: ${md5('')}\nDescription-en: x\n`, 'missing-field', /Package/, 9],
  ['a bad name', stanza('One'), 'bad-field', /package name/, 1],
  ['a bad sum', stanza('one').replace(/: [0-9a-f]/, ': g'), 'bad-field', /MD5/, 2],
  ['no description', `Package: one\nDescription-md5: ${md5('')}\n`, 'missing-field', /0 descriptions/, 1],
  ['two of them', `${stanza('one')}Description-de: x\n`, 'missing-field', /2 descriptions/, 8],
  ['a field twice', `${stanza('one')}Package: two\n`, 'bad-control-file', /twice/, 8],
  ['a NUL byte', `${stanza('one')} \0\n`, 'bad-control-file', /NUL/, 8],
  ['CR LF', `${stanza('one')} x\r\n`, 'bad-control-file', /carriage return/, 8],
  ['no fields', 'text\n', 'bad-control-file', /neither/, 1],
] as const) {
  test(`readTranslations refuses ${what}`, () => {
    assert.throws(() => read(text), refusal(code, message, line));
  });
}

test('readTranslations refuses bytes that are not UTF-8, with the line where their stanza begins', () => {
  const bytes = Buffer.concat([Buffer.from(`${stanza('one')}\n${stanza('two')}`), Buffer.from([0x20, 0xff, 0x0a])]);
  assert.throws(() => read(bytes), refusal('bad-control-file', /UTF-8/, 9));
});
