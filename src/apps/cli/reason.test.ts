import assert from 'node:assert/strict';
import test from 'node:test';

import { parseReason } from './reason.ts';

test('parseReason takes one line that says something, and refuses everything else', () => {
  assert.equal(parseReason(' nicht frei: Größe '), 'nicht frei: Größe');
  for (const wrong of ['', ' ', 'a\nb', '\u001b[31mred', 'x'.repeat(1001)]) {
    assert.throws(() => parseReason(wrong), /one line of 1 to 1,000 characters/);
  }
});
