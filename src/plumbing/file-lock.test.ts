import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { withFileLock, withSharedLock } from './file-lock.ts';

test('withFileLock lets one in at a time and gives the lock back after a failure', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-lock-'));
  t.after(async () => rm(directory, { recursive: true }));
  const file = join(directory, 'deep/lock');
  let inside = 0;
  let most = 0;
  const one = async () =>
    withFileLock(file, async () => {
      most = Math.max(most, ++inside);
      await sleep(20);
      inside--;
    });
  await Promise.all([one(), one(), one(), one()]);
  assert.equal(most, 1);
  await assert.rejects(
    withFileLock(file, async () => Promise.reject(new Error('no'))),
    /^Error: no$/,
  );
  assert.equal(await withFileLock(file, async () => 7), 7);
});

test('withFileLock gives up after a time', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-lock-'));
  t.after(async () => rm(directory, { recursive: true }));
  const file = join(directory, 'lock');
  await withFileLock(file, async () => {
    await assert.rejects(
      withFileLock(file, async () => {}, 100),
      { code: 'lock-timeout' },
    );
  });
});

test('withFileLock stops waiting when it is called off, and lets what holds the lock go on', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-lock-'));
  t.after(async () => rm(directory, { recursive: true }));
  const file = join(directory, 'lock');
  const controller = new AbortController();
  const held = withFileLock(
    file,
    async () => {
      const waiting = withFileLock(file, async () => 'never', undefined, controller.signal);
      // Mostly it waits by now; called off earlier it ends as well.
      await sleep(50);
      controller.abort();
      await assert.rejects(waiting, { name: 'AbortError' });
      return 'done';
    },
    undefined,
    controller.signal,
  );
  assert.equal(await held, 'done');
  await assert.rejects(
    withFileLock(file, async () => {}, undefined, controller.signal),
    { name: 'AbortError' },
  );
});

test('withFileLock says of a lock that cannot be opened why, and not that somebody holds it', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-lock-'));
  t.after(async () => rm(directory, { recursive: true }));
  // A folder can be locked, a link to nowhere cannot be opened.
  await symlink('/nowhere/lock', join(directory, 'lock'));
  await assert.rejects(
    withFileLock(join(directory, 'lock'), async () => {}),
    { code: 'lock-unusable', kind: 'environment', message: /Cannot lock .*: flock: .*No such file/ },
  );
});

test('withSharedLock lets others share it, and keeps those away who want it for themselves', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-lock-'));
  t.after(async () => rm(directory, { recursive: true }));
  const file = join(directory, 'lock');
  await withSharedLock(file, async () => {
    assert.equal(await withSharedLock(file, async () => 7, 100), 7);
    await assert.rejects(
      withFileLock(file, async () => {}, 100),
      { code: 'lock-timeout' },
    );
  });
  await withFileLock(file, async () => {
    await assert.rejects(
      withSharedLock(file, async () => {}, 100),
      { code: 'lock-timeout' },
    );
  });
});

test('withFileLock ends with its process, however that ends', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-lock-'));
  t.after(async () => rm(directory, { recursive: true }));
  const file = join(directory, 'lock');
  const script = `import { withFileLock } from ${JSON.stringify(join(import.meta.dirname, 'file-lock.ts'))};
    await withFileLock(${JSON.stringify(file)}, async () => { console.log('held'); await new Promise((resolve) => setTimeout(resolve, 60000)); });`;
  const other = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => other.stdout.once('data', resolve));
  other.kill('SIGKILL');
  assert.equal(await withFileLock(file, async () => 'free', 5000), 'free');
});
