import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import fc from 'fast-check';

import { SheafError } from '../../kit/error.ts';
import { missing, refusal, run, temporaryDirectory } from '../deb/testdata/oracle.ts';
import { readAr, streamAr } from './ar.ts';

/** An ar archive with these members; a header can be spoilt by `spoil`. */
function ar(members: readonly (readonly [string, string])[], spoil = (header: string) => header): Buffer {
  const parts = members.map(([name, content]) => {
    const header = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(content.length).padEnd(10)}\`\n`;
    return spoil(header) + content + (content.length % 2 === 1 ? '\n' : '');
  });
  return Buffer.from(`!<arch>\n${parts.join('')}`, 'latin1');
}

test('readAr gives names and places of the members', () => {
  const bytes = ar([['a.txt', 'one'], ['b/', ''], ['c_1-2+3', 'four']]); // prettier-ignore
  const members = readAr(bytes);
  assert.deepEqual(members.map(({ name }) => name), ['a.txt', 'b', 'c_1-2+3']); // prettier-ignore
  const contents = members.map(({ offset, size }) => bytes.toString('latin1', offset, offset + size));
  assert.deepEqual(contents, ['one', '', 'four']);
  assert.deepEqual(readAr(Buffer.from('!<arch>\n')), []);
});

test('readAr allows the padding behind the last member to be missing', () => {
  assert.equal(readAr(ar([['a', 'odd']]).subarray(0, -1))[0]!.size, 3);
});

const invalid: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['an empty file', new Uint8Array(), /does not begin as an ar/],
  ['another magic', Buffer.from('!<thin>\nxxxx'), /does not begin as an ar/],
  ['a truncated header', ar([['a', 'x']]).subarray(0, 40), /ends inside the header/],
  ['a truncated content', ar([['a', 'xxxx']]).subarray(0, -1), /says 4 bytes, but only 3/],
  ['a size beyond the file', ar([['a', 'x']], (h) => h.replace('1         `', '9999999999`')), /says 9999999999 bytes/],
  ['a negative size', ar([['a', 'x']], (h) => h.replace('1         `', '-1        `')), /not a number/],
  ['a hexadecimal size', ar([['a', 'x']], (h) => h.replace('1         `', '0x1       `')), /not a number/],
  ['an empty size', ar([['a', 'x']], (h) => h.replace('1         `', '          `')), /not a number/],
  ['a header without its end', ar([['a', 'x']], (h) => h.replace('`', "'")), /does not end in/],
  ['a padding that is none', Buffer.concat([ar([['a', 'x']]).subarray(0, -1), Buffer.from('X')]), /not padded/],
  ['a name with a path', ar([['../a', 'x']]), /not a plain file name/],
  ['an empty name', ar([['', 'x']]), /not a plain file name/],
  ['the table of long names', ar([['//', 'x']]), /not a plain file name/],
  ['a long name of BSD', ar([['#1/20', 'x']]), /not a plain file name/],
  ['too many members', ar(Array.from({ length: 1001 }, () => ['a', ''] as const)), /more than 1000 members/],
];
for (const [what, bytes, message] of invalid) {
  test(`readAr refuses ${what}, naming file and byte`, () => {
    assert.throws(() => readAr(bytes, 'x.deb'), refusal('bad-ar', message));
    assert.throws(
      () => readAr(bytes, 'x.deb'),
      (error: SheafError) => error.place?.file === 'x.deb' && error.place.offset! <= bytes.length,
    );
  });
}

test('readAr ends with members inside the bytes or with bad-ar, whatever the bytes', () => {
  const good = ar([['debian-binary', '2.0\n'], ['control.tar', 'xyz'], ['data.tar', 'abc']]); // prettier-ignore
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 3 }),
      fc.nat(good.length),
      (changes, cut) => {
        const bytes = Buffer.from(good.subarray(0, good.length - (cut % 7 === 0 ? cut : 0)));
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        try {
          for (const { offset, size } of readAr(bytes)) assert.ok(size >= 0 && offset + size <= bytes.length);
        } catch (error) {
          assert.ok(error instanceof SheafError && error.code === 'bad-ar', String(error));
        }
      },
    ),
    { numRuns: 3000 },
  );
});

test('readAr reads what ar(1) writes', { skip: missing('ar') }, () => {
  using directory = temporaryDirectory();
  const names = ['debian-binary', 'control.tar.xz', 'x'];
  names.forEach((name, i) => writeFileSync(join(directory.path, name), 'x'.repeat(i + 6)));
  run('ar', ['rcSD', 'a.ar', ...names], { cwd: directory.path });
  const bytes = readFileSync(join(directory.path, 'a.ar'));
  assert.deepEqual(readAr(bytes).map(({ name, size }) => [name, size]), names.map((name, i) => [name, i + 6])); // prettier-ignore
});

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test('streamAr gives what readAr gives, or refuses it with the same words, whatever is changed', async () => {
  const good = ar([['a.txt', 'one'], ['b/', ''], ['c_1-2+3', 'four'], ['d', 'x'.repeat(100)]]); // prettier-ignore
  const told = (error: unknown) => {
    assert.ok(error instanceof SheafError, String((error as Error).stack));
    return { message: error.message, place: error.place };
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(good.length), fc.constantFrom(0x0a, 0x20, 0x2f, 0x30, 0x39, 0xff)), { maxLength: 2 }),
      fc.nat(4 * good.length),
      fc.constantFrom(1, 60, 1000),
      async (changes, cut, size) => {
        const bytes = Buffer.from(good.subarray(0, cut));
        if (bytes.length > 0) for (const [at, value] of changes) bytes[at % bytes.length] = value;
        let wanted: unknown;
        try {
          wanted = readAr(bytes, 'x.a').map((member) => ({
            ...member,
            text: bytes.toString('latin1', member.offset, member.offset + member.size),
          }));
        } catch (error) {
          wanted = told(error);
        }
        let got: unknown;
        try {
          const members: unknown[] = [];
          for await (const { content, ...member } of streamAr(pieces(bytes, size), 'x.a')) {
            const parts: Uint8Array[] = [];
            for await (const part of content) parts.push(part);
            members.push({ ...member, text: Buffer.concat(parts).toString('latin1') });
          }
          got = members;
        } catch (error) {
          got = told(error);
        }
        assert.deepEqual(got, wanted);
      },
    ),
    { numRuns: 500 },
  );
});
