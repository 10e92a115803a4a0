import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import fc from 'fast-check';

import { crc32 } from '../../formats/container/crc32.ts';
import { readAr } from '../../formats/container/ar.ts';
import { debOf, tarEntry } from '../../formats/deb/testdata/archive.ts';
import { SheafError } from '../../kit/error.ts';
import { decompressBlock } from '../../plumbing/decompress-block.ts';
import { decompressStream } from '../../plumbing/decompress.ts';
import { compareDebs } from './mod.ts';
import type { CompareDeps } from './ports.ts';

const blockSize = 300_000;

function xz(bytes: Uint8Array, ...options: string[]): Buffer {
  return execFileSync('xz', ['-c0', ...options], { input: bytes, maxBuffer: 2 ** 26 });
}

const inBlocks = (bytes: Uint8Array) => xz(bytes, `--block-size=${blockSize}`);
const inXz = (entries: readonly Uint8Array[], pack = inBlocks) => debOf(entries, { dataName: 'data.tar.xz', pack });
const inGzip = (entries: readonly Uint8Array[]) =>
  debOf(entries, { dataName: 'data.tar.gz', pack: (bytes) => gzipSync(bytes, { level: 1 }) });

async function compare(left: Uint8Array, right: Uint8Array, decompress: CompareDeps['decompress'] = decompressStream) {
  const input = (name: string, bytes: Uint8Array) => ({
    name,
    async *open(from: number, to: number) {
      const range = bytes.subarray(from, to);
      for (let at = 0; at < range.length; at += 70_000) yield range.subarray(at, at + 70_000);
    },
  });
  const block = decompress === decompressStream ? { decompressBlock } : {};
  return compareDebs(input('left.deb', left), input('right.deb', right), { decompress, ...block, processors: 2 });
}

/** Counts what is decompressed of data archives. */
function counting() {
  const counted = { bytes: 0 };
  const decompress: CompareDeps['decompress'] = async function* (bytes, options) {
    for await (const piece of decompressStream(bytes, options)) {
      if (options.file.includes('data')) counted.bytes += piece.length;
      yield piece;
    }
  };
  return { counted, decompress };
}

const files = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
    size: fc.oneof(fc.nat(2000), fc.nat(2 * blockSize)),
    byte: fc.integer({ min: 1, max: 3 }),
    type: fc.constantFrom('0', '2'),
  }),
  { selector: ({ name }) => name, maxLength: 8 },
);

/** Files of which most are the same in both packages, in the same order and at the same place. */
const pairs = fc.tuple(files, fc.array(fc.record({ at: fc.nat(7), kind: fc.constantFrom('byte', 'drop', 'move') })));

test('compareDebs tells of blocks what it tells of one stream', async () => {
  await fc.assert(
    fc.asyncProperty(pairs, async ([left, changes]) => {
      const right = [...left];
      for (const { at, kind } of changes) {
        const file = right[at];
        if (file === undefined) continue;
        if (kind === 'byte') right[at] = { ...file, byte: file.byte + 3 };
        else right.splice(at, 1);
        if (kind === 'move') right.push(file);
      }
      const [one, other] = [left, right].map((side) =>
        side.map(({ name, size, byte, type }) =>
          type === '2' ? tarEntry(name, '', { type, link: `${byte}` }) : tarEntry(name, Buffer.alloc(size, byte)),
        ),
      ) as [Buffer[], Buffer[]];
      const fast = await compare(inXz(one), inXz(other));
      const slow = await compare(inGzip(one), inGzip(other));
      assert.deepEqual(fast.differences, slow.differences);
      assert.equal(fast.equal, slow.equal);
    }),
    { numRuns: 25 },
  );
});

test('compareDebs decompresses once what both packages have in one block', async () => {
  const file = (name: string, size: number) => tarEntry(name, randomBytes(size));
  const [first, large, last] = [file('b', 200_000), file('c', 10 * blockSize), file('d', 5)];
  const { counted, decompress } = counting();
  const left = inXz([tarEntry('a', 'one'), first, large, last]);
  const right = inXz([tarEntry('a', 'two'), first, large, last]);
  const { differences } = await compare(left, right, decompress);
  assert.deepEqual(
    differences.map((each) => 'path' in each && each.path),
    ['a'],
  );
  const size = 200_000 + 10 * blockSize;
  assert.ok(counted.bytes < size + 2 * blockSize, `${counted.bytes} bytes`);
});

test('compareDebs finds the same archive in blocks of another size', async () => {
  const entries = [tarEntry('a', randomBytes(4 * blockSize))];
  const other = inXz(entries, (bytes) => xz(bytes, `--block-size=${blockSize + 4096}`));
  const { differences } = await compare(inXz(entries), other);
  assert.deepEqual(
    differences.map(({ kind }) => kind),
    ['compression'],
  );
});

test('compareDebs refuses what xz refuses, wherever it is damaged, and nothing else', async () => {
  const rest = [tarEntry('b', Buffer.alloc(2 * blockSize, 'text')), tarEntry('c', randomBytes(2 * blockSize))];
  const entries = (text: string) => [tarEntry('a', text), ...rest];
  const [whole, right] = [inXz(entries('one')), inXz(entries('two'))];
  const member = readAr(whole).at(-1)!;
  const expected = (await compare(whole, right)).differences;
  await fc.assert(
    fc.asyncProperty(fc.nat(member.size - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const left = Buffer.from(whole);
      left[member.offset + at]! ^= change;
      const { status } = spawnSync('xz', ['-t'], { input: left.subarray(member.offset, member.offset + member.size) });
      const found = await compare(left, right).catch((error: unknown) => error);
      if (status !== 0) assert.equal((found as SheafError).code, 'bad-compression', String(found));
      else assert.deepEqual((found as { differences: unknown }).differences, expected);
    }),
    { numRuns: 40 },
  );
});

test('compareDebs refuses an index that tells lies of sizes', async () => {
  for (const [tells, is] of [
    [blockSize + 1, blockSize],
    [blockSize, 50 * blockSize],
  ] as const) {
    const packed = xz(Buffer.alloc(is));
    // The index is the last but the footer: 0, one block, its two sizes, padding, CRC-32.
    const start = packed.length - 12 - (packed.readUInt32LE(packed.length - 8) + 1) * 4;
    const unpadded: number[] = [];
    for (let at = start + 2; ; at++) {
      unpadded.push(packed[at]!);
      if (packed[at]! < 0x80) break;
    }
    const number = [(tells % 128) | 128, ((tells >> 7) % 128) | 128, tells >> 14];
    const body = [0, 1, ...unpadded, ...number];
    while (body.length % 4 !== 0) body.push(0);
    const index = Buffer.from([...body, 0, 0, 0, 0]);
    index.writeUInt32LE(crc32(index.subarray(0, -4)), body.length);
    const footer = Buffer.from(packed.subarray(-12));
    footer.writeUInt32LE(index.length / 4 - 1, 4);
    footer.writeUInt32LE(crc32(footer.subarray(4, 10)), 0);
    const lying = inXz([], () => Buffer.concat([packed.subarray(0, start), index, footer]));
    const { counted, decompress } = counting();
    await assert.rejects(compare(lying, inXz([tarEntry('a')]), decompress), { code: 'bad-compression' });
    assert.ok(counted.bytes < 2 ** 22, `${counted.bytes} bytes`);
  }
});
