import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import fc from 'fast-check';

import { SheafError } from '../../kit/error.ts';
import { isElf, readElf, sectionBytes } from './elf.ts';
import { buildId, debugLink } from './notes.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-elf-'));
after(() => rmSync(directory, { recursive: true }));

const run = (program: string, ...words: string[]) => execFileSync(program, words, { encoding: 'utf8' });

/** Programs of this machine, one of them for another kind of machine, and one with a debug link. */
const made = ['elf32-i386', 'elf32-big', 'elf64-big'].map((target) => {
  const file = join(directory, target);
  // An object file around any bytes.
  run('objcopy', '--input-target=binary', `--output-target=${target}`, '/etc/passwd', file);
  return file;
});
const linked = join(directory, 'linked');
run('objcopy', '--remove-section=.gnu_debuglink', '/bin/true', linked);
run('objcopy', '--add-gnu-debuglink=/etc/passwd', linked);
const files = ['/bin/true', '/usr/bin/xz', '/usr/bin/perl', linked, ...made];

for (const file of files) {
  test(`readElf finds the sections of ${file.replace(directory, '…')} that readelf finds`, () => {
    const elf = readElf(readFileSync(file), file);
    const rows = run('readelf', '--section-headers', '--wide', file).matchAll(
      /^ +\[ *\d+\] (\S+) +([A-Z_0-9]+|\S+: \S+) +[0-9a-f]{8,16} ([0-9a-f]{6,}) ([0-9a-f]{6,}) /gm,
    );
    const expected = [...rows].map(([, name, , offset, size]) => [name, parseInt(offset!, 16), parseInt(size!, 16)]);
    assert.ok(expected.length > 3);
    assert.deepEqual(
      elf.sections.map(({ name, offset, size }) => [name, offset, size]),
      expected,
    );
  });

  test(`buildId finds that of ${file.replace(directory, '…')}`, () => {
    const bytes = readFileSync(file);
    const expected = /Build ID: ([0-9a-f]+)/.exec(run('readelf', '--notes', '--wide', file))?.[1];
    assert.equal(buildId(bytes, readElf(bytes)), expected);
  });
}

test('debugLink finds the name of the file with the debugging information', () => {
  const bytes = readFileSync(linked);
  assert.equal(debugLink(bytes, readElf(bytes)), 'passwd');
  assert.equal(debugLink(bytes, { ...readElf(bytes), sections: [] }), undefined);
});

const small = readFileSync(made[0]!);
const large = readFileSync('/bin/true');

/** The file with some bytes of its header changed. */
function changed(bytes: Uint8Array, at: number, ...values: number[]): Buffer {
  const copy = Buffer.from(bytes);
  copy.set(values, at);
  return copy;
}

const lies: readonly (readonly [what: string, bytes: Uint8Array, message: RegExp])[] = [
  ['nothing', Buffer.alloc(0), /does not begin as one/],
  ['its first bytes only', large.subarray(0, 30), /64 bytes should be there/],
  ['an unknown class', changed(large, 4, 3), /its class is 3/],
  ['an unknown order of bytes', changed(large, 5, 0), /its order of bytes is 0/],
  ['section headers behind its end', changed(large, 40, 0xff, 0xff, 0xff, 0x7f), /should be there/],
  ['an offset beyond all numbers', changed(large, 46, 0xff, 0xff), /too large/],
  ['tiny section headers', changed(large, 58, 1, 0), /section headers are 1 bytes each/],
  ['more sections than fit', changed(large, 60, 0xff, 0xff), /should be there/],
  ['no section with names', changed(large, 62, 0xf0, 0xff), /with its names is missing/],
  ['very many sections, counted in the first', manySections(), /says it has 4294967295 sections/],
  ['sections all over one another', overlapping(), /bytes together/],
];

function manySections(): Buffer {
  const bytes = changed(large, 60, 0, 0);
  bytes.writeBigUInt64LE(0xffffffffn, Number(bytes.readBigUInt64LE(40)) + 32);
  return bytes;
}

function overlapping(): Buffer {
  const bytes = Buffer.from(large);
  const [start, count] = [Number(bytes.readBigUInt64LE(40)), bytes.readUInt16LE(60)];
  for (let index = 1; index < count; index++) {
    bytes.writeBigUInt64LE(0n, start + index * 64 + 24);
    bytes.writeBigUInt64LE(BigInt(bytes.length), start + index * 64 + 32);
  }
  return bytes;
}

for (const [what, bytes, message] of lies) {
  test(`readElf refuses a file with ${what}`, () => {
    assert.throws(
      () => readElf(bytes, 'x'),
      (error) => error instanceof SheafError && error.code === 'bad-elf' && message.test(error.message),
    );
  });
}

test('readElf and its notes never fail otherwise, and never leave the file', () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 20 });
  const property = fc.property(fc.constantFrom(small, large), changes, fc.nat(), (file, edits, cut) => {
    const bytes = Buffer.from(file.subarray(0, cut % 4 === 0 ? cut % file.length : file.length));
    // Mostly where headers are.
    const places = [64, Math.max(bytes.length - 2000, 1), bytes.length];
    const starts = [0, Math.max(bytes.length - 2000, 0), 0];
    for (const [at, value] of edits) {
      const place = at % 3;
      if (bytes.length > 0) bytes[(starts[place]! + (at % places[place]!)) % bytes.length] = value;
    }
    try {
      const elf = readElf(bytes);
      for (const section of elf.sections) assert.ok(sectionBytes(bytes, section).length <= bytes.length);
      buildId(bytes, elf);
      debugLink(bytes, elf);
    } catch (error) {
      if (!(error instanceof SheafError)) throw error;
      assert.equal(error.code, 'bad-elf');
    }
  });
  fc.assert(property, { numRuns: 500 });
});

test('isElf knows one by its first bytes', () => {
  assert.ok(isElf(large));
  assert.ok(!isElf(Buffer.from('#!/bin/sh')));
});
