/** What the commands of a lock do with files: pipes, roots of strangers, git. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { sha256 } from '../../../kit/digest.ts';
import { SheafError } from '../../../kit/error.ts';
import { formatLock } from '../../../lock/mod.ts';
import { parseArchitecture, parsePackageName, parseVersion } from '../../../model/names.ts';
import { checkCommitted, commitFile } from './commit.ts';
import { fromSystem } from './from-system.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-lock-files-'));
after(() => rmSync(directory, { recursive: true }));
const sheaf = join(import.meta.dirname, '../../../../sheaf');

const packages = (version: string) =>
  formatLock({
    architecture: parseArchitecture('amd64'),
    sources: [],
    request: { packages: ['web'], recommends: false, exclude: [] },
    packages: ['libc', 'web'].map((name) => ({
      ...{ name: parsePackageName(name), version: parseVersion(version), architecture: parseArchitecture('amd64') },
      ...{ sha256: sha256(`${name} ${version}`), size: 2048, url: `http://h/${name}.deb` },
      fields: name === 'web' ? [['Depends', 'libc']] : [['Installed-Size', version === '1' ? '1' : '3']],
    })),
  });

function run(...args: string[]) {
  const env = { ...process.env, NO_COLOR: '1', SHEAF_CACHE: directory };
  return spawnSync(sheaf, args, { cwd: directory, encoding: 'utf8', env });
}

test('sheaf lock diff and explain need no distribution, and read pipes', () => {
  writeFileSync(join(directory, 'a.lock'), packages('1'));
  writeFileSync(join(directory, 'b.lock'), packages('2'));
  const differing = run('lock', 'diff', 'a.lock', 'b.lock');
  assert.equal(differing.status, 1, differing.stderr);
  assert.deepEqual(differing.stdout.split('\n'), [
    'a.lock → b.lock',
    'amd64:     2 upgraded',
    'download:  4.0 KiB (±0)',
    'installed: 3.0 KiB (+2.0 KiB)',
    '',
    'libc 1 → 2',
    '  upgraded   libc',
    '  size       ±0 to download, +2.0 KiB installed',
    '',
    'web 1 → 2',
    '  upgraded   web',
    '  size       ±0 to download, ±0 installed',
    '',
    '',
  ]);
  const same = spawnSync('bash', ['-c', `"${sheaf}" lock diff <(cat a.lock) a.lock --json`], {
    cwd: directory,
    encoding: 'utf8',
  });
  assert.equal(same.status, 0, same.stderr);
  assert.equal((JSON.parse(same.stdout) as { architectures: { same: number }[] }).architectures[0]!.same, 2);
  const explained = run('lock', 'explain', 'a.lock', 'libc');
  assert.deepEqual(explained.stdout.split('\n'), [
    'libc 1 amd64',
    '',
    '  web was asked for',
    '    depends on libc',
    '',
    'needed by:   web',
    'only for it: nothing',
    '',
  ]);
  assert.match(run('lock', 'explain', 'a.lock', 'nginx').stderr, /nginx: it is not in the lock for amd64/);
  assert.equal(run('lock', 'diff', 'a.lock', 'none.lock').status, 2);
});

test('fromSystem reads nothing outside of the root, and only ordinary files', async () => {
  const house = {} as Parameters<typeof fromSystem>[0];
  const refusal = async (name: string, make: (file: string) => void) => {
    const root = join(directory, name);
    mkdirSync(join(root, 'var/lib/dpkg'), { recursive: true });
    make(join(root, 'var/lib/dpkg/status'));
    return fromSystem(house, { root }).catch((error: unknown) => (error instanceof SheafError ? error.code : error));
  };
  assert.equal(await refusal('none', () => {}), 'no-dpkg-status');
  assert.equal(await refusal('link', (file) => symlinkSync('/etc/passwd', file)), 'no-dpkg-status');
  assert.equal(await refusal('up', (file) => symlinkSync('../../../../b.lock', file)), 'no-dpkg-status');
  assert.equal(await refusal('device', (file) => symlinkSync('/dev/zero', file)), 'no-dpkg-status');
  assert.equal(await refusal('folder', (file) => mkdirSync(file)), 'no-dpkg-status');
  assert.equal(await refusal('pipe', (file) => execFileSync('mkfifo', [file])), 'no-dpkg-status');
  assert.equal(await refusal('text', (file) => writeFileSync(file, 'a text\n')), 'bad-control-file');
});

test('commitFile commits the lock alone, and checkCommitted keeps changes of others', async () => {
  const repository = join(directory, 'repository');
  const file = join(repository, 'web.lock');
  const git = (...args: string[]) => execFileSync('git', ['-C', repository, ...args], { encoding: 'utf8' });
  const refusal = async () =>
    checkCommitted(file).then(
      () => undefined,
      (error: unknown) => (error instanceof SheafError ? error.code : error),
    );
  mkdirSync(repository);
  writeFileSync(file, packages('1'));
  assert.equal(await refusal(), 'no-git-repository');
  git('init', '--quiet');
  git('config', 'user.name', 'Ann Example');
  git('config', 'user.email', 'ann@example.org');
  assert.equal(await refusal(), 'uncommitted');
  git('add', '.');
  git('commit', '--quiet', '--message', 'Pin');
  assert.equal(await refusal(), undefined);
  writeFileSync(file, packages('2'));
  assert.equal(await refusal(), 'uncommitted');
  git('checkout', 'web.lock');
  writeFileSync(join(repository, 'other'), 'staged by somebody');
  git('add', 'other');
  const id = await commitFile(file, packages('2'), 'Update web.lock: 2 upgraded\n\n# no comment\n');
  assert.equal(git('log', '-1', '--format=%H %B').trim(), `${id} Update web.lock: 2 upgraded\n\n# no comment`);
  assert.equal(git('show', '--name-only', '--format=', 'HEAD').trim(), 'web.lock');
  assert.equal(git('show', 'HEAD:web.lock'), readFileSync(file, 'utf8'));
  assert.match(git('status', '--porcelain'), /^A {2}other/);
});

test('commitFile leaves the lock as it was when git refuses, follows links, and takes no name for a pattern', async () => {
  const repository = join(directory, 'odd');
  const git = (...args: string[]) => execFileSync('git', ['-C', repository, ...args], { encoding: 'utf8' });
  mkdirSync(repository);
  git('init', '--quiet');
  git('config', 'user.name', 'Ann Example');
  git('config', 'user.email', 'ann@example.org');
  const names = [':web.lock', 'we?.lock', 'web.lock'];
  for (const name of names) writeFileSync(join(repository, name), packages('1'));
  symlinkSync('web.lock', join(repository, 'link.lock'));
  git('add', '--all');
  git('commit', '--quiet', '--message', 'Pin');
  const hook = join(repository, '.git/hooks/pre-commit');
  writeFileSync(hook, '#!/bin/sh\necho not today >&2\nexit 1\n', { mode: 0o755 });
  await assert.rejects(commitFile(join(repository, 'link.lock'), packages('2'), 'Update'), {
    code: 'git-failed',
    message: /link\.lock, which stays as it was: not today$/,
  });
  assert.equal(git('status', '--porcelain'), '');
  rmSync(hook);
  for (const [link, name] of [...names.map((each) => [each, each] as const), ['link.lock', 'web.lock'] as const]) {
    const version = link === name ? '2' : '3';
    writeFileSync(join(repository, 'web.lock'), packages('1'));
    git('commit', '--quiet', '--all', '--allow-empty', '--message', 'Again');
    await checkCommitted(join(repository, link));
    await commitFile(join(repository, link), packages(version), 'Update');
    assert.equal(git('show', '--name-only', '--format=', 'HEAD').trim(), name);
    assert.equal(git('status', '--porcelain'), '');
  }
});
