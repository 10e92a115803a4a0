import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';

import { gunzip, gzip, unxz, unzstd, xz } from './compression.ts';
import { xzUncompressedSize } from './xz-size.ts';

const text = Buffer.from('Package: hello\nVersion: 2.10-3\n\n'.repeat(40_000));
const noise = randomBytes(300_000);
const program = (name: string, args: string[], input: Uint8Array) =>
  execFileSync(name, args, { input, maxBuffer: 2 ** 28, stdio: ['pipe', 'pipe', 'pipe'] });

for (const [name, bytes] of Object.entries({ text, noise, empty: Buffer.alloc(0) })) {
  test(`xz output of ${name} is what the xz program reads`, async () => {
    const packed = await xz(bytes);
    assert.deepEqual(program('xz', ['-dc'], packed), bytes);
    assert.deepEqual(await xz(bytes), packed);
  });

  test(`gzip output of ${name} is what the gzip program reads, and carries no time`, async () => {
    const packed = await gzip(bytes);
    assert.deepEqual(program('gzip', ['-dc'], packed), bytes);
    assert.deepEqual([...packed.subarray(4, 8)], [0, 0, 0, 0]);
  });

  for (const options of [
    ['-6'],
    ['-9e'],
    ['-0', '-Cnone'],
    ['-1', '-Csha256'],
    ['-2', '--block-size=100000', '-T2'],
    ['--x86', '--lzma2=dict=1MiB'],
  ]) {
    test(`xzUncompressedSize is right for xz ${options.join(' ')} of ${name}`, () => {
      const packed = program('xz', ['-c', ...options], bytes);
      assert.equal(xzUncompressedSize(packed), bytes.length);
      assert.deepEqual(Buffer.from(unxz(packed, bytes.length)), bytes);
    });
  }
}

test('xzUncompressedSize counts concatenated streams and padding', () => {
  const packed = program('xz', ['-c'], text);
  assert.equal(xzUncompressedSize(Buffer.concat([packed, Buffer.alloc(8), packed])), 2 * text.length);
});

test('unzstd reads frames one behind the other', () => {
  const packed = zstdCompressSync(text);
  const empty = zstdCompressSync(Buffer.alloc(0));
  const three = Buffer.concat([packed, empty, packed]);
  assert.deepEqual(Buffer.from(unzstd(three, 2 * text.length)), Buffer.concat([text, text]));
  assert.throws(() => unzstd(three, 2 * text.length - 1), { code: 'over-limit' });
  assert.throws(() => unzstd(Buffer.concat([packed, Buffer.from('more')]), 2 ** 24), { code: 'bad-compression' });
});

for (const [name, decode, packed] of [
  ['gunzip', gunzip, gzipSync(text)],
  ['unzstd', unzstd, zstdCompressSync(text)],
  ['unxz', unxz, program('xz', ['-c'], text)],
] as const) {
  test(`${name} stops at its limit`, () => {
    assert.deepEqual(Buffer.from(decode(packed, text.length)), text);
    assert.throws(() => decode(packed, text.length - 1), { code: 'over-limit' });
  });

  test(`${name} refuses data that is cut short or damaged, and does not hang`, () => {
    for (let cut = 0; cut < packed.length; cut += 7) {
      assert.throws(() => decode(packed.subarray(0, cut), 2 ** 24), { code: 'bad-compression' }, `cut at ${cut}`);
    }
    for (let at = 0; at < packed.length; at += 3) {
      const damaged = Buffer.from(packed);
      damaged[at]! ^= 0x55;
      try {
        const decoded = decode(damaged, 2 ** 24);
        assert.ok(decoded.length <= 2 ** 24);
      } catch (error) {
        assert.match((error as { code: string }).code, /^(bad-compression|over-limit)$/);
      }
    }
  });
}

test('unxz refuses a bomb without decoding it', () => {
  const bomb = program('xz', ['-c'], Buffer.alloc(2 ** 27));
  const before = process.memoryUsage().rss;
  assert.throws(() => unxz(bomb, 2 ** 20), { code: 'over-limit' });
  assert.ok(process.memoryUsage().rss - before < 2 ** 25);
});
