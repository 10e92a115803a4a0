import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after as afterAll, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';

import { jobSpec } from '../../test/jobs.ts';
import { sha256 } from '../kit/digest.ts';
import { checkFiles } from './check-files.ts';
import { collectOutputs, type Outputs } from './outputs.ts';

const directory = await mkdtemp(join(tmpdir(), 'sheaf-outputs-'));
afterAll(() => rm(directory, { recursive: true }));
const upper = join(directory, 'upper');
const build = join(upper, 'build');

const tar = 'hello_2.10.orig.tar.gz';
const dsc = (size = 3, digest = sha256('tar')): string =>
  `Format: 3.0 (quilt)\nSource: hello\nArchitecture: any\nVersion: 2.10-3\n` +
  `Checksums-Sha256:\n ${digest} ${size} ${tar}\nFiles:\n d41d8cd98f00b204e9800998ecf8427e ${size} ${tar}\n`;

beforeEach(async () => {
  await rm(upper, { recursive: true, force: true });
  await mkdir(build, { recursive: true });
  await writeFile(join(build, 'hello_2.10-3.dsc'), dsc());
  await writeFile(join(build, tar), 'tar');
  await writeFile(join(build, 'something-else'), 'x');
});

const collect = (inputs = new Map<string, string>()): Promise<Outputs> => collectOutputs(jobSpec(), upper, inputs);
const reason = async (): Promise<string> => {
  const outputs = await collect();
  return outputs.kind === 'incomplete' ? outputs.reason : 'complete';
};

test('collectOutputs takes the .dsc and what it lists, nothing else', async () => {
  const outputs = await collect();
  assert.equal(outputs.kind, 'complete');
  assert.deepEqual(
    outputs.files.map(({ name, sha256: digest, size }) => [name, digest, size]),
    [
      ['hello_2.10-3.dsc', sha256(dsc()), dsc().length],
      [tar, sha256('tar'), 3],
    ],
  );
  const texts = new Map([['hello_2.10-3.dsc', dsc()]]);
  assert.deepEqual(checkFiles(jobSpec(), outputs.files, texts), []);
});

test('collectOutputs names an input again by its own path', async () => {
  await rm(join(build, tar));
  const outputs = await collect(new Map([[tar, '/inputs/tar']]));
  assert.equal(outputs.kind === 'complete' && outputs.files[1]?.path, '/inputs/tar');
});

test('collectOutputs follows no link out of the build directory', async () => {
  await rm(join(build, tar));
  await symlink('/etc/hostname', join(build, tar));
  assert.equal(await reason(), `${tar} is not a plain file`);
  await rm(join(build, 'hello_2.10-3.dsc'));
  await symlink('/etc/hostname', join(build, 'hello_2.10-3.dsc'));
  assert.equal(await reason(), 'hello_2.10-3.dsc is not a plain file');
  await rename(build, join(directory, 'elsewhere'));
  await symlink(join(directory, 'elsewhere'), build);
  assert.equal(await reason(), 'The build directory is gone');
  await rm(join(directory, 'elsewhere'), { recursive: true });
});

test('collectOutputs does not wait for a pipe in place of a file', { timeout: 5000 }, async () => {
  await rm(join(build, tar));
  await promisify(execFile)('mkfifo', ['--', join(build, tar)]);
  assert.equal(await reason(), `${tar} is not a plain file`);
});

test('collectOutputs says what a build failed to leave', async () => {
  await writeFile(join(build, tar), 'raT');
  assert.equal(await reason(), `${tar} has another hash or size than the build itself says`);
  await rm(join(build, tar));
  assert.equal(await reason(), `${tar} is missing`);
  await writeFile(join(build, 'b.dsc'), '');
  assert.equal(await reason(), 'The build left 2 .dsc files, not one');
  await rm(build, { recursive: true });
  assert.equal(await reason(), 'The build directory is gone');
});

test('collectOutputs refuses a .dsc that lists a path', async () => {
  await writeFile(join(build, 'hello_2.10-3.dsc'), dsc().replaceAll(tar, '../../etc/passwd'));
  assert.match(await reason(), /not a plain file name/);
});
