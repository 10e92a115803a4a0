import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { diskOwn, fillDirectory } from './whole-directory.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-whole-'));
after(() => rmSync(directory, { recursive: true }));

const fill = async (path: string) => mkdir(join(path, 'usr/bin'), { recursive: true });
const fail = async (path: string) => {
  await fill(path);
  throw new Error('disk full');
};

test('fillDirectory gives a new directory its name when it is whole', async () => {
  await assert.rejects(fillDirectory(join(directory, 'new'), fail), /disk full/);
  assert.deepEqual(readdirSync(directory), []);
  await fillDirectory(join(directory, 'new'), fill);
  assert.deepEqual(readdirSync(directory), ['new']);
});

test('fillDirectory fills a directory where it is, and empties it of its own when that fails', async () => {
  const disk = join(directory, 'disk');
  mkdirSync(join(disk, diskOwn), { recursive: true });
  symlinkSync('disk', join(directory, 'link'));
  await assert.rejects(fillDirectory(join(directory, 'link'), fail), /disk full/);
  assert.deepEqual(readdirSync(disk), [diskOwn]);
  await fillDirectory(join(directory, 'link'), fill);
  assert.deepEqual(readdirSync(disk), [diskOwn, 'usr']);
});
