import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { clean, cleanLines, LogCleaner } from './clean.ts';

test('clean leaves nothing that could command a terminal or turn text around', () => {
  assert.equal(clean('a\u001b]0;title\u0007b\nc\u009b31md\u202ee'), 'a ]0;title b c 31md e');
  assert.equal(cleanLines('a\u001bb\nc'), 'a b\nc');
});

test('LogCleaner drops escape sequences whole', () => {
  const cleaner = new LogCleaner();
  const log =
    'a\u001b[31mred\u001b[0m\t\u001b]8;;http://x\u0007link\u001b]8;;\u001b\\!\u001bPdcs\u001b\\\u001b(B\u0008\u009b1m\r\nüé\n';
  assert.equal(cleaner.push(Buffer.from(log)) + cleaner.end(), 'ared\tlink!1m\r\nüé\n');
});

test('LogCleaner gives the same text however the log is cut', () => {
  const piece = fc.constantFrom(
    '\u001b[1;31m',
    '\u001b]0;t\u0007',
    '\u001b]8;;u\u001b\\',
    '\u001b(B',
    '\u001bc',
    'ß',
    'x',
    '\n',
    '\u001b',
    '[',
    ']',
    '😀',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(80), { maxLength: 6 }), (pieces, cuts) => {
      const bytes = Buffer.from(pieces.join(''));
      const whole = new LogCleaner();
      const expected = whole.push(bytes) + whole.end();
      const cut = new LogCleaner();
      const places = [0, ...cuts.map((at) => Math.min(at, bytes.length)).toSorted((a, b) => a - b), bytes.length];
      const parts = places.slice(1).map((end, index) => cut.push(bytes.subarray(places[index], end)));
      assert.equal(parts.join('') + cut.end(), expected);
      assert.doesNotMatch(expected, /\u001b/);
    }),
  );
});

test('LogCleaner does not hold back a log for a sequence that never ends', () => {
  const cleaner = new LogCleaner();
  assert.equal(cleaner.push(Buffer.from(`\u001b]0;${'x'.repeat(10_000)}`)).length > 5000, true);
});
