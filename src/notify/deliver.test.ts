import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';

import { recordEvent } from '../db/events.ts';
import type { Notifier, NotifierTopic } from '../model/distribution.ts';
import { parseLabel } from '../model/names.ts';
import { sendHttp } from '../plumbing/http-client.ts';
import { readSecretFile } from '../plumbing/secret-file.ts';
import { testDatabase, type TestDatabase } from '../../test/database.ts';
import { unjudged } from '../../test/tag-build-row.ts';
import { until } from '../../test/until.ts';
import { deliverDue, giveUpGone, listUnheard } from './mod.ts';

type Seen = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};

const directory = mkdtempSync(join(tmpdir(), 'sheaf-notify-'));
const secretFile = join(directory, 'secret');
const tokenFile = join(directory, 'token');
const seen: Seen[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let database: TestDatabase;
let url: string;

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => (body += chunk));
  request.on('end', () => {
    seen.push({ method: request.method!, path: request.url!, headers: request.headers, body });
    answer(request, response);
  });
});

before(async () => {
  writeFileSync(secretFile, 'correct horse battery staple\n', { mode: 0o600 });
  writeFileSync(tokenFile, 'syt_token\n', { mode: 0o600 });
  database = await testDatabase();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

after(async () => {
  server.closeAllConnections();
  server.close();
  await database.close();
  rmSync(directory, { recursive: true });
});

beforeEach(async () => {
  seen.length = 0;
  answer = (_, response) => response.end('{}');
  await database.db.deleteFrom('delivery').execute();
});

const start = new Date('2026-11-21T10:00:00Z');
const later = (milliseconds: number) => new Date(start.getTime() + milliseconds);

function distributionWith(...notifiers: { name: string; target: Notifier['target']; on?: NotifierTopic[] }[]) {
  const map = new Map(
    notifiers.map(({ name, target, on = ['refusal', 'failure', 'publication'] }) => [
      parseLabel(name),
      { name: parseLabel(name), on, target },
    ]),
  );
  return { name: 'Grove', url: 'https://packages.grove.example', notifiers: map };
}

const hook = (path = '/hook') => ({ kind: 'webhook', url: `${url}${path}`, secretFile }) as const;
const room = () => ({ kind: 'matrix', url, room: '!abc:grove.example', tokenFile }) as const;

/** All notifiers at once, as the server's timers do it. */
async function deliver(distribution: ReturnType<typeof distributionWith>, now: Date, send = sendHttp) {
  const deps = { db: database.db, distribution, send, readSecret: readSecretFile };
  const reports = await Promise.all([...distribution.notifiers.values()].map((each) => deliverDue(deps, each, now)));
  const sum = (name: 'delivered' | 'failed' | 'givenUp') => reports.reduce((total, each) => total + each[name], 0);
  const next = reports.flatMap((each) => each.next ?? []).toSorted((a, b) => a.getTime() - b.getTime())[0];
  return { delivered: sum('delivered'), failed: sum('failed'), givenUp: sum('givenUp'), next };
}

const rows = () =>
  database.db
    .selectFrom('delivery')
    .select(['notifier', 'state', 'attempts', 'not_before', 'last_error'])
    .orderBy('id')
    .execute();

test('deliverDue sends a signed webhook, once', async () => {
  const distribution = distributionWith({ name: 'board', target: hook('/hook?room=7') });
  const id = await recordEvent(database.db, distribution, start, {
    kind: 'suite-published',
    message: 'stable@4 is published',
    suite: 'stable',
  });
  assert.deepEqual(await deliver(distribution, start), { delivered: 1, failed: 0, givenUp: 0, next: undefined });
  assert.deepEqual(await deliver(distribution, later(86_400_000)), {
    delivered: 0,
    failed: 0,
    givenUp: 0,
    next: undefined,
  });
  assert.equal(seen.length, 1);
  const [request] = seen;
  assert.equal(request!.method, 'POST');
  assert.equal(request!.path, '/hook?room=7');
  assert.equal(request!.headers['content-type'], 'application/json');
  assert.equal(request!.headers['x-sheaf-event'], 'suite-published');
  const mac = createHmac('sha256', 'correct horse battery staple').update(request!.body).digest('hex');
  assert.equal(request!.headers['x-sheaf-signature-256'], `sha256=${mac}`);
  assert.deepEqual(JSON.parse(request!.body), {
    distribution: 'Grove',
    topic: 'publication',
    page: 'https://packages.grove.example/suite/stable',
    event: {
      id,
      at: '2026-11-21T10:00:00.000Z',
      kind: 'suite-published',
      message: 'stable@4 is published',
      tagBuild: null,
      job: null,
      suite: 'stable',
      source: null,
      actor: null,
      upload: null,
    },
    tag: null,
  });
});

test('deliverDue leaves out the topics that a notifier does not want', async () => {
  const distribution = distributionWith({ name: 'board', target: hook(), on: ['refusal'] });
  await recordEvent(database.db, distribution, start, { kind: 'suite-published', message: 'stable@5 is published' });
  await recordEvent(database.db, distribution, start, { kind: 'job-created', message: 'job 1 waits' });
  assert.deepEqual(await rows(), []);
});

test('deliverDue tells a Matrix room all reasons of a refusal, escaped, under a transaction id that repeats', async () => {
  const distribution = distributionWith({ name: 'chat', target: room() });
  const { id: tagBuild } = await database.db
    .insertInto('tag_build')
    .values({
      repository: 'https://git.grove.example/hello',
      tag: 'debian/1-1',
      suite: 'stable',
      origin: 'cli',
      received_at: start,
      ...unjudged,
      judged_at: start,
      state: 'REJECTED',
      refusals: JSON.stringify([
        { code: 'unsigned-tag', message: 'The tag <b>"debian/1-1"</b> is not signed.', hint: 'Sign it: git tag -s.' },
        { code: 'suite-frozen', message: 'Suite "stable" is frozen.', hint: 'Ask @room.' },
      ]),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await recordEvent(database.db, distribution, start, {
    kind: 'tag-refused',
    message: 'debian/1-1 is refused',
    tagBuild,
  });

  answer = (_, response) => {
    response.statusCode = 502;
    response.end('bad\u0000 gateway\n');
  };
  assert.equal((await deliver(distribution, start)).failed, 1);
  assert.equal((await rows())[0]!.last_error, 'answered 502: bad gateway');
  answer = (_, response) => response.end('{"event_id":"$x"}');
  assert.equal((await deliver(distribution, later(10_000))).delivered, 1);

  assert.equal(seen.length, 2);
  assert.equal(seen[0]!.path, seen[1]!.path);
  assert.match(
    seen[0]!.path,
    /^\/_matrix\/client\/v3\/rooms\/!abc%3Agrove\.example\/send\/m\.room\.message\/sheaf-Grove-\d+$/,
  );
  assert.equal(seen[0]!.method, 'PUT');
  assert.equal(seen[0]!.headers.authorization, 'Bearer syt_token');
  const content = JSON.parse(seen[0]!.body) as Record<string, string>;
  assert.equal(content['msgtype'], 'm.notice');
  assert.deepEqual(content['m.mentions'], {});
  assert.equal(
    content['body'],
    [
      'debian/1-1 is refused',
      'unsigned-tag: The tag <b>"debian/1-1"</b> is not signed. Sign it: git tag -s.',
      'suite-frozen: Suite "stable" is frozen. Ask @room.',
      `https://packages.grove.example/tag-build/${tagBuild}`,
    ].join('\n'),
  );
  assert.match(
    content['formatted_body']!,
    /<br>unsigned-tag: The tag &lt;b&gt;&quot;debian\/1-1&quot;&lt;\/b&gt; is not signed\./,
  );
});

test('deliverDue waits longer after each failure and gives up in the end, the last error kept', async () => {
  const distribution = distributionWith({ name: 'board', target: hook() });
  await recordEvent(database.db, distribution, start, { kind: 'job-failed', message: 'job 7 failed', source: 'hello' });
  answer = (_, response) => {
    response.statusCode = 403;
    response.end('who are you?');
  };
  let now = start;
  const waits: number[] = [];
  for (let tries = 0; tries < 20; tries += 1) {
    const report = await deliver(distribution, now);
    if (report.next === undefined) break;
    // A moment earlier nothing happens.
    assert.equal((await deliver(distribution, new Date(report.next.getTime() - 1))).failed, 0);
    waits.push((report.next.getTime() - now.getTime()) / 1000);
    now = report.next;
  }
  assert.deepEqual(waits, [10, 60, 300, 1800, 7200, 21_600, 43_200]);
  assert.equal(seen.length, 8);
  const [row] = await rows();
  assert.deepEqual([row!.state, row!.attempts, row!.last_error], ['given-up', 8, 'answered 403: who are you?']);
});

test('deliverDue obeys a wish to wait, up to an hour', async () => {
  const distribution = distributionWith(
    { name: 'a', target: hook('/a') },
    { name: 'b', target: hook('/b') },
    { name: 'c', target: room() },
  );
  await recordEvent(database.db, distribution, start, { kind: 'job-failed', message: 'job 7 failed' });
  answer = (request, response) => {
    response.statusCode = 429;
    if (request.url === '/a') response.setHeader('retry-after', '120');
    if (request.url === '/b') response.setHeader('retry-after', 'Mon, 21 Nov 2033 10:00:00 GMT');
    response.end(request.method === 'PUT' ? '{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":45000}' : '');
  };
  await deliver(distribution, start);
  const waits = (await rows()).map(({ not_before }) => (not_before.getTime() - start.getTime()) / 1000);
  assert.deepEqual(waits, [120, 3600, 45]);
});

test('deliverDue keeps the order of one notifier and does not let a dead one hold up another', async () => {
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const nobody = `http://127.0.0.1:${(free.address() as AddressInfo).port}`;
  free.close();
  const distribution = distributionWith(
    { name: 'dead', target: { kind: 'webhook', url: nobody, secretFile: undefined } },
    { name: 'well', target: hook() },
  );
  for (const message of ['one', 'two', 'three']) {
    await recordEvent(database.db, distribution, start, { kind: 'job-failed', message });
  }
  const report = await deliver(distribution, start);
  assert.deepEqual([report.delivered, report.failed, report.next], [3, 1, later(10_000)]);
  const messages = seen.map(({ body }) => (JSON.parse(body) as { event: { message: string } }).event.message);
  assert.deepEqual(messages, ['one', 'two', 'three']);
  const dead = (await rows()).filter(({ notifier }) => notifier === 'dead');
  assert.deepEqual(
    dead.map(({ attempts, state }) => [attempts, state]),
    [
      [1, 'waiting'],
      [0, 'waiting'],
      [0, 'waiting'],
    ],
  );
  assert.match(dead[0]!.last_error!, /Cannot send to http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
});

test('deliverDue run twice at once sends everything once', async () => {
  const distribution = distributionWith({ name: 'board', target: hook() });
  for (let index = 0; index < 20; index += 1) {
    await recordEvent(database.db, distribution, start, { kind: 'job-failed', message: `job ${index} failed` });
  }
  const reports = await Promise.all([deliver(distribution, start), deliver(distribution, start)]);
  assert.equal(reports[0].delivered + reports[1].delivered, 20);
  assert.equal(new Set(seen.map(({ headers }) => headers['x-sheaf-delivery'])).size, 20);
  assert.equal(seen.length, 20);
});

test('deliverDue sends again what a process took and never finished', async () => {
  const distribution = distributionWith({ name: 'board', target: hook() });
  await recordEvent(database.db, distribution, start, { kind: 'job-failed', message: 'job 7 failed' });
  // The process ends in the middle of the request: what it took stays taken.
  void deliver(distribution, start, () => new Promise(() => {}));
  await until(async () => (await rows())[0]!.attempts > 0);
  assert.equal((await deliver(distribution, later(60_000))).delivered, 0);
  assert.equal((await deliver(distribution, later(600_000))).delivered, 1);
  assert.equal(seen.length, 1);
});

test('giveUpGone gives up what belongs to a notifier that is gone', async () => {
  const distribution = distributionWith({ name: 'board', target: hook() }, { name: 'chat', target: room() });
  await recordEvent(database.db, distribution, start, { kind: 'job-failed', message: 'job 7 failed' });
  await giveUpGone(database.db, ['chat']);
  assert.deepEqual(
    (await rows()).map(({ notifier, state, last_error }) => [notifier, state, last_error]),
    [
      ['board', 'given-up', 'sheaf.toml has no such notifier any more'],
      ['chat', 'waiting', null],
    ],
  );
  await giveUpGone(database.db, []);
  assert.deepEqual([...new Set((await rows()).map(({ state }) => state))], ['given-up']);
});

test('deliverDue tells one notifier of what happens while another hangs', async () => {
  const distribution = distributionWith({ name: 'hangs', target: hook('/hangs') }, { name: 'well', target: hook() });
  const deps = { db: database.db, distribution, send: sendHttp, readSecret: readSecretFile };
  const [hangs, well] = [...distribution.notifiers.values()];
  const held: ServerResponse[] = [];
  answer = ({ url: path }, response) => void (path === '/hangs' ? held.push(response) : response.end('{}'));
  await recordEvent(database.db, distribution, start, { kind: 'job-failed', message: 'job 7 failed' });
  const round = deliverDue(deps, hangs!, start);
  await until(() => held.length > 0);
  await recordEvent(database.db, distribution, start, { kind: 'job-failed', message: 'job 8 failed' });
  assert.equal((await deliverDue(deps, well!, start)).delivered, 2);
  held[0]!.end('{}');
  assert.equal((await round).delivered, 1);
});

test('deliverDue reports a secret that is gone without showing anything of it', async () => {
  const distribution = distributionWith({
    name: 'board',
    target: { kind: 'webhook', url, secretFile: join(directory, 'none') },
  });
  await recordEvent(database.db, distribution, start, { kind: 'job-failed', message: 'job 7 failed' });
  assert.equal((await deliver(distribution, start)).failed, 1);
  assert.match((await rows())[0]!.last_error!, /none: Cannot read a secret: its file is missing or not readable$/);
  assert.equal(seen.length, 0);
});

test('sendHttp reads only the beginning of an endless answer and follows no redirection', async () => {
  answer = (_, response) => {
    response.writeHead(200);
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    };
    response.on('drain', more);
    more();
  };
  const request = { method: 'POST', url: `${url}/`, headers: {}, body: '' } as const;
  assert.equal((await sendHttp(request, { time: 5000, answer: 1000 })).body.length, 1000);

  answer = (_, response) => response.writeHead(302, { location: `${url}/elsewhere` }).end();
  assert.equal((await sendHttp(request, { time: 5000, answer: 1000 })).status, 302);
  assert.equal(seen.at(-1)!.path, '/');
});

test('sendHttp gives up on an answer that does not end in time', async () => {
  answer = (_, response) => response.writeHead(200).write('slow');
  const request = { method: 'POST', url: `${url}/`, headers: {}, body: '' } as const;
  await assert.rejects(sendHttp(request, { time: 300, answer: 1000 }), {
    code: 'no-answer',
    message: /no answer within 0.3 s/,
  });
});

test('listUnheard names notifiers whose last attempt failed, until one arrives', async () => {
  const distribution = distributionWith(
    { name: 'board', target: hook('/board') },
    { name: 'chat', target: room() },
    { name: 'quiet', target: hook('/quiet'), on: ['publication'] },
  );
  const unheard = () => listUnheard(database.db, [...distribution.notifiers.keys()]);
  const fail = { kind: 'job-failed', message: 'job 7 failed' } as const;
  answer = ({ url: path }, response) => {
    response.statusCode = path === '/board' ? 500 : 200;
    response.end('oops');
  };
  await recordEvent(database.db, distribution, start, fail);
  assert.deepEqual(await unheard(), []);
  await deliver(distribution, start);
  await recordEvent(database.db, distribution, start, fail);
  const board = { notifier: 'board', error: 'answered 500: oops' };
  assert.deepEqual(await unheard(), [{ ...board, waiting: 2, givenUp: 0, next: start }]);
  for (let now = start; (await unheard())[0]!.next !== null;) {
    now = (await deliver(distribution, now)).next ?? now;
  }
  assert.deepEqual(await unheard(), [{ ...board, waiting: 0, givenUp: 2, next: null }]);
  answer = (_, response) => response.end('{}');
  await recordEvent(database.db, distribution, start, fail);
  await deliver(distribution, start);
  assert.deepEqual(await unheard(), []);
  assert.deepEqual(await listUnheard(database.db, []), []);
});
