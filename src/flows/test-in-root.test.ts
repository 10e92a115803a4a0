import assert from 'node:assert/strict';
import test from 'node:test';

import { judge } from './test-in-root.ts';

const usage = { wall: 1100, peakMemory: 0 };

test('a reason fits into a sentence', () => {
  const outcome = { kind: 'limit', limit: 'wall', message: 'It ran longer than 1.0 s.', usage } as const;
  const reason = 'It ran longer than 1.0 s';
  assert.deepEqual(judge(outcome), { verdict: 'bad', reason, duration: 1100 });
});
