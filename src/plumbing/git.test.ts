import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { TestRepository } from '../../test/git-repository.ts';
import { pipe } from '../../test/signers.ts';
import type { GitLimits } from '../model/distribution.ts';
import { parseObjectId } from '../model/names.ts';
import { Git } from './git.ts';

const limits: GitLimits = {
  fetch: 8 * 2 ** 20,
  file: 2 ** 20,
  tree: 2 ** 24,
  files: 1000,
  tag: 65_536,
  time: 30_000,
};

let base: string;
let state: string;
let repository: TestRepository;

function gitWith(changes: Partial<GitLimits> = {}, addresses: readonly string[] = ['https://git.example.org/*']): Git {
  return new Git({
    directory: state,
    policy: { addresses, directories: [base], limits: { ...limits, ...changes } },
    env: process.env,
  });
}

async function codeOf(git: Git, address: string, tag: string): Promise<string> {
  const outcome = await git.fetchTag(address, tag);
  return outcome.kind === 'refused' ? outcome.refusal.code : outcome.kind;
}

before(async () => {
  base = await mkdtemp('/tmp/sheaf-git-base-');
  repository = await TestRepository.make({ below: base });
});
after(() => rm(base, { recursive: true, force: true }));

// Each test fetches anew.
let serial = 0;
function freshState(): void {
  state = join(base, `state-${++serial}`);
}

describe('Git.fetchTag', () => {
  it('fetches the tag, its commit and its files, and no history', async () => {
    freshState();
    const old = await repository.commit({ old: 'old text\n' });
    const commit = await repository.commit({ 'a/file': 'text\n', big: 'x'.repeat(200_000) });
    const id = await repository.tag('debian/1.0', 'unsigned');
    const git = gitWith();
    assert.deepEqual(await git.fetchTag(repository.directory, 'debian/1.0'), { kind: 'fetched', object: id });
    const objects = await git.open(repository.directory);
    try {
      assert.deepEqual(await objects.info(parseObjectId(id)), {
        type: 'tag',
        size: (await repository.bytes(id)).length,
      });
      assert.deepEqual(Buffer.from((await objects.read(parseObjectId(id), 1000)).bytes), await repository.bytes(id));
      const big = parseObjectId(await repository.git(['rev-parse', 'HEAD:big']));
      assert.equal((await objects.read(big, 200_000)).bytes.length, 200_000);
      await assert.rejects(objects.read(big, 199_999), { code: 'git-object-too-large' });
      // A reader that stops half-way does not disturb the next.
      for await (const _ of objects.stream(big)) break;
      assert.equal((await objects.info(parseObjectId(commit)))?.type, 'commit');
      assert.equal((await objects.read(big, 200_000)).bytes.length, 200_000);
      assert.equal(await objects.info(parseObjectId(old)), undefined);
      await assert.rejects(objects.read(parseObjectId('0'.repeat(40)), 10), { code: 'git-object-missing' });
    } finally {
      await objects.close();
    }
  });

  it('follows a tag that moved, and answers many at once', async () => {
    freshState();
    const git = gitWith();
    await repository.commit({ file: '1\n' });
    const first = await repository.tag('moving', 'unsigned');
    assert.deepEqual(await git.fetchTag(repository.directory, 'moving'), { kind: 'fetched', object: first });
    await repository.commit({ file: '2\n' });
    const second = await repository.tag('moving', 'lightweight');
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => git.fetchTag(repository.directory, 'moving')));
    for (const outcome of outcomes) assert.deepEqual(outcome, { kind: 'fetched', object: second });
  });

  it('fetches from a SHA-256 repository', async () => {
    freshState();
    const other = await TestRepository.make({ below: base, objectFormat: 'sha256' });
    await other.commit({ file: 'text\n' });
    const id = await other.tag('v1', 'unsigned');
    const git = gitWith();
    assert.deepEqual(await git.fetchTag(other.directory, 'v1'), { kind: 'fetched', object: id });
    const objects = await git.open(other.directory);
    assert.equal((await objects.read(parseObjectId(id), 1000)).type, 'tag');
    await objects.close();
  });

  it('keeps tags apart whose names could not be refs beside each other', async () => {
    freshState();
    const git = gitWith();
    const a = await repository.tag('n', 'lightweight');
    assert.deepEqual(await git.fetchTag(repository.directory, 'n'), { kind: 'fetched', object: a });
    await repository.git(['tag', '-d', 'n']);
    const b = await repository.tag('n/m', 'lightweight');
    assert.deepEqual(await git.fetchTag(repository.directory, 'n/m'), { kind: 'fetched', object: b });
    assert.equal(await codeOf(git, repository.directory, 'n'), 'tag-not-found');
  });

  it('says tag-not-found for a tag that is not there and for names that cannot be', async () => {
    freshState();
    for (const tag of ['debian/9.9', 'moving^{}', 'mov*', '-x', '--upload-pack=x', 'a b', '']) {
      assert.equal(await codeOf(gitWith(), repository.directory, tag), 'tag-not-found', tag);
    }
  });

  it('says bad-address for whatever the policy does not name', async () => {
    freshState();
    await symlink('/', join(base, 'root'));
    await mkdir(join(base, 'empty'));
    const outside = await TestRepository.make();
    await symlink(outside.directory, join(base, 'link'));
    await mkdir(join(base, 'gitfile'));
    await writeFile(join(base, 'gitfile', '.git'), `gitdir: ${outside.directory}/.git\n`);
    await writeFile(join(base, 'file'), 'text');
    try {
      const worktree = await gitWith().fetchTag(join(base, 'gitfile'), 'v1');
      assert.match(
        worktree.kind === 'refused' ? worktree.refusal.message : '',
        /it is a worktree of a repository elsewhere/,
      );
      for (const address of [
        'https://evil.example.org/x',
        'ext::touch /tmp/sheaf-evil',
        '-oProxyCommand=touch /tmp/sheaf-evil',
        'file://../x',
        'ssh://-oProxyCommand=x/y',
        'user@-host:x',
        `${base}/../${base.split('/').at(-1)}`,
        outside.directory,
        `file://${outside.directory}`,
        join(base, 'link'),
        join(base, 'root', outside.directory),
        join(base, 'gitfile'),
        join(base, 'empty'),
        join(base, 'file'),
        join(base, 'missing'),
        '/etc',
        `${repository.directory}\n`,
      ]) {
        assert.equal(await codeOf(gitWith(), address, 'moving'), 'bad-address', address);
      }
    } finally {
      await outside.close();
    }
  });

  it('does not let patterns of addresses be widened by another host or path', async () => {
    freshState();
    const git = gitWith({ time: 3000 }, ['https://git.example.invalid/team/*']);
    for (const address of [
      'https://git.example.invalid/team/../other/x',
      'https://git.example.invalid/other/team/x',
      'https://git.example.invalid:8443/team/x',
      'https://git.example.invalid.evil.org/team/x',
      'ssh://git.example.invalid/team/x',
    ]) {
      assert.equal(await codeOf(git, address, 'v1'), 'bad-address', address);
    }
    assert.equal(await codeOf(git, 'https://git.example.invalid/team/x', 'v1'), 'unreachable');
  });

  it('reads a local repository of another user, but only because the policy names its place', async () => {
    if (process.getuid!() !== 0) return;
    freshState();
    const other = await TestRepository.make({ below: base });
    await other.commit({ file: 'text\n' });
    const id = await other.tag('v1', 'unsigned');
    for (const path of ['', '.git']) await chown(join(other.directory, path), 65_534, 65_534);
    // What git itself says to it.
    await assert.rejects(
      pipe(['git', 'ls-remote', '--', `${other.directory}/.git`], '', { env: { GIT_CONFIG_NOSYSTEM: '1' } }),
      /dubious ownership/,
    );
    assert.deepEqual(await gitWith().fetchTag(other.directory, 'v1'), { kind: 'fetched', object: id });
    assert.deepEqual(
      (await readdir(state)).filter((name) => name.endsWith('.config')),
      [],
    );
  });

  it('runs no hook and honours no settings of the repository or the caller', async () => {
    freshState();
    const other = await TestRepository.make({ below: base });
    await other.commit({ file: 'text\n' });
    const id = await other.tag('v1', 'unsigned');
    const mark = join(base, 'mark');
    await other.git(['config', 'uploadpack.packObjectsHook', `touch ${mark}`]);
    await other.git(['config', 'core.fsmonitor', `touch ${mark}`]);
    const git = new Git({
      directory: state,
      policy: { addresses: [], directories: [base], limits },
      env: {
        ...process.env,
        GIT_DIR: '/nonexistent',
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'uploadpack.packObjectsHook',
        GIT_CONFIG_VALUE_0: `touch ${mark}`,
        GIT_TRACE: mark,
      },
    });
    assert.deepEqual(await git.fetchTag(other.directory, 'v1'), { kind: 'fetched', object: id });
    assert.equal((await readdir(base)).includes('mark'), false);
  });

  it('stops a fetch over its limit and leaves nothing of it', async () => {
    freshState();
    const other = await TestRepository.make({ below: base });
    await other.commit({ big: randomBytes(3 * 2 ** 20) });
    await other.tag('v1', 'unsigned');
    const git = gitWith({ fetch: 2 ** 20 });
    const outcome = await git.fetchTag(other.directory, 'v1');
    assert.ok(outcome.kind === 'refused' && outcome.refusal.code === 'over-limit');
    assert.match(outcome.refusal.hint, /"max-fetch" below \[git\] in sheaf\.toml/);
    const [kept] = (await readdir(state)).filter((name) => name.endsWith('.git'));
    assert.deepEqual(await readdir(join(state, kept!, 'objects', 'pack')), []);
    assert.equal(await codeOf(gitWith(), other.directory, 'v1'), 'fetched');
  });

  it('gives up on a server that does not answer', async () => {
    freshState();
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const address = `git://127.0.0.1:${port}/x.git`;
    const outcome = await gitWith({ time: 700 }, ['git://127.0.0.1*']).fetchTag(address, 'v1');
    server.close();
    assert.equal(outcome.kind, 'unreachable');
  });

  it('calls a refused connection unreachable', async () => {
    freshState();
    for (const address of ['git://127.0.0.1:1/x.git', 'https://127.0.0.1:1/x.git']) {
      const outcome = await gitWith({}, ['git://127.0.0.1*', 'https://127.0.0.1*']).fetchTag(address, 'v1');
      assert.equal(outcome.kind, 'unreachable', JSON.stringify(outcome));
    }
  });

  it('says commit-not-found when the repository lacks what the tag names', async () => {
    freshState();
    const other = await TestRepository.make({ below: base });
    await other.commit({ file: 'text\n' });
    const gone = '1'.repeat(40);
    const text = `object ${gone}\ntype commit\ntag v1\ntagger Test <test@example.org> 1700000000 +0000\n\nText\n`;
    const id = await other.object('tag', text);
    await mkdir(join(other.directory, '.git/refs/tags'), { recursive: true });
    await writeFile(join(other.directory, '.git/refs/tags/v1'), `${id}\n`);
    assert.equal(await codeOf(gitWith(), other.directory, 'v1'), 'commit-not-found');

    // A commit whose tree is missing.
    const commit = await other.commitTree('2'.repeat(40));
    await writeFile(join(other.directory, '.git/refs/tags/v2'), `${commit}\n`);
    assert.equal(await codeOf(gitWith(), other.directory, 'v2'), 'commit-not-found');
  });

  it('recovers from locks that a killed fetch left behind', async () => {
    freshState();
    const git = gitWith();
    const id = await repository.tag('locked', 'unsigned');
    assert.equal(await codeOf(git, repository.directory, 'locked'), 'fetched');
    const [kept] = (await readdir(state)).filter((name) => name.endsWith('.git'));
    await writeFile(join(state, kept!, 'shallow.lock'), '');
    await repository.commit({ file: 'other\n' });
    const next = await repository.tag('locked2', 'unsigned');
    assert.notEqual(next, id);
    assert.deepEqual(await git.fetchTag(repository.directory, 'locked2'), { kind: 'fetched', object: next });
  });

  it('hands out no object whose bytes do not have its id', async () => {
    freshState();
    const git = gitWith();
    await repository.commit({ file: 'honest\n' });
    await repository.tag('forged', 'lightweight');
    assert.equal(await codeOf(git, repository.directory, 'forged'), 'fetched');
    const [kept] = (await readdir(state)).filter((name) => name.endsWith('.git'));
    const honest = parseObjectId(await repository.git(['rev-parse', 'HEAD:file']));
    const forged = await repository.object('blob', 'forged\n');
    // The forged object's file under a third id.
    const third = parseObjectId('3'.repeat(40));
    const objects = join(state, kept!, 'objects', '33');
    await mkdir(objects, { recursive: true });
    const source = join(repository.directory, '.git/objects', forged.slice(0, 2), forged.slice(2));
    await rename(source, join(objects, third.slice(2)));
    const reader = await git.open(repository.directory);
    assert.equal(Buffer.from((await reader.read(honest, 100)).bytes).toString(), 'honest\n');
    await assert.rejects(reader.read(third, 100), { code: /git-object-corrupt|git-failed/ });
    await reader.close();
  });
});
