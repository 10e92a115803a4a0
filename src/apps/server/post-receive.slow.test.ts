import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';

import { createAdaptorServer } from '@hono/node-server';

import { parseLabel, parseSuiteName } from '../../model/names.ts';
import type { TagRequest } from '../../model/tag-build.ts';
import { hooks } from './hooks.ts';

const run = promisify(execFile);
const directory = mkdtempSync(join(tmpdir(), 'sheaf-post-receive-'));
const bare = join(directory, 'hello "quoted" \\ repository.git');
const work = join(directory, 'work');
const serverSecret = join(directory, 'server-secret');
const hostSecret = join(directory, 'host-secret');
const name = parseLabel('plain');
const received: TagRequest[] = [];
const server = createAdaptorServer({
  fetch: hooks({
    distribution: {
      url: 'https://packages.example.org',
      git: { tagFormat: 'debian/%(version)s', upstreamTagFormat: 'upstream/%(version)s', addresses: [] },
      webhooks: new Map([[name, { name, kind: 'generic', secretFile: serverSecret, suite: parseSuiteName('stable') }]]),
    },
    receive: async (request) => ({ id: received.push(request), already: false }),
    report: () => {},
  }).fetch,
});

const env = {
  PATH: process.env['PATH'],
  HOME: directory,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ann',
  GIT_AUTHOR_EMAIL: 'ann@example.org',
  GIT_COMMITTER_NAME: 'Ann',
  GIT_COMMITTER_EMAIL: 'ann@example.org',
};
const git = (...args: string[]) => run('git', ['-C', work, ...args], { env });

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await run('git', ['init', '--quiet', '--bare', bare], { env });
  await run('git', ['init', '--quiet', '--initial-branch=main', work], { env });
  await git('commit', '--quiet', '--allow-empty', '--message=first');
  await git('remote', 'add', 'origin', bare);
  copyFileSync(join(import.meta.dirname, '../../../share/post-receive'), join(bare, 'hooks/post-receive'));
  chmodSync(join(bare, 'hooks/post-receive'), 0o755);
});
beforeEach(async () => {
  received.length = 0;
  await configure(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/plain`, 'secret');
});
after(() => {
  server.close();
  rmSync(directory, { recursive: true, force: true });
});

async function configure(hook: string, secret: string, theirs = secret): Promise<void> {
  writeFileSync(serverSecret, `${secret}\n`);
  writeFileSync(hostSecret, `${theirs}\n`);
  await run('git', ['-C', bare, 'config', 'sheaf.hook', hook], { env });
  await run('git', ['-C', bare, 'config', 'sheaf.secretFile', hostSecret], { env });
}

/** Pushes; the push itself must always hold. Returns what the hook said. */
async function push(...refs: string[]): Promise<string> {
  return (await git('push', '--quiet', 'origin', ...refs)).stderr;
}

test('post-receive reports pushed tags with what they point to, and nothing else', { timeout: 60_000 }, async () => {
  await git('tag', '--annotate', '--message=one', 'debian/1.0-1');
  await git('tag', '--annotate', '--message=two', 'debian/1.0+"$(id)-2');
  const said = await push('main', 'debian/1.0-1', 'debian/1.0+"$(id)-2');
  const object = async (tag: string) => (await git('rev-parse', `refs/tags/${tag}`)).stdout.trim();
  assert.deepEqual(
    received.toSorted((a, b) => b.tag.localeCompare(a.tag)),
    await Promise.all(
      ['debian/1.0-1', 'debian/1.0+"$(id)-2']
        .map(async (tag) => ({
          repository: bare,
          tag,
          suite: 'stable',
          origin: 'generic',
          claimedObject: await object(tag),
        }))
        .toSorted(),
    ).then((all) => all.toSorted((a, b) => b.tag.localeCompare(a.tag))),
  );
  assert.match(said, /tag debian\/1\.0-1 is reported: https:\/\/packages\.example\.org\/tag-build\/\d/);
  received.length = 0;
  await push('--delete', 'debian/1.0-1');
  assert.deepEqual(received, []);
});

for (const secret of [
  's',
  'with "quotes" & $igns \\ and ünïcode',
  'x'.repeat(63),
  'x'.repeat(64),
  'x'.repeat(65),
  'x'.repeat(500),
]) {
  test(
    `post-receive signs with a secret of ${Buffer.byteLength(secret)} bytes as HMAC-SHA256 says`,
    { timeout: 60_000 },
    async () => {
      await configure(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/plain`, secret);
      const tag = `secret/${Buffer.byteLength(secret)}`;
      await git('tag', '--annotate', '--message=x', tag);
      await push(tag);
      assert.deepEqual(
        received.map((each) => each.tag),
        [tag],
      );
    },
  );
}

test('post-receive reports the address that sheaf.repository names', { timeout: 60_000 }, async () => {
  await run('git', ['-C', bare, 'config', 'sheaf.repository', 'https://git.example.org/hello.git'], { env });
  await git('tag', '--annotate', '--message=x', 'debian/addressed');
  await push('debian/addressed');
  await run('git', ['-C', bare, 'config', '--unset', 'sheaf.repository'], { env });
  assert.deepEqual(
    received.map((each) => each.repository),
    ['https://git.example.org/hello.git'],
  );
});

test('post-receive never stops a push, and says how to report later', { timeout: 60_000 }, async () => {
  const port = (server.address() as AddressInfo).port;
  const cases: readonly (readonly [string, () => Promise<unknown>, RegExp])[] = [
    ['down', () => configure('http://127.0.0.1:9/hooks/plain', 'secret'), /did not answer/],
    ['wrong', () => configure(`http://127.0.0.1:${port}/hooks/plain`, 'secret', 'other'), /does not accept the secret/],
    ['nowhere', () => configure(`http://127.0.0.1:${port}/elsewhere`, 'secret'), /did not take the report/],
    [
      'secretless',
      () => run('git', ['-C', bare, 'config', 'sheaf.secretFile', join(directory, 'no')], { env }),
      /cannot be read/,
    ],
    ["it's", () => configure('http://127.0.0.1:9/hooks/plain', 'secret'), /did not answer/],
    ['unset', () => run('git', ['-C', bare, 'config', '--unset', 'sheaf.hook'], { env }), /are not both set/],
  ];
  for (const [tag, change, words] of cases) {
    await change();
    await git('tag', '--annotate', '--message=x', tag);
    const said = await push(tag);
    assert.match(said, words, tag);
    const word = `'${tag.replace("'", String.raw`'\''`)}'`;
    assert.ok(said.includes(`sheaf intake tag '${bare}' ${word} --suite SUITE`), said);
    assert.match(
      (await run('git', ['-C', bare, 'tag', '--list', tag], { env })).stdout,
      new RegExp(tag),
      'the tag is there',
    );
  }
  assert.deepEqual(received, []);
});

test(
  'post-receive asks a server that does not answer once, however many tags there are',
  { timeout: 60_000 },
  async () => {
    let asked = 0;
    const deaf = createServer((socket) => {
      asked += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve));
    await configure(`http://127.0.0.1:${(deaf.address() as AddressInfo).port}/hooks/plain`, 'secret');
    const tags = ['many/1', 'many/2', 'many/3'];
    for (const tag of tags) await git('tag', '--annotate', '--message=x', tag);
    const said = await push(...tags);
    deaf.close();
    assert.equal(asked, 1);
    for (const tag of tags) assert.ok(said.includes(`tag ${tag} is not reported: Sheaf did not answer`), said);
  },
);
