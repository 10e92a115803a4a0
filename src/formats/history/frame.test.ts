import assert from 'node:assert/strict';
import test from 'node:test';
import { crc32 } from 'node:zlib';

import fc from 'fast-check';

import { formatFrame, frameHeaderSize, isHeadIntact, parseFrameHeader } from './frame.ts';

const frame = fc.record({
  kind: fc.constantFrom('store' as const, 'pieces' as const, 'recipe' as const),
  codec: fc.constantFrom('stored' as const, 'zstd' as const),
  head: fc.uint8Array({ maxLength: 40 }),
  body: fc.uint8Array({ maxLength: 40 }),
});

test('formatFrame: parseFrameHeader reads it again', () => {
  fc.assert(
    fc.property(frame, (given) => {
      const bytes = formatFrame(given, crc32);
      const header = parseFrameHeader(bytes)!;
      assert.equal(header.kind, given.kind);
      assert.equal(header.codec, given.codec);
      assert.equal(header.bodySum, crc32(given.body));
      assert.ok(isHeadIntact(bytes, header, crc32));
      const bodyOffset = frameHeaderSize + header.headLength;
      assert.deepEqual(Buffer.from(bytes.subarray(frameHeaderSize, bodyOffset)), Buffer.from(given.head));
      assert.deepEqual(Buffer.from(bytes.subarray(bodyOffset)), Buffer.from(given.body));
      assert.equal(bytes.length, bodyOffset + header.bodyLength);
    }),
  );
});

test('isHeadIntact: any changed bit of header or head is noticed', () => {
  const bytes = formatFrame(
    { kind: 'pieces', codec: 'zstd', head: Buffer.from('head'), body: Buffer.from('x') },
    crc32,
  );
  for (let bit = 0; bit < 8 * (frameHeaderSize + 4); bit++) {
    const changed = Uint8Array.from(bytes);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    const header = parseFrameHeader(changed);
    assert.ok(header === undefined || !isHeadIntact(changed, header, crc32), `bit ${bit}`);
  }
});

test('parseFrameHeader: undefined for what is too short', () => {
  const bytes = formatFrame({ kind: 'store', codec: 'stored', head: Buffer.from('h'), body: Buffer.alloc(0) }, crc32);
  assert.equal(parseFrameHeader(bytes.subarray(0, frameHeaderSize - 1)), undefined);
  assert.equal(isHeadIntact(bytes.subarray(0, frameHeaderSize), parseFrameHeader(bytes)!, crc32), false);
});
