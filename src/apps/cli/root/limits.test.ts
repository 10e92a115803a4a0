import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseLimits } from './limits.ts';

test('parseLimits takes the limits that there are, and no other name', () => {
  const { wall, memory, processes } = parseLimits(['wall=10m', 'memory=2G', 'processes=100']);
  assert.deepEqual([wall, memory, processes], [600_000, 2 * 2 ** 30, 100]);
  for (const word of [
    'constructor=1',
    'toString=1',
    '__proto__=1',
    'hasOwnProperty=1',
    'log=1G',
    'wall',
    'wall=0',
    '',
  ]) {
    assert.throws(() => parseLimits([word]), { code: 'usage', kind: 'usage', hint: /wall=10m/ }, word);
  }
});
