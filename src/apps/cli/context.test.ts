import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';

import { SheafError } from '../../kit/error.ts';
import { exitCodeOf } from './exit.ts';
import { namingFullDisk } from './context.ts';

test('namingFullDisk names the disk with the least room, and leaves every other error as it is', async () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  // Nothing is ever free in /proc.
  const named = (await namingFullDisk(full, [tmpdir(), '/proc'])) as SheafError;
  assert.match(named.message, /^Cannot go on: no room left on the disk of \/proc \(0 B free\);/);
  assert.deepEqual([named.code, named.cause, exitCodeOf(named)], ['disk-full', full, 3]);
  for (const other of [new Error('other'), new SheafError('disk-full', 'Cannot push: the mirror is full')]) {
    assert.equal(await namingFullDisk(other, ['/proc']), other);
  }
});
