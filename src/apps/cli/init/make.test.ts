import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { makeDistribution } from './make.ts';

const now = new Date('2026-11-20T12:00:00Z');

async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-init-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

test('makeDistribution makes every folder on the way, and secrets for its owner alone', async (t) => {
  const folder = join(await temporary(t), 'deep/my grove');
  assert.equal((await makeDistribution(folder, {}, now)).directory, folder);
  assert.equal((await stat(join(folder, 'secrets'))).mode & 0o777, 0o700);
  await assert.rejects(makeDistribution(folder, {}, now), { code: 'exists' });
});

test('makeDistribution calls it as its folder is called, in any script', async (t) => {
  const directory = await temporary(t);
  for (const [folder, name] of [
    ['grove-os', 'Grove-os'],
    ['Blåbær & Söhne', 'Blåbær Söhne'],
    ['олива', 'Олива'],
    ['<&>', 'Distribution'],
  ] as const) {
    assert.equal((await makeDistribution(join(directory, folder), {}, now)).name, name);
  }
});

test('makeDistribution ends where the system takes no folder', async (t) => {
  await assert.rejects(makeDistribution('/proc/grove', {}, now), { code: 'ENOENT', syscall: 'mkdir' });
  const directory = await temporary(t);
  await symlink(join(directory, 'nothing'), join(directory, 'link'));
  await assert.rejects(makeDistribution(join(directory, 'link'), {}, now), { code: 'EEXIST' });
});

test('makeDistribution refuses options that make no distribution, in their own words, and writes nothing', async (t) => {
  const directory = await temporary(t);
  for (const [options, message] of [
    [{ name: 'two\nlines' }, /^Cannot make a distribution: name: found "two\\nlines", expected one line/],
    [{ codename: 'book worm' }, /^Cannot make a distribution: upstream\.debian\.suites\[0\]: found "book worm"/],
  ] as const) {
    await assert.rejects(makeDistribution(join(directory, 'grove'), options, now), { message, place: undefined });
  }
  assert.deepEqual(await readdir(directory), []);
});
