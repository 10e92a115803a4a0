import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { checkHtml } from '../../../../test/html.ts';
import { managedSuites } from '../../../../test/managed-suites.ts';
import { store, toyChanges, toyDeb } from '../../../../test/toy-archive.ts';
import { createAccess, listAccess, signOut } from '../../../access/mod.ts';
import { publishSuite, type ArchiveDeps } from '../../../archive/mod.ts';
import { parseLabel } from '../../../model/names.ts';
import { listEvents } from '../../../tracker/mod.ts';
import { holdUpload } from '../../../upload/mod.ts';
import { webPages, type WebPages } from '../mod.ts';

const start = new Date('2026-11-21T10:00:00Z');
const origin = 'http://toy.example';
const evil = `"><script>alert(1)</script>'`;

let world: Awaited<ReturnType<typeof managedSuites>>;
let toy: typeof world.toy;
let archive: ArchiveDeps;
let web: typeof world.web;
let pages: WebPages;

before(async () => {
  world = await managedSuites({ ann: ['stable'], bo: ['next'], carol: [] }, start);
  ({ toy, archive, web } = world);
  await publishSuite(archive, 'next', start);
  pages = webPages(web.deps);
});
after(async () => {
  await pages.close();
  await world.close();
});

/** A cookie and the token of its forms. */
type Session = { readonly cookie: string; readonly form: string };

async function signInAs(name: string): Promise<Session> {
  const { secret } = await createAccess(archive, { kind: 'sign-in', person: name, by: 'a test' }, web.now.current);
  const response = await pages.app.request(`/sign-in/${secret}`, { method: 'POST', headers: { origin } });
  assert.equal(response.status, 303);
  const cookie = response.headers.get('Set-Cookie')!.split(';')[0]!;
  const html = await (await pages.app.request('/sign-in', { headers: { cookie } })).text();
  return { cookie, form: /name="form" value="([0-9a-f]{64})"/.exec(html)![1]! };
}

async function get(path: string, session?: Session, status = 200): Promise<string> {
  const headers: Record<string, string> = session === undefined ? {} : { cookie: session.cookie };
  const response = await pages.app.request(path, { headers });
  const html = await response.text();
  assert.equal(response.status, status, `${path}: ${html.slice(-800)}`);
  checkHtml(html, path);
  assert.deepEqual(web.reported, []);
  return html;
}

function post(
  path: string,
  session: Session | undefined,
  fields: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = { origin },
): Promise<Response> {
  const form = new URLSearchParams({ ...(session === undefined ? {} : { form: session.form }), ...fields });
  const cookie: Record<string, string> = session === undefined ? {} : { cookie: session.cookie };
  return Promise.resolve(pages.app.request(path, { method: 'POST', body: form, headers: { ...cookie, ...headers } }));
}

async function newest(suite: string): Promise<number> {
  const { rows } = await toy.database.pool.query(`select max(number) as number from snapshot where suite = $1`, [
    suite,
  ]);
  return rows[0].number;
}

async function actsOf(actor: string): Promise<string[]> {
  return (await listEvents(toy.database.db, { actor }, { limit: 5 })).items.map((event) => event.message);
}

async function hold(source: string) {
  const deb = await toyDeb(toy.deps.blobs, source, '1.0', { name: source });
  const changes = await toyChanges(toy.deps.blobs, source, '1.0', [deb]);
  const arrival = { suite: 'stable', source, version: '1.0', names: [source], files: [deb, changes], signer: 'carol' };
  return holdUpload(archive, arrival, start);
}

test('signing in works once, after a question, and until it is too old', async () => {
  const ask = { kind: 'sign-in', person: 'ann', by: 'root on the command line' } as const;
  const { secret } = await createAccess(archive, ask, start);
  for (let look = 0; look < 3; look++) assert.match(await get(`/sign-in/${secret}`), /Sign in as ann/);
  const elsewhere = { headers: { origin: 'http://evil.example' }, method: 'POST' };
  assert.equal((await pages.app.request(`/sign-in/${secret}`, elsewhere)).status, 403);
  assert.equal(
    (await pages.app.request(`/sign-in/${secret}`, { method: 'POST' })).status,
    403,
    'nobody says where from',
  );
  const taken = await pages.app.request(`/sign-in/${secret}`, { method: 'POST', headers: { origin } });
  assert.equal(taken.status, 303);
  const cookie = taken.headers.get('Set-Cookie')!;
  assert.match(cookie, /^sheaf-session=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Strict$/);
  const again = await pages.app.request(`/sign-in/${secret}`, { method: 'POST', headers: { origin } });
  assert.equal(again.status, 404);
  assert.equal(again.headers.get('Set-Cookie'), null);
  await get(`/sign-in/${secret}`, undefined, 404);

  const late = await createAccess(archive, ask, start);
  web.now.current = new Date(start.getTime() + 15 * 60_000);
  await get(`/sign-in/${late.secret}`, undefined, 404);
  web.now.current = start;
  const { rows } = await toy.database.pool.query('select * from access');
  assert.ok(
    !JSON.stringify(rows).includes(secret) && !JSON.stringify(rows).includes(late.secret),
    'only hashes are kept',
  );
});

test('a session cookie is for safe connections only where the address is https', async () => {
  const distribution = { ...archive.distribution, url: 'https://toy.example' };
  const site = webPages({ ...web.deps, distribution });
  const { secret } = await createAccess(archive, { kind: 'sign-in', person: 'ann', by: 'a test' }, start);
  const headers = { origin: 'https://toy.example' };
  const response = await site.app.request(`/sign-in/${secret}`, { method: 'POST', headers });
  const cookie = response.headers.get('Set-Cookie') ?? '';
  assert.match(cookie, /^__Host-sheaf-session=/);
  assert.match(cookie, /; Secure/);
  await site.close();
});

test('a session ends with its time, by its button, by the command line, and with its person', async () => {
  const session = await signInAs('ann');
  assert.match(await get('/suite/stable', session), /Publish now/);
  web.now.current = new Date(start.getTime() + 31 * 86_400_000);
  assert.doesNotMatch(await get('/suite/stable', session), /Publish now/);
  web.now.current = start;

  const { people } = web.now;
  web.now.people = new Map([[parseLabel('ann'), { ...people.get(parseLabel('ann'))!, manages: [] }]]);
  assert.equal((await post('/suite/stable/publish', session)).status, 403, 'manages no longer says so');
  web.now.people = new Map();
  assert.equal((await post('/suite/stable/publish', session)).status, 403, 'no longer in sheaf.toml');
  web.now.people = people;

  assert.equal((await post('/sign-out', { ...session, form: 'f'.repeat(64) })).status, 403);
  assert.equal((await post('/sign-out', session)).status, 303);
  assert.equal((await post('/suite/stable/publish', session)).status, 403);
  const other = await signInAs('ann');
  await signOut(archive, 'ann', 'root on the command line', start);
  assert.equal((await post('/suite/stable/publish', other)).status, 403);
  assert.deepEqual(
    (await listAccess(toy.database.db, start)).filter((access) => access.person === 'ann'),
    [],
  );
});

const actions = ['publish', 'freeze', 'thaw', 'copy', 'rollback'];
test('nobody, and nobody else than who manages it, changes a suite', async () => {
  const [bo, carol, ann] = [await signInAs('bo'), await signInAs('carol'), await signInAs('ann')];
  const before = await newest('stable');
  const fields = { snapshot: '1', from: 'next', packages: 'toy-a', step: 'do' };
  for (const action of actions) {
    const path = `/suite/stable/${action}`;
    assert.equal((await post(path, undefined, fields)).status, 403, `${action} by nobody`);
    assert.equal((await post(path, bo, fields)).status, 403, `${action} by who manages another`);
    assert.equal((await post(path, carol, fields)).status, 403, `${action} by who manages nothing`);
    assert.equal((await post(path, { ...ann, form: bo.form }, fields)).status, 403, `${action} with another's form`);
    assert.equal((await post(path, { ...ann, form: '' }, fields)).status, 403, `${action} without a form's token`);
    for (const headers of [
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { origin, 'sec-fetch-site': 'cross-site' },
      { origin, 'sec-fetch-site': 'same-site' },
      {},
    ]) {
      assert.equal((await post(path, ann, fields, headers)).status, 403, `${action} from ${JSON.stringify(headers)}`);
    }
  }
  assert.equal(await newest('stable'), before);
  for (const page of ['publish', 'freeze', 'thaw', 'copy', 'rollback/1']) {
    assert.match(await get(`/suite/stable/${page}`, undefined, 403), /Managed by ann/);
    assert.match(await get(`/suite/stable/${page}`, bo, 403), /signed in as bo, who does not manage stable/);
    await get(`/suite/stable/${page}`, ann);
  }
  assert.match(await get('/suite/stable'), /Managed by ann/);
  assert.doesNotMatch(await get('/suite/stable', bo), /Roll back to this|Publish now/);
});

test('pages of somebody who has signed in are kept by nobody', async () => {
  const { cookie } = await signInAs('ann');
  const { headers } = await pages.app.request('/suite/stable', { headers: { cookie } });
  assert.equal(headers.get('Cache-Control'), 'private, no-store');
  assert.equal((await pages.app.request('/suite/stable')).headers.get('Vary'), 'Cookie');
});

test('who manages a suite publishes it, freezes it with a reason, and thaws it', async () => {
  const ann = await signInAs('ann');
  const before = await newest('stable');
  const published = await post('/suite/stable/publish', ann);
  assert.equal(published.headers.get('Location'), '/suite/stable');
  assert.equal(await newest('stable'), before + 1);
  assert.match((await actsOf('ann'))[0]!, /published as stable@\d+.*, by ann$/);

  await post('/suite/stable/freeze', ann, { reason: `  the\n release ${evil} ` });
  const frozen = await get('/suite/stable');
  assert.match(frozen, /Frozen by ann/);
  assert.ok(frozen.includes('the release &quot;&gt;&lt;script&gt;'), 'as text, in one line');
  assert.equal((await actsOf('ann'))[0], `Suite stable frozen by ann: the release ${evil}`);
  const refused = await post('/suite/stable/rollback', ann, { snapshot: '1' });
  assert.equal(refused.status, 409);
  assert.match(await refused.text(), /is frozen by ann since/);
  assert.equal((await post('/suite/stable/copy', ann, { from: 'next', packages: 'toy-a', step: 'do' })).status, 409);
  await get('/audit');
  await get('/suites');
  await post('/suite/stable/thaw', ann);
  assert.doesNotMatch(await get('/suite/stable'), /Frozen by/);
});

test('rolling back and copying show first what would change', async () => {
  const [ann, bo] = [await signInAs('ann'), await signInAs('bo')];
  const before = await newest('stable');
  const shown = await get('/suite/stable/rollback/1', ann);
  for (const words of [/toy-a 1\.0 amd64/, /toy-a 2\.0 amd64/, /What goes/]) assert.match(shown, words);
  assert.equal(await newest('stable'), before);
  await get('/suite/stable/rollback/999', ann, 409);
  assert.equal((await post('/suite/stable/rollback', ann, { snapshot: '1', reason: 'it broke' })).status, 303);
  assert.equal(await newest('stable'), before + 1);
  assert.match((await actsOf('ann')).join('\n'), /rolled back to stable@1 by ann: it broke/);

  const preview = await post('/suite/next/copy', bo, { from: 'stable', packages: 'toy-a', reason: evil });
  const html = await preview.text();
  checkHtml(html, 'preview');
  assert.match(html, /toy-a 1\.0 source/);
  assert.equal(await newest('next'), 1);
  assert.equal((await post('/suite/next/copy', bo, { from: 'stable', packages: 'nothing' })).status, 409);
  const fields = { from: 'stable', packages: 'toy-a', step: 'do' };
  assert.equal((await post('/suite/next/copy', bo, fields)).status, 303);
  assert.equal(await newest('next'), 2);
  assert.match((await actsOf('bo')).join('\n'), /copied from stable@\d+ into next by bo/);
});

test('NEW is shown to all, and decided by who manages the suite', async () => {
  const upload = await hold('toy-new');
  const [ann, bo] = [await signInAs('ann'), await signInAs('bo')];
  assert.match(await get('/new'), /toy-new/);
  const page = await get(`/new/${upload.id}`);
  for (const words of [/Package: toy-new/, /Checksums-Sha256/, /signed by carol|Signed by/, /Managed by ann/])
    assert.match(page, words);
  for (const action of ['accept', 'reject', 'comment']) {
    const fields = { reason: 'no', text: 'no' };
    assert.equal((await post(`/new/${upload.id}/${action}`, undefined, fields)).status, 403);
    assert.equal((await post(`/new/${upload.id}/${action}`, bo, fields)).status, 403);
  }
  const said = await post(`/new/${upload.id}/comment`, ann, { text: `Where is\r\nits licence? ${evil}` });
  assert.match(said.headers.get('Location') ?? '', /#comment-\d+$/);
  assert.ok((await get(`/new/${upload.id}`)).includes('Where is\nits licence? &quot;&gt;&lt;script&gt;'));
  assert.match((await actsOf('ann'))[0]!, /^ann about NEW \d+, the upload of carol of toy-new/);
  assert.equal((await post(`/new/${upload.id}/comment`, ann, { text: ' ' })).status, 409);

  // Nobody signed it: accepting judges it again.
  const refused = await post(`/new/${upload.id}/accept`, ann);
  assert.equal(refused.status, 409);
  assert.match(await refused.text(), /It is not signed: sign it/);
  assert.equal((await post(`/new/${upload.id}/reject`, ann)).status, 409, 'without a reason');
  assert.equal((await post(`/new/${upload.id}/reject`, ann, { reason: evil })).status, 303);
  assert.match(await get(`/new/${upload.id}`, ann), /REJECTED/);
  assert.equal((await post(`/new/${upload.id}/accept`, ann)).status, 409, 'decided before');
  assert.match(await get('/new'), /Nothing waits/);
  assert.match(await get('/new?all=1'), /REJECTED/);
  assert.match((await actsOf('ann'))[0]!, /was rejected by ann: /);
  const audit = await get('/audit?by=ann');
  assert.ok(audit.includes('was rejected by ann: &quot;&gt;&lt;script&gt;'));
  await get('/new/999999', undefined, 404);
});

test('wrong addresses to sign in are not tried for ever', async () => {
  const site = webPages(web.deps);
  const wrong = () => site.app.request(`/sign-in/${'x'.repeat(43)}`);
  for (let tries = 0; tries < 20; tries++) assert.equal((await wrong()).status, 404);
  assert.equal((await wrong()).status, 429);
  web.now.current = new Date(start.getTime() + 10 * 60_000);
  assert.equal((await wrong()).status, 404);
  web.now.current = start;
  await site.close();
});

test('a form that is too large is not read', async () => {
  const ann = await signInAs('ann');
  assert.equal((await post('/suite/stable/freeze', ann, { reason: 'x'.repeat(100_000) })).status, 413);
  assert.doesNotMatch(await get('/suite/stable'), /Frozen by/);
});

test('an upload with a name that no text can have is shown all the same', async () => {
  const file = await store(toy.deps.blobs, 'broken_1.0_amd64.deb', 'this is no package');
  const arrival = { suite: 'stable', source: evil, version: evil, names: [evil], files: [file], signer: undefined };
  const upload = await holdUpload(archive, arrival, start);
  assert.match(await get(`/new/${upload.id}`), /bad-ar|bad-deb|not an ar archive|Cannot read/);
  await get('/new');
});
