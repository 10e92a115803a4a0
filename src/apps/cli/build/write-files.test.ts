import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { sha256 } from '../../../kit/digest.ts';
import { refuseOthers, writeFiles, type BuiltFile } from './write-files.ts';

const directory = await mkdtemp(join(tmpdir(), 'sheaf-write-files-'));
after(() => rm(directory, { recursive: true }));

async function made(name: string, text: string): Promise<BuiltFile> {
  const path = join(await mkdtemp(join(directory, 'made-')), name);
  await writeFile(path, text, { mode: 0o600 });
  return { name, path, sha256: sha256(text), size: text.length };
}

async function place(): Promise<string> {
  return mkdtemp(join(directory, 'output-'));
}

const options = { force: false, umask: 0o027 };

test('writeFiles writes what is not there, as the caller’s umask has it, and tells what was', async () => {
  const output = await place();
  const deb = await made('toy_1_all.deb', 'deb');
  const [first] = await writeFiles(output, [deb], [], options);
  assert.deepEqual(first, { name: deb.name, sha256: deb.sha256, size: 3, isNew: true });
  assert.equal((await stat(join(output, deb.name))).mode & 0o777, 0o640);
  const [again] = await writeFiles(output, [deb], [], options);
  assert.equal(again!.isNew, false);
});

test('writeFiles writes nothing at all where one package has other bytes, unless it is told to', async () => {
  const output = await place();
  await writeFile(join(output, 'toy_1_all.deb'), 'DEB');
  const files = [await made('toy_1.dsc', 'dsc'), await made('toy_1_all.deb', 'deb')];
  const log = await made('toy_1.build', 'log');
  await assert.rejects(writeFiles(output, files, [log], options), {
    code: 'would-replace',
    message: /toy_1_all\.deb$/,
  });
  await assert.rejects(refuseOthers(output, files, false), { code: 'would-replace' });
  assert.deepEqual(await readdir(output), ['toy_1_all.deb']);
  await writeFiles(output, files, [log], { ...options, force: true });
  assert.equal(await readFile(join(output, 'toy_1_all.deb'), 'utf8'), 'deb');
});

test('writeFiles replaces what tells of an earlier build, and never a directory', async () => {
  const output = await place();
  for (const name of ['toy_1_all.changes', 'toy_1_all.buildinfo']) await writeFile(join(output, name), 'earlier');
  const files = [await made('toy_1_all.changes', 'now'), await made('toy_1_all.buildinfo', 'now')];
  await writeFiles(output, files, [], options);
  assert.equal(await readFile(join(output, 'toy_1_all.changes'), 'utf8'), 'now');
  await mkdir(join(output, 'toy_1_all.deb'));
  await assert.rejects(writeFiles(output, [await made('toy_1_all.deb', 'deb')], [], options), {
    code: 'would-replace',
  });
});

test('writeFiles leaves no half file when a copy fails', async () => {
  const output = await place();
  const deb = await made('toy_1_all.deb', 'deb');
  await rm(deb.path);
  await assert.rejects(writeFiles(output, [deb], [], options), { code: 'ENOENT' });
  assert.deepEqual(await readdir(output), []);
});
