import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

import { openForeignTree } from './tree.ts';

test('openForeignTree finds suites below others, and takes no folder of an architecture for one', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'sheaf-tree-'));
  t.after(() => rm(root, { recursive: true }));
  for (const path of ['one', 'one/main/binary-amd64', 'one/updates', 'two/three', 'two/three/main/source']) {
    const file = join(root, 'dists', path, 'Release');
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, '');
  }
  await symlink('one', join(root, 'dists/stable'));
  assert.deepEqual((await openForeignTree(root)).suites, [
    { name: 'one', aliases: ['stable'] },
    { name: 'one/updates', aliases: [] },
    { name: 'two/three', aliases: [] },
  ]);
});
