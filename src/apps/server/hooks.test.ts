import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import type { Webhook, WebhookKind } from '../../model/distribution.ts';
import { parseLabel, parseSuiteName } from '../../model/names.ts';
import type { TagRequest } from '../../model/tag-build.ts';
import { hooks } from './hooks.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-hooks-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const secret = 'correct horse battery staple';
const secretFile = join(directory, 'secret');
writeFileSync(secretFile, `${secret}\n`, { mode: 0o600 });
writeFileSync(join(directory, 'empty'), '\n');

const webhook = (name: string, kind: WebhookKind, file = secretFile): [Webhook['name'], Webhook] => {
  const label = parseLabel(name);
  return [label, { name: label, kind, secretFile: file, suite: parseSuiteName('stable') }];
};
const webhooks = new Map([
  webhook('plain', 'generic'),
  webhook('lab', 'gitlab'),
  webhook('hub', 'github'),
  webhook('forge', 'forgejo'),
  webhook('unset', 'gitlab', join(directory, 'missing')),
  webhook('blank', 'gitlab', join(directory, 'empty')),
]);

const received: TagRequest[] = [];
const reported: unknown[] = [];
const git = { tagFormat: 'debian/%(version)s', upstreamTagFormat: 'upstream/%(version)s', addresses: [] as string[] };
const app = hooks({
  distribution: { url: 'https://packages.example.org', webhooks, git },
  receive: async (request) => ({ id: received.push(request), already: false }),
  report: (error) => reported.push(error),
});

const payload = (name: string): Record<string, any> =>
  JSON.parse(readFileSync(join(import.meta.dirname, 'testdata', `${name}.json`), 'utf8')) as Record<string, any>;
const hmac = (body: string, key = secret) => createHmac('sha256', key).update(body).digest('hex');

async function post(name: string, body: string, headers: Record<string, string>) {
  received.length = 0;
  const response = await app.request(`/hooks/${name}`, { method: 'POST', body, headers });
  return { status: response.status, body: (await response.json()) as any };
}

const object = '82b3d5ae55f7080f1e6022629cdb57bfae7cccc7';
const generic = { repository: 'https://git.example.org/hello.git', tag: 'debian/2.10-3', object };

/** A payload as each host sends it, and how it proves itself. */
const hosts: readonly {
  what: string;
  name: string;
  body: Record<string, any>;
  headers: (body: string, key?: string) => Record<string, string>;
  repository: string;
  claimed: string | undefined;
}[] = [
  {
    what: 'a generic report',
    name: 'plain',
    body: generic,
    headers: (body, key) => ({ 'X-Sheaf-Signature-256': `sha256=${hmac(body, key)}` }),
    repository: 'https://git.example.org/hello.git',
    claimed: object,
  },
  {
    what: "GitLab's tag push",
    name: 'lab',
    body: payload('gitlab-tag-push'),
    headers: (_, key = secret) => ({ 'X-Gitlab-Event': 'Tag Push Hook', 'X-Gitlab-Token': key }),
    repository: 'https://gitlab.example.org/packages/hello.git',
    claimed: object,
  },
  {
    what: "GitHub's push",
    name: 'hub',
    body: payload('github-push'),
    headers: (body, key) => ({ 'X-GitHub-Event': 'push', 'X-Hub-Signature-256': `sha256=${hmac(body, key)}` }),
    repository: 'https://github.com/fieldos/hello.git',
    claimed: object,
  },
  {
    what: "GitHub's create",
    name: 'hub',
    body: payload('github-create'),
    headers: (body, key) => ({ 'X-GitHub-Event': 'create', 'X-Hub-Signature-256': `sha256=${hmac(body, key)}` }),
    repository: 'https://github.com/fieldos/hello.git',
    claimed: undefined,
  },
  {
    what: "Forgejo's push",
    name: 'forge',
    body: payload('forgejo-push'),
    headers: (body, key) => ({ 'X-Forgejo-Event': 'push', 'X-Forgejo-Signature': hmac(body, key) }),
    repository: 'https://forge.example.org/fieldos/hello.git',
    claimed: object,
  },
  {
    what: "Gitea's push",
    name: 'forge',
    body: payload('forgejo-push'),
    headers: (body, key) => ({ 'X-Gitea-Event': 'push', 'X-Gitea-Signature': hmac(body, key) }),
    repository: 'https://forge.example.org/fieldos/hello.git',
    claimed: object,
  },
];

for (const host of hosts) {
  const body = JSON.stringify(host.body);

  test(`hooks take ${host.what}`, async () => {
    const answer = await post(host.name, body, host.headers(body));
    assert.equal(answer.status, 202);
    assert.deepEqual(answer.body, { tagBuild: 1, already: false, page: 'https://packages.example.org/tag-build/1' });
    assert.deepEqual(received, [
      {
        repository: host.repository,
        tag: 'debian/2.10-3',
        suite: 'stable',
        origin: webhooks.get(parseLabel(host.name))!.kind,
        ...(host.claimed === undefined ? {} : { claimedObject: host.claimed }),
      },
    ]);
  });

  test(`hooks refuse ${host.what} with a wrong, a missing or a borrowed proof`, async () => {
    const tampered = JSON.stringify({ ...host.body, extra: 1 });
    const wrong = [
      [body, host.headers(body, 'wrong')],
      [body, {}],
      [body, Object.fromEntries(Object.keys(host.headers(body)).map((name) => [name, '']))],
      ...(host.name === 'lab' ? [] : [[tampered, host.headers(body)] as const]),
    ] as const;
    for (const [sent, headers] of wrong) {
      const answer = await post(host.name, sent, headers);
      assert.equal(answer.status, 401);
      assert.equal(answer.body.error.code, 'wrong-secret');
      assert.deepEqual(received, []);
    }
  });

  test(`hooks ignore what is not a pushed tag, in the form of ${host.what}`, async () => {
    const zeros = '0'.repeat(40);
    const others: Record<string, any>[] =
      host.name === 'plain'
        ? [{ ...generic, object: zeros }]
        : host.what.includes('create')
          ? [{ ...host.body, ref_type: 'branch' }]
          : [
              { ...host.body, after: zeros, before: object, deleted: true, checkout_sha: null },
              { ...host.body, ref: 'refs/heads/main' },
            ];
    for (const other of others) {
      const text = JSON.stringify(other);
      const answer = await post(host.name, text, host.headers(text));
      assert.equal(answer.status, 202);
      assert.match(answer.body.ignored, /deleted|not a tag/);
      assert.deepEqual(received, []);
    }
  });

  test(`hooks say what is wrong with a broken form of ${host.what}`, async () => {
    for (const broken of [
      '',
      'null',
      '[]',
      '{"ref":1}',
      '{'.repeat(1000),
      JSON.stringify({ ...host.body, repository: 5, project: 5 }),
    ]) {
      const answer = await post(host.name, broken, host.headers(broken));
      assert.equal(answer.status, 400, broken.slice(0, 40));
      assert.match(answer.body.error.message, /^Cannot read the notification: /);
      assert.deepEqual(received, []);
    }
  });
}

test("hooks take GitHub's form, which is what it sends unless told otherwise, and say of others what to set", async () => {
  const proof = (body: string) => ({ 'X-GitHub-Event': 'push', 'X-Hub-Signature-256': `sha256=${hmac(body)}` });
  const form = new URLSearchParams({ payload: JSON.stringify(payload('github-push')) }).toString();
  assert.equal((await post('hub', form, proof(form))).status, 202);
  assert.equal(received[0]!.tag, 'debian/2.10-3');
  for (const other of ['payload=%7B', 'ref=refs/tags/x']) {
    const answer = await post('hub', other, proof(other));
    assert.equal(answer.status, 400);
    assert.match(answer.body.error.hint, /application\/json/);
  }
});

test('hooks ignore other kinds of events with words', async () => {
  const body = JSON.stringify({ object_kind: 'merge_request' });
  const lab = await post('lab', body, { 'X-Gitlab-Token': secret });
  assert.deepEqual([lab.status, received.length], [202, 0]);
  assert.match(lab.body.ignored, /merge_request, not tag_push/);
  const ping = JSON.stringify({ zen: 'Keep it logically awesome.' });
  const hub = await post('hub', ping, { 'X-GitHub-Event': 'ping', 'X-Hub-Signature-256': `sha256=${hmac(ping)}` });
  assert.equal(hub.status, 202);
  assert.match(hub.body.ignored, /ping/);
});

test('hooks do not tell which names exist', async () => {
  const known = await post('lab', '{}', { 'X-Gitlab-Token': 'wrong' });
  const unknown = await post('nobody', '{}', { 'X-Gitlab-Token': secret });
  assert.deepEqual(unknown, known);
});

test('hooks accept nothing when the secret is missing or empty, and report it', async () => {
  reported.length = 0;
  for (const name of ['unset', 'blank']) {
    assert.equal((await post(name, '{}', { 'X-Gitlab-Token': '' })).status, 401);
  }
  assert.match(String(reported[0]), /missing cannot be read/);
  assert.match(String(reported[1]), /empty is empty/);
});

test('hooks refuse a body over 1 MiB, announced or not', async () => {
  const body = `"${'x'.repeat(2 ** 20)}"`;
  const headers = { 'X-Sheaf-Signature-256': hmac(body) };
  assert.equal((await post('plain', body, { ...headers, 'Content-Length': String(body.length) })).status, 413);
  const stream = new ReadableStream({
    start(controller) {
      for (let sent = 0; sent < 3; sent += 1) controller.enqueue(new Uint8Array(2 ** 19));
      controller.close();
    },
  });
  const request = new Request('http://localhost/hooks/plain', {
    method: 'POST',
    body: stream,
    headers,
    duplex: 'half',
  } as RequestInit);
  assert.equal((await app.request(request)).status, 413);
});

test('hooks take only POST', async () => {
  assert.equal((await app.request('/hooks/plain')).status, 404);
});

test('hooks ignore the tags that mark upstream versions', async () => {
  const body = JSON.stringify({ ...generic, tag: 'upstream/2.10' });
  const answer = await post('plain', body, { 'X-Sheaf-Signature-256': `sha256=${hmac(body)}` });
  assert.equal(answer.status, 202);
  assert.match(answer.body.ignored, /upstream/);
  assert.equal(received.length, 0);
});

test('of the addresses of a repository, the one that the policy allows counts', async () => {
  const sent = JSON.stringify(payload('gitlab-tag-push'));
  const headers = { 'X-Gitlab-Token': secret };
  for (const [allowed, expected] of [
    ['git@gitlab.example.org:packages/*', 'git@gitlab.example.org:packages/hello.git'],
    ['https://gitlab.example.org/packages/*', 'https://gitlab.example.org/packages/hello.git'],
    ['https://git.example.org/*', 'https://gitlab.example.org/packages/hello.git'],
  ] as const) {
    git.addresses = [allowed];
    assert.equal((await post('lab', sent, headers)).status, 202);
    assert.equal(received[0]!.repository, expected);
  }
});
