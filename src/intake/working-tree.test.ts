import assert from 'node:assert/strict';
import { appendFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { TestRepository, type TestFile } from '../../test/git-repository.ts';
import { makeDistribution, packageFiles } from '../../test/intake-world.ts';
import { pipe } from '../../test/signers.ts';
import { Blobs } from '../plumbing/blobs.ts';
import { openWorkingTree } from '../plumbing/git/working-tree.ts';
import { exportWorkingTree, type WorkingSource } from './mod.ts';

const directory = await mkdtemp('/tmp/sheaf-working-tree-');
after(() => rm(directory, { recursive: true }));
const blobs = new Blobs(join(directory, 'blobs'));
const deps = { distribution: makeDistribution(directory, 'ssh-ed25519 AAAA bob'), blobs };

/** A repository whose parent directory is its own, with these files committed. */
async function repositoryOf(files: Readonly<Record<string, TestFile>>): Promise<TestRepository> {
  const repository = await TestRepository.make({ below: await mkdtemp(join(directory, 'above-')) });
  await repository.commit(files);
  return repository;
}

async function exported(tree: string): Promise<WorkingSource> {
  const working = await openWorkingTree(tree, await mkdtemp(join(directory, 'scratch-')));
  try {
    return await exportWorkingTree(deps, tree, working);
  } finally {
    await working.objects.close();
  }
}

/** Paths below the top directory of the tree.tar. */
async function filesOf({ inputs, source }: WorkingSource): Promise<string[]> {
  const listed = await pipe(['tar', '-tf', blobs.path(inputs[0]!.sha256)]);
  const names = listed.toString().trim().split('\n');
  assert.ok(names.every((name) => name.startsWith(`${source}-`)));
  return names.map((name) => name.slice(name.indexOf('/') + 1)).filter((name) => name !== '' && !name.endsWith('/'));
}

test('exportWorkingTree takes the tree as it is now, as a commit would, and changes nothing of the repository', async () => {
  const repository = await repositoryOf(
    packageFiles('1.0', { '.gitignore': '*.o\nkept\n', kept: 'tracked\n', gone: '', 'sub/deep': 'x\n' }),
  );
  const tree = repository.directory;
  await writeFile(join(tree, 'hello.o'), 'ignored');
  await writeFile(join(tree, 'new'), 'untracked\n');
  await appendFile(join(tree, 'hello.c'), '/* not committed */\n');
  await rm(join(tree, 'gone'));
  const state = async () => [await repository.git(['status', '--porcelain']), await repository.git(['count-objects'])];
  const before = await state();
  const taken = await exported(tree);
  assert.deepEqual(await state(), before);
  assert.deepEqual(await filesOf(taken), [
    ...['.gitignore', 'debian/changelog', 'debian/control', 'debian/rules', 'debian/source/format'],
    ...['hello.c', 'kept', 'new', 'sub/deep'],
  ]);
  await repository.git(['add', '--all']);
  await repository.git(['commit', '-q', '-m', 'All']);
  assert.deepEqual(await exported(tree), taken);
  assert.match((await pipe(['tar', '-xOf', blobs.path(taken.inputs[0]!.sha256)])).toString(), /not committed/);
});

test('exportWorkingTree takes one package of a repository of many', async () => {
  const files = Object.entries(packageFiles('1.0')).map(([name, file]) => [`packages/hello/${name}`, file] as const);
  const repository = await repositoryOf({ ...Object.fromEntries(files), other: 'elsewhere\n' });
  const files_ = await filesOf(await exported(join(repository.directory, 'packages/hello')));
  assert.deepEqual(files_.length, files.length);
});

test('exportWorkingTree takes a tree that is in no repository whole, byte for byte', async () => {
  const repository = await repositoryOf(
    packageFiles('1.0', { '.gitignore': 'configure\n', '.gitattributes': '* text=auto\n', configure: 'made\r\n' }),
  );
  const plain = join(directory, 'plain');
  await cp(repository.directory, plain, { recursive: true });
  await rm(join(plain, '.git'), { recursive: true });
  const taken = await exported(plain);
  assert.ok((await filesOf(taken)).includes('configure'));
  const made = await pipe(['tar', '-xOf', blobs.path(taken.inputs[0]!.sha256), 'hello-1.0/configure']);
  assert.equal(made.toString(), 'made\r\n');
});

test('exportWorkingTree finds the upstream tarball beside the tree, with its components and signatures', async () => {
  const { directory: tree } = await repositoryOf(packageFiles('2.0-1'));
  const above = join(tree, '..');
  const names = ['hello_2.0.orig-doc.tar.gz', 'hello_2.0.orig.tar.xz', 'hello_2.0.orig.tar.xz.asc'];
  for (const name of [...names, 'hello_2.0.orig.tar.xz.part', 'hello_1.0.orig.tar.xz']) {
    await writeFile(join(above, name), name);
  }
  const taken = await exported(tree);
  assert.deepEqual(
    taken.inputs.map(({ name }) => name),
    ['tree.tar', ...names],
  );
  assert.deepEqual(taken.upstream, { kind: 'file', name: join(above, 'hello_2.0.orig.tar.xz') });
  await writeFile(join(above, 'hello_2.0.orig.tar.gz'), 'another');
  await assert.rejects(exported(tree), { code: 'bad-source', message: /both .*tar\.gz and .*tar\.xz/ });
});

test('exportWorkingTree makes the upstream tarball from the upstream tag, or names the file that it lacks', async () => {
  const repository = await repositoryOf({ 'hello.c': 'int main(void) { return 0; }\n' });
  const upstream = await repository.git(['rev-parse', 'HEAD']);
  await repository.commit(packageFiles('2.0-1'));
  await assert.rejects(exported(repository.directory), {
    code: 'orig-missing',
    message: /hello_2\.0\.orig\.tar\.\* is not in \/tmp\/.*above-.*no tag upstream\/2\.0/,
  });
  await repository.tag('upstream/2.0', 'unsigned', { target: upstream });
  const { inputs, upstream: from } = await exported(repository.directory);
  assert.deepEqual(from, { kind: 'tag', name: 'upstream/2.0' });
  assert.equal(inputs[1]!.name, 'hello_2.0.orig.tar.gz');
  const work = await mkdtemp(join(directory, 'dpkg-source-'));
  for (const { name, sha256 } of inputs) await pipe(['cp', '--', blobs.path(sha256), join(work, name)]);
  await pipe(['tar', '-xf', 'tree.tar'], '', { cwd: work });
  await pipe(['dpkg-source', '-b', 'hello-2.0'], '', { cwd: work });
});

const bad: readonly (readonly [string, Readonly<Record<string, TestFile>>, RegExp])[] = [
  ['a link that leads out of it', { link: { link: '../../etc/passwd' } }, /“link” points out of the tree/],
  ['another format', { 'debian/source/format': '2.0\n' }, /debian\/source\/format is "2\.0"/],
  ['a changelog that is none', { 'debian/changelog': 'Hello.\n' }, /debian\/changelog:1: .*found "Hello\."/],
  ['two names', { 'debian/changelog': 'bye (1.0) stable; urgency=low\n\n  * B.\n\n -- A <a@b>  Tue, 10 Nov 2026 10:00:00 +0000\n' }, /of “bye”, but debian\/control of “hello”/], // prettier-ignore
];
for (const [what, changes, message] of bad) {
  test(`exportWorkingTree refuses a tree with ${what}, as for a tag`, async () => {
    const { directory: tree } = await repositoryOf(packageFiles('1.0', changes));
    await assert.rejects(exported(tree), { code: 'bad-source', message });
  });
}

test('exportWorkingTree refuses a repository inside the tree', async () => {
  const { directory: tree } = await repositoryOf(packageFiles('1.0'));
  const inner = await repositoryOf({ file: '' });
  await mkdir(join(tree, 'vendor'));
  await cp(inner.directory, join(tree, 'vendor/inner'), { recursive: true });
  await assert.rejects(exported(tree), { code: 'bad-source', message: /submodules: “vendor\/inner”/ });
  assert.equal(await readFile(join(tree, 'vendor/inner/file'), 'utf8'), '');
});
