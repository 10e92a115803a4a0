import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { Dispatcher } from './dispatcher.ts';

test('Dispatcher runs one tag build once at a time, and once more when woken meanwhile', async () => {
  const running = new Set<number>();
  const runs: number[] = [];
  const dispatcher = new Dispatcher({
    width: 2,
    onError: (_, error) => assert.fail(String(error)),
    advance: async (tagBuild) => {
      assert.ok(!running.has(tagBuild));
      running.add(tagBuild);
      assert.ok(running.size <= 2);
      runs.push(tagBuild);
      await sleep(5);
      running.delete(tagBuild);
    },
  });
  for (const tagBuild of [1, 1, 2, 3, 1]) dispatcher.wake(tagBuild);
  await sleep(60);
  await dispatcher.close();
  assert.deepEqual(
    runs.sort((a, b) => a - b),
    [1, 1, 2, 3],
  );
});

test('Dispatcher tries again what failed, and tells how long it waits', async () => {
  const pauses: number[] = [];
  let tries = 0;
  const dispatcher = new Dispatcher({
    width: 1,
    onError: (_, __, pause) => pauses.push(pause),
    advance: async () => {
      tries += 1;
      if (tries === 1) throw new Error('no');
    },
  });
  dispatcher.wake(7);
  await sleep(1200);
  await dispatcher.close();
  assert.deepEqual({ tries, pauses }, { tries: 2, pauses: [1000] });
});
