/** Indexes that are spoilt: each is refused with the file, a line or byte in it and the reason. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import fc from 'fast-check';

import { SheafError } from '../../kit/error.ts';
import { readContents } from './contents.ts';
import { applyEdScript } from './ed-script.ts';
import { readPackagesIndex } from './packages-index.ts';
import { readSourcesIndex } from './sources-index.ts';
import { readTranslations } from './translation.ts';

const real = (name: string) => readFileSync(join(import.meta.dirname, 'testdata/index', name)).subarray(0, 6000);
const translation = Buffer.from(
  `Package: one\nDescription-md5: ${'a'.repeat(32)}\nDescription-de: ein Päckchen\n Text.\n .\n Mehr.\n\n`.repeat(4),
);
const contents = Buffer.from('bin/a b\tadmin/one\nbin/é      x/two,non-free/y/three\nusr/c  four\n'.repeat(10));
const script = Buffer.from('9,10c\na\n..\n.\ns/.//\na\nb\n.\n7d\n3,4d\n1a\nx\n.\n0a\ny\n.\n');

const readers: readonly (readonly [name: string, good: Uint8Array, read: (bytes: Uint8Array) => unknown])[] = [
  ['readPackagesIndex', real('Packages'), (bytes) => [...readPackagesIndex(bytes, 'x')]],
  ['readSourcesIndex', real('Sources'), (bytes) => [...readSourcesIndex(bytes, 'x')]],
  ['readTranslations', translation, (bytes) => [...readTranslations(bytes, 'x')]],
  ['readContents', contents, (bytes) => [...readContents(bytes, 'x')]],
  ['applyEdScript', script, (bytes) => applyEdScript(Buffer.from('l\n'.repeat(10)), bytes, { bytes: 1000 }, 'x')],
];

function endsWell(work: () => unknown, what: () => string): void {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof SheafError, `${what()}: ${String((error as Error).stack).slice(0, 500)}`);
    assert.equal(error.place?.file, 'x', what());
    const { line, offset } = error.place!;
    assert.ok(error.code === 'over-limit' || (line ?? 0) >= 1 || (offset ?? -1) >= 0, `${what()}: ${error.message}`);
    assert.match(error.message, /^Cannot (?:read|apply) x: .{5,}/);
  }
}

for (const [name, good, read] of readers) {
  test(`${name} ends with values or with a SheafError wherever the file is cut`, () => {
    const step = Math.max(1, Math.floor(good.length / 600));
    for (let cut = 0; cut < good.length; cut += step) endsWell(() => read(good.subarray(0, cut)), () => `cut at ${cut}`); // prettier-ignore
  });

  test(`${name} ends with values or with a SheafError whatever is changed`, () => {
    const put = fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc.constantFrom('\0', '\r\n', '\n\n', '\n\n\n', ':', ': ', '#', '\t', '/', '../', '-', '9'.repeat(30), '\n ', '\n.\n', '\ufeff').map((text) => Buffer.from(text)),
      fc.tuple(fc.nat(good.length), fc.nat(200)).map(([from, length]) => good.subarray(from, from + length)),
    ); // prettier-ignore
    const change = fc.tuple(fc.nat(good.length), fc.nat(50), put);
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        let bytes: Uint8Array = good;
        for (const [at, length, part] of changes) {
          bytes = Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at + length)]);
        }
        // Readers must not look beyond what they were given, so the bytes lie among others.
        const among = Buffer.concat([Buffer.from('\0A: b\n'), bytes, Buffer.from('\0: :')]);
        const view = among.subarray(6, 6 + bytes.length);
        endsWell(() => read(view), () => JSON.stringify(Buffer.from(bytes).toString('latin1')).slice(0, 2000)); // prettier-ignore
      }),
      { numRuns: 1000 },
    );
  });

  test(`${name} comes to an end with enormous lines`, { timeout: 120_000 }, () => {
    for (const text of [' ', 'x', 'x ', 'x,', '\n', ' \n', 'x\n', ' x\n', 'A: b\n', 'A: b\n\n', '(', 'aa (= 1), ', '\0', '\t', '#\n', '1d\n', '0a\n.\n', '\xff']) {
      const bytes = Buffer.alloc(400_000, text, 'latin1');
      endsWell(() => read(bytes), () => JSON.stringify(text));
      endsWell(() => read(Buffer.concat([good, bytes])), () => `behind: ${JSON.stringify(text)}`);
      const at = good.indexOf(0x20) + 1;
      endsWell(() => read(Buffer.concat([good.subarray(0, at), bytes, good.subarray(at)])), () => `in: ${JSON.stringify(text)}`);
    }
  }); // prettier-ignore
}
