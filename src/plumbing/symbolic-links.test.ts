import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { hasSymbolicLinks } from './symbolic-links.ts';

const refuse = (code: string) => (() => Promise.reject(Object.assign(new Error(code), { code }))) as typeof symlink;

test('hasSymbolicLinks asks the file system, and leaves nothing behind', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sheaf-links-'));
  t.after(() => rm(folder, { recursive: true }));
  assert.equal(await hasSymbolicLinks(folder), true);
  // What vfat and cifs answer.
  assert.equal(await hasSymbolicLinks(folder, refuse('EPERM')), false);
  assert.equal(await hasSymbolicLinks(folder, refuse('ENOTSUP')), false);
  await assert.rejects(hasSymbolicLinks(folder, refuse('ENOSPC')), { code: 'ENOSPC' });
  assert.deepEqual(await readdir(folder), []);
});
