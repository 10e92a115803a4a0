import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import type { OpenAPIHono } from '@hono/zod-openapi';

import { judgeOf, schemaOf, type ApiDocument, type Ask } from '../../../test/api-judge.ts';
import { testDatabase, type TestDatabase } from '../../../test/database.ts';
import { longLog, seed } from '../../../test/seed.ts';
import { testWebDeps } from '../../../test/web-deps.ts';
import { jsonApi } from './api.ts';

let database: TestDatabase;
let ids: Awaited<ReturnType<typeof seed>>;
let web: Awaited<ReturnType<typeof testWebDeps>>;
let api: OpenAPIHono;
let document: ApiDocument;
let ask: Ask;

before(async () => {
  database = await testDatabase();
  ids = await seed(database.db);
  web = await testWebDeps(database);
  api = jsonApi(web.deps);
  ({ document, ask } = await judgeOf(api));
});
after(async () => {
  await web.close();
  await database.close();
});

test('the document is OpenAPI 3.1, and what changes something asks for a token', () => {
  assert.match(document.openapi, /^3\.1\./);
  const operations = Object.values(document.paths).flatMap((path) => Object.entries(path));
  assert.ok(operations.length >= 15);
  // A statement speaks for itself by its signature.
  const statements = document.paths['/api/v1/rebuilds/statements']!['post'];
  for (const [method, operation] of operations.filter(([, each]) => each !== statements)) {
    assert.ok(method === 'get' || method === 'post', method);
    assert.equal('security' in operation, method === 'post');
  }
});

test('what is posted is refused as the document says when it is too large, no JSON, or called something else', async () => {
  const posts = Object.entries(document.paths).filter(([, path]) => 'post' in path);
  assert.ok(posts.length >= 9);
  for (const [path, { post }] of posts) {
    const concrete = path.replace('{name}', 'stable').replace('{id}', '1');
    for (const [type, body] of [
      ['application/json', '{"reason":'],
      ['text/plain', '{}'],
      ['application/json', JSON.stringify({ reason: 'x'.repeat(5 * 2 ** 20) })],
    ] as const) {
      const answer = await api.request(concrete, { method: 'POST', headers: { 'Content-Type': type }, body });
      const known = Object.keys((post as { responses: object }).responses);
      assert.ok(known.includes(String(answer.status)), `${path} answers ${answer.status} to ${body.slice(0, 12)}`);
      assert.match(((await answer.json()) as { error: { message: string } }).error.message, /^(Cannot|There)/);
    }
  }
});

test('every list and thing answers as the document says', async () => {
  const job = ids.hello.job;
  const [attempt] = (await ask(`/jobs/${job}`, '/jobs/{id}')).attempts;
  await ask(`/jobs/${ids.running}`, '/jobs/{id}');
  await ask(`/jobs/${ids.waiting}`, '/jobs/{id}');
  assert.equal((await ask('/status', '/status')).stuck.length, 2);
  assert.equal((await ask('/tag-builds?state=REJECTED', '/tag-builds')).items.length, 2);
  for (const id of [ids.hello.tag, ids.rejected, ids.unsigned, ids.received, ids.sed])
    await ask(`/tag-builds/${id}`, '/tag-builds/{id}');
  assert.equal((await ask(`/tag-builds/${ids.rejected}`, '/tag-builds/{id}')).refusals.length, 3);
  assert.equal((await ask('/packages?contains=el', '/packages')).items.length, 2);
  assert.equal((await ask('/packages/hello', '/packages/{name}')).tagBuilds.items.length, 2);
  assert.equal((await ask('/jobs?state=Building&limit=1', '/jobs')).items[0].id, ids.running);
  const ofHello = (await ask(`/jobs?tagBuild=${ids.hello.tag}`, '/jobs')).items;
  assert.ok(ofHello.length > 0 && ofHello.every((each: { tagBuild: number }) => each.tagBuild === ids.hello.tag));
  assert.deepEqual((await ask('/jobs?tagBuild=99999', '/jobs')).items, []);
  assert.equal((await ask('/suites', '/suites')).items.length, 3);
  assert.equal((await ask('/suites/stable', '/suites/{name}')).packages.items.length, 2);
  assert.deepEqual(
    (await ask('/suites/stable/snapshots', '/suites/{name}/snapshots')).items.map(
      (each: { number: number }) => each.number,
    ),
    [2, 1],
  );
  assert.equal((await ask('/workers', '/workers')).items.length, 5);
  assert.equal((await ask('/events?source=hello', '/events')).items.length, 1);
  assert.equal((await ask('/events?actor=*', '/events')).items.length, 0);
  const statements = (await ask(`/statements/${attempt.files[0].sha256}`, '/statements/{sha256}')).items;
  assert.equal(statements[0].sha256, attempt.provenance);
  assert.equal((await ask(`/statements/${attempt.provenance}`, '/statements/{sha256}')).items.length, 4);
  assert.deepEqual(web.reported, []);
});

test('the judge of these tests refuses what the document does not name', async () => {
  const job = await ask(`/jobs/${ids.running}`, '/jobs/{id}');
  const schema = schemaOf(document, document.components.schemas['JobDetail']!);
  assert.ok(schema.safeParse(job).success);
  assert.ok(!schema.safeParse({ ...job, extra: 1 }).success);
  assert.ok(!schema.safeParse({ ...job, attempts: [{ ...job.attempts[0], extra: 1 }] }).success);
  assert.ok(!schema.safeParse({ ...job, createdAt: 'yesterday' }).success);
});

test('every path of the document is asked by these tests', async () => {
  const text = new Set(
    [
      ...['/jobs/{id}/log', '/jobs/{id}/evidence/{sha256}', '/index', '/stanza'],
      ...['/rebuilds/statements/{sha256}', '/rebuilds/statements'],
    ].map((path) => `/api/v1${path}`),
  );
  const others = ['history', 'locks', 'management', 'rebuilds'].map((name) =>
    join(import.meta.dirname, `api/${name}.test.ts`),
  );
  const files = [import.meta.filename, ...others];
  const source = (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('');
  for (const path of Object.keys(document.paths)) {
    if (!text.has(path)) assert.ok(source.includes(`'${path.replace('/api/v1', '')}'`), path);
  }
});

test('every path refuses a parameter that it does not know, and says which there are', async () => {
  for (const [template, methods] of Object.entries(document.paths)) {
    if (!('get' in (methods as object))) continue;
    const asked = template.replace('/api/v1', '').replaceAll(/\{\w+\}/g, '1');
    const { error } = await ask(`${asked}?bogus=1`, template.replace('/api/v1', ''), 400);
    assert.equal(error.message, 'Cannot read bogus: there is no such parameter', template);
  }
  const { error } = await ask('/jobs?sate=Built', '/jobs', 400);
  assert.match(error.hint, /^There are .*\bstate\b.*\.$/);
  assert.equal((await ask('/status?x', '/status', 400)).error.hint, 'It takes none.');
});

test('lists are read to their end by after and next', async () => {
  const seen: number[] = [];
  for (let after = ''; ;) {
    const page = await ask(`/jobs?limit=4${after === '' ? '' : `&after=${after}`}`, '/jobs');
    seen.push(...page.items.map((job: { id: number }) => job.id));
    if (page.next === undefined) break;
    after = page.next;
  }
  assert.equal(seen.length, (await ask('/jobs?limit=200', '/jobs')).items.length);
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => b - a),
  );
});

test('what is not there and what cannot be read are errors with a code', async () => {
  for (const [path, template] of [
    ['/jobs/99999', '/jobs/{id}'],
    ['/tag-builds/99999', '/tag-builds/{id}'],
    ['/packages/nothing', '/packages/{name}'],
    ['/suites/nothing', '/suites/{name}'],
    ['/suites/nothing/snapshots', '/suites/{name}/snapshots'],
  ] as const) {
    assert.equal((await ask(path, template, 404)).error.code, 'not-found');
  }
  for (const [path, template] of [
    ['/jobs/x', '/jobs/{id}'],
    ['/jobs?limit=5000', '/jobs'],
    ['/jobs?state=Nonsense', '/jobs'],
    ['/statements/abc', '/statements/{sha256}'],
    ['/events?tagBuild=-1', '/events'],
    ['/events?after=x', '/events'],
    [`/jobs/${ids.failed}/log?attempt=2147483648`, '/jobs/{id}/log'],
  ] as const) {
    assert.equal((await ask(path, template, 400)).error.code, 'bad-request');
  }
  const unknown = await api.request('/api/v2/jobs');
  assert.equal(unknown.status, 404);
  assert.equal(((await unknown.json()) as { error: { code: string } }).error.code, 'not-found');
  assert.equal((await api.request('/api/v1/jobs', { method: 'POST' })).status, 404);
});

test('a log is read as text from a position on', async () => {
  const whole = `${longLog(4000)}checking whether the kernel hangs... `;
  const response = await api.request(`/api/v1/jobs/${ids.running}/log?attempt=1&from=1000`);
  assert.match(response.headers.get('Content-Type') ?? '', /^text\/plain/);
  assert.equal(response.headers.get('X-Log-Finished'), 'false');
  assert.equal(response.headers.get('X-Log-Size'), String(Buffer.byteLength(whole)));
  assert.equal(await response.text(), Buffer.from(whole).subarray(1000).toString());
  assert.equal(await (await api.request(`/api/v1/jobs/${ids.failed}/log?attempt=1`)).text(), longLog(3));
  assert.equal((await api.request(`/api/v1/jobs/${ids.waiting}/log`)).status, 404);
});

test('evidence is given out by the hash that the job has it under', async () => {
  const { lock } = await ask(`/jobs/${ids.hello.job}`, '/jobs/{id}');
  assert.equal((await api.request(`/api/v1/jobs/${ids.hello.job}/evidence/${lock}`)).status, 404, 'not stored');
  const stored = await web.blobs.putBytes('lock binary amd64');
  // The seed names its locks by the hash of their description.
  assert.equal(stored.sha256, lock);
  const response = await api.request(`/api/v1/jobs/${ids.hello.job}/evidence/${lock}`);
  assert.equal(await response.text(), 'lock binary amd64');
  assert.equal(response.headers.get('X-Content-Type-Options'), 'nosniff');
  assert.equal((await api.request(`/api/v1/jobs/${ids.waiting}/evidence/${lock}`)).status, 404);
});

test('a fault of ours is reported, and not told', async () => {
  const reported: unknown[] = [];
  const broken = jsonApi({
    ...web.deps,
    countLocked: () => Promise.reject(new Error('secret')),
    report: (error) => reported.push(error),
  });
  const response = await broken.request('/api/v1/packages/hello');
  assert.equal(response.status, 500);
  assert.doesNotMatch(await response.text(), /secret/);
  assert.equal(reported.length, 1);
});
