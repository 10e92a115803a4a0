import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { scanStanzas } from './index-scan.ts';

const cut = (text: string) =>
  [...scanStanzas(Buffer.from(text))].map(({ start, end }) => Buffer.from(text).subarray(start, end).toString());

const cases: readonly (readonly [string, readonly string[]])[] = [
  ['', []],
  ['\n', ['\n']],
  ['\n\n', ['\n\n']],
  ['\n\n\n', ['\n\n', '\n']],
  ['A: b', ['A: b']],
  ['A: b\n', ['A: b\n']],
  ['A: b\n\nC: d\n\n', ['A: b\n\n', 'C: d\n\n']],
  ['A: b\n\n\nC: d\n', ['A: b\n\n', '\nC: d\n']],
  ['A: b\n\n\n\nC: d\n', ['A: b\n\n', '\n\n', 'C: d\n']],
  ['A: b\n \nC: d\n', ['A: b\n \nC: d\n']],
  ['A: b\r\n\r\nC: d\n', ['A: b\r\n\r\nC: d\n']],
];
for (const [text, pieces] of cases) {
  test(`scanStanzas cuts ${JSON.stringify(text)}`, () => assert.deepEqual(cut(text), pieces));
}

test('scanStanzas cuts exactly after each pair of line feeds, and loses nothing', () => {
  const text = fc.string({ unit: fc.constantFrom('\n', '\n', 'a', 'é'), maxLength: 40 });
  fc.assert(
    fc.property(text, (text) => {
      const parts = text.split('\n\n');
      const last = parts.pop()!;
      assert.deepEqual(cut(text), [...parts.map((part) => `${part}\n\n`), ...(last === '' ? [] : [last])]);
    }),
    { numRuns: 3000 },
  );
});
