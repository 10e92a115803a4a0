import assert from 'node:assert/strict';
import { test } from 'node:test';

import { waitForSignal } from './run.ts';

test('waitForSignal takes signals of one moment as one', async () => {
  const stopped = waitForSignal();
  process.kill(process.pid, 'SIGINT');
  assert.equal(await stopped, 'SIGINT');
  process.kill(process.pid, 'SIGTERM');
  await new Promise((resolve) => process.once('SIGTERM', resolve));
});
