import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { forgetUnusedStates } from './unused-states.ts';

test('forgetUnusedStates removes what was not fetched for a month, and nothing else', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-states-'));
  const now = new Date('2026-11-22T12:00:00Z');
  const daysAgo = (days: number) => new Date(now.getTime() - days * 24 * 3600_000);
  const states = { old: 'a'.repeat(24), used: 'b'.repeat(24), snapshots: 'snapshots' };
  for (const [kind, name] of Object.entries(states)) {
    const stamp = join(directory, name, 'stamps/upstream');
    await mkdir(join(directory, name, 'stamps'), { recursive: true });
    await writeFile(stamp, '');
    const date = daysAgo(kind === 'used' ? 29 : 31);
    await utimes(stamp, date, date);
  }
  await forgetUnusedStates(directory, now);
  assert.deepEqual((await readdir(directory)).sort(), [states.used, states.snapshots]);
  await forgetUnusedStates(join(directory, 'nowhere'), now);
  await rm(directory, { recursive: true });
});
