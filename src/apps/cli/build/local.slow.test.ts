/** A real package built from its working tree by the command line, with nothing but a sheaf.toml. */
import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { writeToyPackage } from '../../../../test/toy-package.ts';
import { parseChanges } from '../../../formats/deb/changes.ts';
import { parseLock } from '../../../lock/mod.ts';
import { run, runChecked, type RunResult } from '../../../plumbing/process.ts';
import { createUnshareSandbox } from '../../../plumbing/sandbox/unshare.ts';
import { cacheDirectory } from '../../roots.ts';
import { buildLocal, type LocalBuild, type LocalFlags } from './local.ts';

const program = join(import.meta.dirname, '../../../../sheaf');
let directory: string;
let tree: string;
let output: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sheaf-build-local-'));
  tree = join(directory, 'work/toy');
  output = join(directory, 'work');
  await mkdir(tree, { recursive: true });
  await writeToyPackage(tree, { name: 'toy', version: '1.0', distribution: 'stable' });
  for (const words of [
    ['init', '--quiet'],
    ['add', '--all'],
    ['-c', 'user.name=T', '-c', 'user.email=t@t', 'commit', '-qm', '1'],
  ]) {
    await runChecked(['git', ...words], { cwd: tree });
  }
  await sheaf('init', join(directory, 'grove'), '--codename', 'bookworm');
  // As somebody has it who got the folder from git.
  await rm(join(directory, 'grove/secrets'), { recursive: true });
});
after(async () => createUnshareSandbox().remove(directory));

async function sheaf(...words: readonly string[]): Promise<RunResult> {
  const env = { PATH: process.env['PATH']!, HOME: directory, SHEAF_CACHE: cacheDirectory() };
  return run([program, ...words], { cwd: directory, env, timeout: 10 * 60_000 });
}

async function build(...words: readonly string[]): Promise<RunResult> {
  return sheaf('-C', 'grove', 'build', 'local', tree, '--json', ...words);
}

async function built(...words: readonly string[]): Promise<LocalBuild> {
  const result = await build(...words);
  assert.equal(result.code, 0, result.stderr);
  return JSON.parse(result.stdout.toString()) as LocalBuild;
}

const isProduct = (name: string) => /\.(?:dsc|tar\.xz|deb)$/.test(name);

test('build local builds what is in the tree now, without a database, and names all that came out', async () => {
  await appendFile(join(tree, 'README'), 'Not committed.\n');
  const first = await built();
  assert.deepEqual(
    first.files.map(({ name }) => name),
    [
      ...['toy_1.0.dsc', 'toy_1.0.tar.xz', 'toy_1.0_all.changes', 'toy_1.0_all.buildinfo', 'toy_1.0_all.deb'],
      ...['toy_1.0_amd64.build', 'toy_1.0_amd64.lock'],
    ],
  );
  assert.match(first.own.missing!, /database is not running/);
  assert.deepEqual(await readdir(join(directory, 'grove')), ['.gitignore', 'keys', 'sheaf.toml']);
  const packed = ['sh', '-c', 'dpkg-deb --fsys-tarfile "$1" | tar -xO ./usr/share/doc/toy/README', 'sh'] as const;
  assert.match(await runChecked([...packed, join(output, 'toy_1.0_all.deb')]), /Not committed/);
  await runChecked(['dscverify', '--no-sig-check', join(output, 'toy_1.0.dsc')]);
  parseChanges(await readFile(join(output, 'toy_1.0_all.changes'), 'utf8'));
  const lock = parseLock(await readFile(join(output, 'toy_1.0_amd64.lock'), 'utf8'));
  assert.ok(lock.packages.some(({ name }) => name === 'build-essential'));
  assert.match(await readFile(join(output, 'toy_1.0_amd64.build'), 'utf8'), /^dpkg-buildpackage: info: /m);

  // In the same packages and from the same tree, the same bytes.
  const again = await built('--lock', join(output, 'toy_1.0_amd64.lock'));
  assert.ok(again.files.every(({ name, isNew }) => !isProduct(name) || !isNew));
});

test('build local keeps its hands off packages with other bytes, and says whose fault a failure is', async () => {
  const before_ = await readFile(join(output, 'toy_1.0.dsc'));
  await writeFile(join(tree, 'more'), 'more\n');
  const refused = await build();
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /would-replace.*toy_1\.0\.dsc.*--force/);
  assert.deepEqual(await readFile(join(output, 'toy_1.0.dsc')), before_);

  await writeFile(join(tree, 'debian/rules'), '#!/usr/bin/make -f\n%:\n\t@echo this is why; false\n');
  const failed = await build('--output', join(directory, 'out'));
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /build-failed.*Cannot build toy 1\.0: The build ended with exit code/);
  assert.match(await readFile(join(directory, 'out/toy_1.0_amd64.build'), 'utf8'), /this is why/);
  assert.deepEqual(await readdir(join(directory, 'out')), ['toy_1.0_amd64.build']);
});

const wrong: readonly (readonly [string, Partial<LocalFlags>, string, RegExp])[] = [
  ['grove', {}, 'no-source', /grove: it has no file debian\/control$/],
  ['work/toy', { suite: 'nowhere' }, 'no-suite', /no suite nowhere/],
  ['work/toy', { arch: 'arm64' }, 'wrong-architecture', /stable has amd64/],
  ['work/toy', { build: ['any'] }, 'nothing-to-build', /no such package for amd64/],
  ['work/toy', { lock: 'nowhere.lock' }, 'no-lock', /nowhere\.lock: there is none/],
  ['work/toy', { dir: undefined }, 'no-distribution', /no folder from here upwards/],
];
for (const [place, flags, code, message] of wrong) {
  test(`build local says ${code} before it builds`, async () => {
    const all = { dir: join(directory, 'grove'), json: true, ...flags };
    await assert.rejects(buildLocal(join(directory, place), all), { code, message, kind: 'usage' });
  });
}
