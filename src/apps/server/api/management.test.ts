import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { judgeOf, type Ask } from '../../../../test/api-judge.ts';
import { managedSuites } from '../../../../test/managed-suites.ts';
import { toyChanges, toyDeb, toySource } from '../../../../test/toy-archive.ts';
import { createAccess } from '../../../access/mod.ts';
import type { ArchiveDeps } from '../../../archive/mod.ts';
import { holdUpload } from '../../../upload/mod.ts';
import { jsonApi } from '../api.ts';

const start = new Date('2026-11-21T10:00:00Z');
let world: Awaited<ReturnType<typeof managedSuites>>;
let toy: typeof world.toy;
let archive: ArchiveDeps;
let web: typeof world.web;
let api: ReturnType<typeof jsonApi>;
let ask: Ask;
let ann: string;
let bo: string;

async function tokenOf(name: string): Promise<string> {
  const request = { kind: 'token', person: name, by: 'a test', lifetime: 86_400_000 } as const;
  return (await createAccess(archive, request, start)).secret;
}

before(async () => {
  world = await managedSuites({ ann: ['*'], bo: ['next'] }, start);
  ({ toy, archive, web } = world);
  api = jsonApi(web.deps);
  ({ ask } = await judgeOf(api));
  [ann, bo] = [await tokenOf('ann'), await tokenOf('bo')];
});
after(async () => {
  await world.close();
});

test('a suite is changed with a token of somebody who manages it, and with no other', async () => {
  const publish = (token?: string, status?: number) =>
    ask('/suites/stable/publish', '/suites/{name}/publish', status, token === undefined ? {} : { token });
  assert.equal((await publish(undefined, 401)).error.code, 'unauthorized');
  assert.equal((await publish('x'.repeat(43), 401)).error.code, 'unauthorized');
  assert.equal((await publish(bo, 403)).error.code, 'forbidden');
  assert.equal((await publish(ann)).snapshot.number, 3);
  assert.equal(
    (await ask('/suites/no/publish', '/suites/{name}/publish', 404, { token: ann })).error.code,
    'not-found',
  );
  const { people } = web.now;
  web.now.people = new Map();
  await publish(ann, 401);
  web.now.people = people;
  web.now.current = new Date(start.getTime() + 86_400_000);
  await publish(ann, 401);
  web.now.current = start;
});

test('a suite is frozen, thawed, rolled back and copied from', async () => {
  const post = (body: unknown, token = ann) => ({ body, token });
  const frozen = await ask('/suites/stable/freeze', '/suites/{name}/freeze', 200, post({ reason: 'a release' }));
  assert.deepEqual(frozen.freeze, { since: start.toISOString(), by: 'ann', reason: 'a release' });
  const back = { snapshot: '1', reason: 'it broke' };
  const refused = await ask('/suites/stable/rollback', '/suites/{name}/rollback', 409, post(back));
  assert.match(refused.error.message, /is frozen by ann/);
  assert.equal((await ask('/suites/stable/thaw', '/suites/{name}/thaw', 200, post({}))).frozen, false);
  // A client that calls every request JSON.
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${ann}` };
  const empty = await api.request('/api/v1/suites/stable/thaw', { method: 'POST', headers });
  assert.equal(empty.status, 200, await empty.text());
  const dry = await ask('/suites/stable/rollback', '/suites/{name}/rollback', 200, post({ ...back, dryRun: true }));
  assert.deepEqual(dry.leaving.toSorted(), ['toy-a 2.0 amd64', 'toy-a 2.0 source']);
  assert.equal(dry.number, undefined);
  assert.equal((await ask('/suites/stable/rollback', '/suites/{name}/rollback', 200, post(back))).number, 4);
  await ask('/suites/stable/rollback', '/suites/{name}/rollback', 404, post({ snapshot: '99' }));
  await ask('/suites/stable/rollback', '/suites/{name}/rollback', 404, post({ snapshot: 99 }));
  await ask('/suites/stable/rollback', '/suites/{name}/rollback', 400, post({ snapshot: 0.5 }));
  const copy = { from: 'stable', packages: ['toy-a'] };
  assert.equal((await ask('/suites/next/copy', '/suites/{name}/copy', 200, post(copy, bo))).number, 1);
  await ask('/suites/next/copy', '/suites/{name}/copy', 404, post({ from: 'stable', packages: ['nothing'] }, bo));
  await ask('/suites/next/copy', '/suites/{name}/copy', 400, post({ from: 'stable', packages: [] }, bo));
  const events = (await ask('/events?actor=ann', '/events')).items as { message: string; actor: string }[];
  assert.ok(events.every((event) => event.actor === 'ann'));
  assert.ok(events.some((event) => event.message.includes('rolled back to stable@1 by ann: it broke')));
});

test('the NEW queue is read by all, and decided with a token', async () => {
  const { blobs } = toy.deps;
  const binaries = [{ name: 'toy-new' }];
  const files = [
    ...(await toySource(blobs, 'toy-new', '1.0', binaries)),
    await toyDeb(blobs, 'toy-new', '1.0', binaries[0]!),
  ];
  const all = [...files, await toyChanges(blobs, 'toy-new', '1.0', files)];
  const arrival = { suite: 'stable', source: 'toy-new', version: '1.0', names: ['toy-new'], files: all };
  const { id } = await holdUpload(archive, { ...arrival, signer: undefined }, start);
  assert.deepEqual(
    (await ask('/new?suite=stable', '/new')).items.map((each: { id: number }) => each.id),
    [id],
  );
  const said = { body: { text: 'Is it\nfree?' }, token: ann };
  assert.equal((await ask(`/new/${id}/comment`, '/new/{id}/comment', 200, said)).author, 'ann');
  const shown = await ask(`/new/${id}`, '/new/{id}');
  assert.match(shown.changes, /^Format: 1\.8/);
  assert.match(shown.packages[0].control, /Package: toy-new/);
  assert.equal(shown.comments[0].text, 'Is it\nfree?');
  await ask(`/new/${id}/accept`, '/new/{id}/accept', 401, { body: {} });
  await ask(`/new/${id}/accept`, '/new/{id}/accept', 403, { body: {}, token: bo });
  await ask(`/new/${id}/reject`, '/new/{id}/reject', 400, { body: {}, token: ann });
  await ask('/new/9999/accept', '/new/{id}/accept', 404, { body: {}, token: ann });
  const accepted = await ask(`/new/${id}/accept`, '/new/{id}/accept', 200, { body: { reason: 'fine' }, token: ann });
  assert.equal(accepted.state, 'ACCEPTED');
  assert.equal(accepted.decidedBy, 'ann');
  assert.equal((await ask('/suites/stable', '/suites/{name}')).snapshot.number, 5);
  const late = { body: { reason: 'no' }, token: ann };
  assert.equal((await ask(`/new/${id}/reject`, '/new/{id}/reject', 409, late)).error.code, 'already-decided');
  assert.equal((await ask('/new', '/new')).items.length, 0);
  assert.equal((await ask('/new?all=true', '/new')).items.length, 1);
  assert.deepEqual(web.reported, []);
});
