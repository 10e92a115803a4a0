import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { testDatabase, type TestDatabase } from '../../../test/database.ts';
import { longLog, seed, seedLog, seedNow } from '../../../test/seed.ts';
import { testWebDeps } from '../../../test/web-deps.ts';
import { notify } from '../../db/notify.ts';
import { webPages, type WebPages } from './mod.ts';

let database: TestDatabase;
let ids: Awaited<ReturnType<typeof seed>>;
let web: Awaited<ReturnType<typeof testWebDeps>>;
let pages: WebPages;

before(async () => {
  database = await testDatabase();
  ids = await seed(database.db);
  web = await testWebDeps(database);
  pages = webPages(web.deps);
});
after(async () => {
  await pages.close();
  await web.close();
  await database.close();
});

type Message = { event: string; data: string; id: string | undefined };

/** What a browser would get: messages until `enough`, then the visitor leaves. */
async function* messages(path: string, headers: Record<string, string> = {}): AsyncGenerator<Message> {
  const response = await pages.app.request(path, { headers });
  assert.equal(response.status, 200);
  assert.match(response.headers.get('Content-Type') ?? '', /^text\/event-stream/);
  let buffer = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body!) {
    buffer += decoder.decode(chunk, { stream: true });
    for (let end = buffer.indexOf('\n\n'); end !== -1; end = buffer.indexOf('\n\n')) {
      const fields = buffer.slice(0, end).split('\n');
      buffer = buffer.slice(end + 2);
      const all = (name: string) =>
        fields.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
      if (fields.every((line) => line.startsWith(':'))) continue;
      yield { event: all('event')[0] ?? 'message', data: all('data').join('\n'), id: all('id')[0] };
    }
  }
}

async function take(source: AsyncGenerator<Message>, count: number): Promise<Message[]> {
  const taken: Message[] = [];
  while (taken.length < count) {
    const { value, done } = await source.next();
    if (done === true) break;
    taken.push(value);
  }
  return taken;
}

test('events send a page when something changes, and only then', { timeout: 20_000 }, async () => {
  const source = messages(`/events?page=${encodeURIComponent('/workers')}`);
  const [first] = await take(source, 1);
  assert.match(first!.data, /anvil/);
  assert.doesNotMatch(first!.data, /<html|<main/, 'only the part that is replaced');
  await notify(database.db, 'event', 1);
  await database.db
    .updateTable('worker')
    .set({ state: 'approved', last_seen_at: seedNow })
    .where('name', '=', 'ember')
    .execute();
  await notify(database.db, 'event', 1);
  const [second] = await take(source, 1);
  assert.match(second!.data, /ember[\s\S]*Waits for a job/);
  await source.return(undefined);
});

test('events refuse what is no page', async () => {
  for (const page of [
    '/nothing',
    '//example.org/',
    'http://example.org/',
    '',
    '/static/sheaf.css',
    '/events',
    `/package/${'a'.repeat(600)}`,
  ]) {
    assert.equal((await pages.app.request(`/events?page=${encodeURIComponent(page)}`)).status, 404, page);
  }
});

test('log events go on from a position, line by line, until the attempt ends', { timeout: 20_000 }, async () => {
  const log = Buffer.from(`${longLog(4000)}checking whether the kernel hangs... `);
  const position = log.lastIndexOf('\n') + 1;
  const source = messages(`/job/${ids.running}/log/events?attempt=1&from=${position}`);
  const [partial] = await take(source, 1);
  assert.deepEqual(partial, { event: 'partial', data: 'checking whether the kernel hangs... ', id: undefined });

  const more = Buffer.from('no\n\u001b[32mnext\u001b[0m <b>\nhalf a line');
  await grow(log.length, more);
  const [lines, rest] = await take(source, 2);
  assert.equal(lines!.event, 'lines');
  assert.equal(
    lines!.data,
    'checking whether the kernel hangs... no\n<span class="ansi-green">next</span> &lt;b&gt;\n',
  );
  assert.equal(lines!.id, String(log.length + more.length - 'half a line'.length));
  assert.deepEqual([rest!.event, rest!.data], ['partial', 'half a line']);

  // A second visitor whose connection broke there gets the same from there.
  const again = messages(`/job/${ids.running}/log/events?attempt=1&from=${position}`, { 'Last-Event-ID': lines!.id! });
  assert.equal((await take(again, 1))[0]!.data, 'half a line');
  await again.return(undefined);

  await database.db
    .updateTable('attempt')
    .set({ finished_at: seedNow, outcome: 'built' })
    .where('job', '=', ids.running)
    .execute();
  await notify(database.db, 'event', 1);
  const end = await take(source, 3);
  assert.deepEqual(
    end.map((each) => [each.event, each.data]),
    [
      ['lines', 'half a line\n'],
      ['partial', ''],
      ['end', String(log.length + more.length)],
    ],
  );
});

test('log events begin at the tail for a visitor without position or too far behind', { timeout: 20_000 }, async () => {
  const [fresh] = await take(messages(`/job/${ids.failed}/log/events?attempt=2`), 1);
  assert.equal(fresh!.event, 'reset');
  assert.match(fresh!.data, /^000000 /);
  const job = ids.hello.job;
  const long = Buffer.from(longLog(20_000));
  await database.db.deleteFrom('log_chunk').where('job', '=', job).execute();
  await seedLog(database.db, job, 1, long);
  await database.db.updateTable('attempt').set({ log_bytes: long.length }).where('job', '=', job).execute();
  const [reset, , end] = await take(messages(`/job/${job}/log/events?attempt=1&from=0`), 3);
  assert.equal(reset!.event, 'reset');
  assert.ok(reset!.data.length < 300_000);
  assert.ok(/019998 .*\nReceiving objects: 100%\n$/.test(reset!.data));
  assert.equal(end!.event, 'end');
  const [beyond] = await take(messages(`/job/${job}/log/events?attempt=1&from=999999999`), 1);
  assert.equal(beyond!.event, 'reset');
});

test('close ends every stream at once, and lets no new one begin', { timeout: 20_000 }, async () => {
  const site = webPages(web.deps);
  const paths = ['/events?page=%2F', `/job/${ids.waiting}/log/events?attempt=1`];
  const open = await Promise.all(paths.map(async (path) => site.app.request(path)));
  const bodies = open.map((response) => response.text());
  await setTimeout(300);
  await site.close();
  await Promise.all(bodies);
  for (const path of paths) assert.equal((await site.app.request(path)).status, 503);
});

async function grow(from: number, bytes: Buffer): Promise<void> {
  await seedLog(database.db, ids.running, 1, bytes, from);
  await database.db
    .updateTable('attempt')
    .set({ log_bytes: from + bytes.length })
    .where('job', '=', ids.running)
    .execute();
  await notify(database.db, 'log', ids.running);
}
