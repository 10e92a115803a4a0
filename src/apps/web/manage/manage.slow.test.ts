/** A real server and the real command line: somebody signs in, publishes, freezes, rolls back. */
import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { freePort } from '../../../../test/free-port.ts';
import { testDatabase, type TestDatabase } from '../../../../test/database.ts';

const run = promisify(execFile);
const program = join(import.meta.dirname, '../../../../sheaf');
let database: TestDatabase;
let directory: string;
let url: string;
let env: NodeJS.ProcessEnv;
let server: ChildProcess;

before(async () => {
  database = await testDatabase();
  directory = join(await mkdtemp(join(tmpdir(), 'sheaf-manage-')), 'grove');
  env = { ...process.env, SHEAF_DATABASE_URL: database.url, SHEAF_DIR: directory };
  const listen = `127.0.0.1:${await freePort()}`;
  url = `http://${listen}`;
  await run(program, ['init', directory, '--name', 'Grove', '--listen', listen, '--url', url], { env });
  const settings = join(directory, 'sheaf.toml');
  const text = await readFile(settings, 'utf8');
  await writeFile(settings, `${text}\n[person.ann]\nmanages = ["stable"]\n`);
  server = spawn(program, ['serve'], { env, stdio: 'ignore' });
  for (let tries = 0; !(await fetch(url).catch(() => undefined))?.ok; tries++) {
    assert.ok(tries < 300, 'the server answers');
    await sleep(100);
  }
});
after(async () => {
  server.kill();
  await once(server, 'exit');
  await database.close();
  await rm(join(directory, '..'), { recursive: true, force: true });
});

async function sheaf(...words: string[]) {
  return JSON.parse((await run(program, [...words, '--json'], { env })).stdout);
}

test('a person signs in with an address of the command line, and manages a suite until they are signed out', async () => {
  const { address, manages } = await sheaf('web', 'sign-in', 'ann');
  assert.deepEqual(manages, ['stable']);
  const signedIn = await fetch(address, { method: 'POST', headers: { origin: url }, redirect: 'manual' });
  assert.equal(signedIn.status, 303);
  const cookie = signedIn.headers.get('set-cookie')!.split(';')[0]!;
  const page = async (path: string) => (await fetch(`${url}${path}`, { headers: { cookie } })).text();
  const form = /name="form" value="([0-9a-f]{64})"/.exec(await page('/suite/stable'))![1]!;
  const post = (path: string, fields: Record<string, string> = {}) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { cookie, origin: url },
      body: new URLSearchParams({ form, ...fields }),
      redirect: 'manual',
    });
  assert.equal((await post('/suite/stable/publish')).status, 303);
  assert.equal((await sheaf('suite', 'show', 'stable')).snapshot.number, 2);
  assert.equal((await post('/suite/stable/freeze', { reason: 'a release' })).status, 303);
  assert.match(JSON.stringify((await sheaf('suite', 'show', 'stable')).freeze), /"by":"ann","reason":"a release"/);
  assert.equal((await post('/suite/stable/rollback', { snapshot: '1' })).status, 409);
  assert.equal((await sheaf('suite', 'thaw', 'stable')).kind, 'done');
  assert.equal((await post('/suite/stable/rollback', { snapshot: '1' })).status, 303);
  assert.match(await page('/audit'), /Suite stable thawed by \S+ on the command line/);

  // sheaf.toml is asked at every action.
  const settings = join(directory, 'sheaf.toml');
  const text = await readFile(settings, 'utf8');
  await writeFile(settings, text.replace('manages = ["stable"]', 'manages = []'));
  assert.equal((await post('/suite/stable/publish')).status, 403);
  await writeFile(settings, text);
  assert.equal((await post('/suite/stable/publish')).status, 303);
  assert.equal((await sheaf('web', 'sessions')).sessions.length, 1);
  assert.equal((await sheaf('web', 'sign-out', 'ann')).ended, 1);
  assert.equal((await post('/suite/stable/publish')).status, 403);

  const { token } = await sheaf('web', 'token', 'ann', '--days', '1');
  const asked = await fetch(`${url}/api/v1/suites/stable/publish`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
  });
  assert.equal(asked.status, 200);
});
