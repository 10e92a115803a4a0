import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Turns } from './turns.ts';

test('Turns does so many works at the same time, in their order, and goes on behind one that fails', async () => {
  const turns = new Turns(2);
  let now = 0;
  let most = 0;
  const begun: number[] = [];
  const results = await Promise.allSettled(
    [0, 1, 2, 3, 4].map(async (number) =>
      turns.take(async () => {
        begun.push(number);
        most = Math.max(most, ++now);
        await new Promise(setImmediate);
        now--;
        if (number === 1) throw new Error('no');
        return number;
      }),
    ),
  );
  assert.deepEqual([most, begun], [2, [0, 1, 2, 3, 4]]);
  assert.deepEqual(
    results.map((each) => each.status === 'fulfilled' && each.value),
    [0, false, 2, 3, 4],
  );
});
