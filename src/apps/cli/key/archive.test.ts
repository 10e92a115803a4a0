import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { makeDistribution } from '../init/make.ts';
import { rotateArchiveKey } from './archive.ts';

test('rotateArchiveKey makes one key a day, and says of the second time which one signs already', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-rotate-'));
  t.after(() => rm(directory, { recursive: true }));
  const now = new Date();
  await makeDistribution(directory, {}, now);
  const { fingerprint, beside } = await rotateArchiveKey(directory, 'main', now);
  assert.equal(beside.length, 1);
  await assert.rejects(rotateArchiveKey(directory, 'main', now), {
    code: 'key-exists',
    message: `Cannot make one more key for "main": ${fingerprint} is of today`,
  });
  const next = await rotateArchiveKey(directory, 'main', new Date(now.getTime() + 86_400_000));
  assert.ok(next.beside.includes(fingerprint));
});
