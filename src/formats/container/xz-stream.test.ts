import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import fc from 'fast-check';

import { SheafError } from '../../kit/error.ts';
import { joinXz, splitXz } from './xz-stream.ts';

const isBadXz = (error: unknown) => error instanceof SheafError && error.code === 'bad-xz';
const text = Buffer.from(Array.from({ length: 20_000 }, (_, line) => `line ${line * 7919}\n`).join(''));

function xz(args: readonly string[], input: Uint8Array): Buffer {
  const { status, stdout, stderr } = spawnSync('xz', args, { input, maxBuffer: 2 ** 28 });
  assert.equal(status, 0, stderr.toString());
  return stdout;
}

const pack = (input: Uint8Array, ...options: string[]) => xz(['-c', '-1', ...options], input);
const unpack = (input: Uint8Array) => xz(['-dc', '--single-stream'], input);

test('a stream of many blocks comes together again as it was', () => {
  const packed = pack(text, '--block-size=50000');
  const stream = splitXz(packed);
  assert.equal(stream.blocks.length, Math.ceil(text.length / 50_000));
  assert.deepEqual(Buffer.concat(joinXz(stream)), packed);
});

test('blocks of several streams are one stream that xz reads', () => {
  const cuts = [0, 10, 70_001, text.length];
  const streams = cuts.slice(1).map((cut, index) => splitXz(pack(text.subarray(cuts[index], cut))));
  const joined = Buffer.concat(joinXz({ check: 4, blocks: streams.flatMap((each) => each.blocks) }));
  assert.deepEqual(unpack(joined), text);
  assert.deepEqual(unpack(Buffer.concat(joinXz({ check: 4, blocks: [] }))), Buffer.alloc(0));
});

test('a damaged stream is refused or gives the same blocks', () => {
  const packed = pack(text.subarray(0, 5000), '--block-size=1000');
  const sizes = splitXz(packed).blocks.map((block) => block.uncompressedSize);
  fc.assert(
    fc.property(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const damaged = Buffer.from(packed);
      damaged[at]! ^= change;
      try {
        assert.deepEqual(
          splitXz(damaged).blocks.map((block) => block.uncompressedSize),
          sizes,
        );
      } catch (error) {
        assert.ok(isBadXz(error), String(error));
      }
    }),
    { numRuns: 500 },
  );
  for (let length = 0; length < packed.length; length += 97) {
    assert.throws(
      () => splitXz(packed.subarray(0, length)),
      (error) => isBadXz(error),
    );
  }
});
