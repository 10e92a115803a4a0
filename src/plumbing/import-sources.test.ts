import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';

import { openSavedTrees, parseDatedName, type SavedTree } from './import-sources.ts';

const root = mkdtempSync(join(tmpdir(), 'sheaf-saved-'));
after(() => rmSync(root, { recursive: true }));

function write(directory: string, files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, directory, name)), { recursive: true });
    writeFileSync(join(root, directory, name), text);
  }
  return join(root, directory);
}

async function all(directory: string): Promise<{ trees: SavedTree[]; texts: string[]; count: number }> {
  const { trees, count, close } = await openSavedTrees(directory);
  const found: SavedTree[] = [];
  const texts: string[] = [];
  try {
    for await (const tree of trees) {
      found.push(tree);
      for (const path of tree.paths) texts.push(Buffer.from(await tree.read(path, 1000)).toString());
    }
  } finally {
    await close();
  }
  return { trees: found, texts, count };
}

function git(directory: string, ...args: string[]): string {
  return execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@e', '-C', directory, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: root, GIT_CONFIG_NOSYSTEM: '1' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

function commit(directory: string, time: string): string {
  git(directory, 'add', '--all');
  execFileSync(
    'git',
    ['-c', 'user.name=t', '-c', 'user.email=t@e', '-C', directory, 'commit', '-q', '-m', 'x', '--allow-empty'],
    {
      env: { PATH: process.env['PATH'], HOME: root, GIT_COMMITTER_DATE: time, GIT_AUTHOR_DATE: '2001-01-01T00:00:00Z' },
    },
  );
  return git(directory, 'rev-parse', 'HEAD').trim();
}

for (const [name, expected] of [
  ['2026-01-31', '2026-01-31T00:00:00.000Z'],
  ['20260131', '2026-01-31T00:00:00.000Z'],
  ['20260131T120501Z', '2026-01-31T12:05:01.000Z'],
  ['2026-01-31T12:05:01Z', '2026-01-31T12:05:01.000Z'],
  ['2026-01-31_12-05', '2026-01-31T12:05:00.000Z'],
  ['20260131120501', '2026-01-31T12:05:01.000Z'],
  ['20260231', undefined],
  ['20261301', undefined],
  ['2026-0131', undefined],
  ['20260131T2500', undefined],
  ['dists', undefined],
  ['2026', undefined],
] as const) {
  test(`parseDatedName reads ${name} as ${expected ?? 'no date'}`, () => {
    assert.equal(parseDatedName(name)?.toISOString(), expected);
  });
}

test('openSavedTrees lists the indexes of one tree, and nothing of its pool', async () => {
  const directory = write('mirror', {
    'dists/trixie/InRelease': 'r',
    'dists/trixie/main/binary-amd64/Packages.xz': 'p',
    'dists/trixie/main/by-hash/SHA256/Packages': 'x',
    'dists/trixie/main/i18n/Translation-pt_BR.bz2': 't',
    'dists/trixie/main/Contents-amd64.gz': 'c',
    'dists/trixie/ChangeLog': 'x',
    'pool/main/p/p/Packages': 'x',
  });
  const { trees, texts, count } = await all(directory);
  assert.equal(count, 1);
  assert.equal(trees[0]!.date, undefined);
  assert.deepEqual(trees[0]!.paths, [
    'dists/trixie/InRelease',
    'dists/trixie/main/Contents-amd64.gz',
    'dists/trixie/main/binary-amd64/Packages.xz',
    'dists/trixie/main/i18n/Translation-pt_BR.bz2',
  ]);
  assert.deepEqual(texts, ['r', 'c', 'p', 't']);
  await assert.rejects(trees[0]!.read('dists/trixie/InRelease', 0), /it has 1 bytes, more than 0/);
});

test('openSavedTrees takes dated folders in the order of their dates, and what lies beside them', async () => {
  const directory = write('dated', {
    '20260301/Packages': 'third',
    '2026-01-01/Packages': 'first',
    '20260201T000000Z/Packages': 'second',
    'notes/Sources': 'beside',
  });
  const { trees, texts, count } = await all(directory);
  assert.equal(count, 4);
  assert.deepEqual(texts, ['beside', 'first', 'second', 'third']);
  assert.deepEqual(
    trees.map(({ date }) => date?.toISOString().slice(0, 10)),
    [undefined, '2026-01-01', '2026-02-01', '2026-03-01'],
  );
});

test('openSavedTrees takes files of /var/lib/apt/lists', async () => {
  const directory = write('lists', {
    'deb.debian.org_debian_dists_bookworm_InRelease': 'r',
    'deb.debian.org_debian_dists_bookworm_main_binary-amd64_Packages': 'p',
    'deb.debian.org_debian_dists_bookworm_main_dep11_Components-amd64.yml.gz': 'x',
    lock: '',
  });
  assert.deepEqual((await all(directory)).texts, ['r', 'p']);
});

test('openSavedTrees follows links to files inside the folder only', async () => {
  const directory = write('links', { 'a/Packages': 'a' });
  write('outside', { Packages: 'secret' });
  symlinkSync('a/Packages', join(directory, 'Packages'));
  symlinkSync('../outside/Packages', join(directory, 'Sources'));
  symlinkSync('nowhere', join(directory, 'Release'));
  symlinkSync('.', join(directory, 'loop'));
  const { trees } = await openSavedTrees(directory);
  for await (const tree of trees) {
    assert.deepEqual(tree.paths, ['Packages', 'Sources', 'a/Packages']);
    assert.equal(Buffer.from(await tree.read('Packages', 10)).toString(), 'a');
    await assert.rejects(tree.read('Sources', 10), /it is a link that leads out of the folder/);
  }
});

for (const bare of [false, true]) {
  test(`openSavedTrees reads ${bare ? 'a bare' : 'a'} git repository, oldest commit first, with the committer's dates`, async () => {
    const directory = write(bare ? 'git-bare-source' : 'git', {
      'dists/s/InRelease': 'r1',
      'main/source/Sources': 's1',
    });
    git(directory, 'init', '-q');
    const first = commit(directory, '2026-01-01T00:00:00Z');
    write(bare ? 'git-bare-source' : 'git', { README: 'nothing of interest' });
    commit(directory, '2026-01-02T00:00:00Z');
    write(bare ? 'git-bare-source' : 'git', { 'main/source/Sources': 's2' });
    const third = commit(directory, '2026-01-03T00:00:00+0200');
    let path = directory;
    if (bare) {
      path = join(root, 'bare.git');
      git(root, 'clone', '-q', '--bare', directory, path);
    }
    const { trees, texts, count } = await all(path);
    assert.equal(count, 3);
    assert.deepEqual(texts, ['r1', 's1', 'r1', 's2']);
    assert.deepEqual(
      trees.map(({ label, date }) => [label, date?.toISOString()]),
      [
        [`${path} at ${first.slice(0, 12)}`, '2026-01-01T00:00:00.000Z'],
        [`${path} at ${third.slice(0, 12)}`, '2026-01-02T22:00:00.000Z'],
      ],
    );
  });
}

test('openSavedTrees reads the files that Git LFS keeps, and says when they were not fetched', async () => {
  const bytes = 'Package: a\n';
  const oid = createHash('sha256').update(bytes).digest('hex');
  const directory = write('lfs', {
    Packages: `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${bytes.length}\n`,
  });
  git(directory, 'init', '-q');
  commit(directory, '2026-01-01T00:00:00Z');
  await assert.rejects(all(directory), /Packages: Git LFS has not fetched it/);
  write('lfs', { [`.git/lfs/objects/${oid.slice(0, 2)}/${oid.slice(2, 4)}/${oid}`]: bytes });
  assert.deepEqual((await all(directory)).texts, [bytes]);
});

test('openSavedTrees refuses what is no folder, and a repository without commits', async () => {
  await assert.rejects(openSavedTrees(join(root, 'nowhere')), /there is no such folder/);
  const directory = write('empty', {});
  mkdirSync(directory, { recursive: true });
  git(root, 'init', '-q', directory);
  await assert.rejects(openSavedTrees(directory), /git cannot list its commits/);
});
