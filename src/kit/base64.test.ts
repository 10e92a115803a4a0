import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { decodeBase64, encodeBase64 } from './base64.ts';

test("encodeBase64 and decodeBase64 agree with the runtime's own on any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const text = encodeBase64(bytes);
      assert.equal(text, Buffer.from(bytes).toString('base64'));
      assert.deepEqual(decodeBase64(text), bytes);
    }),
  );
});

test('decodeBase64 refuses every text that is not the one way to write its bytes', () => {
  for (const text of ['A', 'AA', 'AAA', 'AB==', 'AAB=', 'A===', '====', 'AA A', 'AA-_', 'AAAA\n', '=AAA', 'AAÄA']) {
    assert.equal(decodeBase64(text), undefined, JSON.stringify(text));
  }
});
