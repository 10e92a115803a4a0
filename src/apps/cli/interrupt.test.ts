import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';

import { SheafError } from '../../kit/error.ts';
import { interruptible } from './interrupt.ts';

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  test(`interruptible says in plain words that ${name} ended the work`, async () => {
    const work = interruptible(async (signal) => {
      setTimeout(() => process.kill(process.pid, name), 10);
      await sleep(60_000, undefined, { signal });
    });
    await assert.rejects(work, { code: 'aborted', message: 'Stopped before it was done' });
  });
}

test('interruptible keeps what the work itself says', async () => {
  const own = new SheafError('aborted', 'Cannot pack the root: it was called off');
  await assert.rejects(interruptible(async () => Promise.reject(own)), own); // prettier-ignore
});
