import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { testDatabase, type TestDatabase } from '../../../test/database.ts';
import { checkHtml } from '../../../test/html.ts';
import { longLog, seed, seedAttempt, seedDistribution, seedJob, seedNow, seedTag } from '../../../test/seed.ts';
import { testWebDeps } from '../../../test/web-deps.ts';
import { pageReader } from '../../../test/web-pages.ts';
import { Hono } from 'hono';

import { SheafError } from '../../kit/error.ts';
import { parseLabel, parseSuiteName } from '../../model/names.ts';
import { showJob } from '../../tracker/mod.ts';
import { reservedNames, webPages, type WebPages } from './mod.ts';

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

const page = pageReader(
  () => pages,
  () => web.reported,
);

const lists = ['/', '/packages', '/jobs', '/refusals', '/suites', '/workers'];

const seeded: readonly (readonly [string, readonly RegExp[]])[] = [
  [
    '/',
    [/Moving now/, /sed 4\.9-2/, /Needs somebody/, /jq 1\.7\.1-1/, /stable@2 was published/, /1 silent, 1 to approve/],
  ],
  ['/packages', [/field-motd/, /PUBLISHED/, /libonig-dev/]],
  ['/packages?q=hel', [/hello/, /value="hel"/]],
  ['/packages?q=zzz', [/No package has “zzz” in its name/]],
  [
    '/package/hello',
    [/Signature verified/, /Environment of 153 packages/, /In the suite since snapshot stable@2/, /2\.10-2/],
  ],
  ['/package/jq', [/no-permission/, /BD-Uninstallable/, /skipped/]],
  ['/jobs?state=Building', [/anvil makes the binary packages/]],
  ['/jobs?state=Nonsense', [/Installed/]],
  ['/jobs?worker=nobody', [/No such job/]],
  ['/refusals', [/unsigned-tag/, /distribution-mismatch/, /sent again 2 times/]],
  ['/suite/stable', [/field-motd/, /stable@1/, /20261121T093000Z/]],
  ['/suite/next', [/Nothing is in it yet/, /It was never published/]],
  ['/suite/classic', [/frozen/, /expired/]],
  ['/workers', [/Compare the key, then approve it/, /silent/]],
  ['/main/', [/Signed-By/, /A1B2 C3D4/, /signed-by=\/etc\/apt\/keyrings/]],
  ['/apps/', [/No suite belongs to this repository/, /no signing key/]],
];
for (const [path, expected] of seeded) {
  test(`page ${path} shows what there is`, async () => {
    const html = await page(path);
    for (const words of expected) assert.match(html, words);
  });
}

test('page of a tag build shows the steps, or all reasons with their hints', async () => {
  assert.match(await page(`/tag-build/${ids.hello.tag}`), /Admitted/);
  const refused = await page(`/tag-build/${ids.rejected}`);
  for (const words of [/no-permission/, /add a permission for carol/, /Nothing was changed/])
    assert.match(refused, words);
  assert.match(await page(`/tag-build/${ids.unsigned}`), /unsigned-tag/);
  assert.match(await page(`/tag-build/${ids.received}`), /is being fetched/);
  assert.equal(
    (await pages.app.request(`/refusal/${ids.rejected}`)).headers.get('Location'),
    `/tag-build/${ids.rejected}`,
  );
});

test('page of a suite that was taken out of sheaf.toml says so, and shows what it was published as', async () => {
  const distribution = seedDistribution();
  const { deps, close } = await testWebDeps(database, { ...distribution, suites: new Map() });
  const without = webPages(deps);
  const html = await pageReader(
    () => without,
    () => [],
  )('/suite/stable');
  assert.match(html, /sheaf\.toml does not name it any more/);
  assert.match(html, /stable@1/);
  assert.equal((await without.app.request('/suite/next')).status, 404);
  await without.close();
  await close();
});

test('page of a running job shows only the tail, and goes on from where it ends', async () => {
  const html = await page(`/job/${ids.running}`);
  assert.match(html, /<span data-log-partial class="partial">checking whether the kernel hangs\.\.\. <\/span>/);
  assert.match(html, /before it are in the <a href="\/job\/\d+\/log\.txt\?attempt=1">/);
  assert.ok(html.length < 300_000);
  assert.doesNotMatch(html, /000001 /);
  const size = Buffer.byteLength(longLog(4000));
  assert.match(html, new RegExp(`data-log="/job/${ids.running}/log/events\\?attempt=1&amp;from=${size}"`));
});

test('page of a job shows every attempt, and the log of the one asked for', async () => {
  assert.match(await page(`/job/${ids.failed}`), /Log of attempt 2/);
  const first = await page(`/job/${ids.failed}?attempt=1`);
  assert.match(first, /Log of attempt 1/);
  assert.match(first, /went silent and its lease ended/);
  assert.match(await page(`/job/${ids.failed}?attempt=99`), /Log of attempt 2/);
  assert.match(await page(`/job/${ids.waiting}`), /No attempt was made yet/);
});

test('log.txt is the whole log as it came, as plain text', async () => {
  const response = await pages.app.request(`/job/${ids.running}/log.txt?attempt=1`);
  assert.equal(response.headers.get('Content-Type'), 'text/plain; charset=utf-8');
  assert.equal(response.headers.get('X-Content-Type-Options'), 'nosniff');
  assert.equal(await response.text(), `${longLog(4000)}checking whether the kernel hangs... `);
  assert.equal((await pages.app.request(`/job/${ids.running}/log.txt?attempt=7`)).status, 404);
  assert.equal((await pages.app.request(`/job/${ids.running}/log.txt?attempt=1e99`)).status, 404);
});

test('evidence of a job is given out, and no other blob', async () => {
  const lock = 'Package: gcc\n';
  const tag = await seedTag(database.db, { source: 'proof', version: '1', state: 'REJECTED', at: seedNow });
  const job = await seedJob(database.db, { tag, source: 'proof', version: '1', state: 'Failed', at: seedNow });
  const { sha256 } = await web.blobs.putBytes(lock);
  const path = `/job/${job}/evidence/${sha256}`;
  assert.equal((await pages.app.request(path)).status, 404, 'a blob that the job has nothing to do with');
  await seedAttempt(database.db, { job, worker: 'anvil', at: seedNow, outcome: 'failed' });
  await database.db
    .updateTable('attempt')
    .set({ files: JSON.stringify([{ name: 'proof_1.buildinfo', sha256, size: lock.length }]) })
    .where('job', '=', job)
    .execute();
  const response = await pages.app.request(path);
  assert.equal(await response.text(), lock);
  assert.equal(response.headers.get('Content-Type'), 'text/plain; charset=utf-8');
  assert.match(response.headers.get('Content-Disposition') ?? '', /proof_1\.buildinfo/);
  const missing = (await showJob(database.db, job))!.lock!;
  assert.equal((await pages.app.request(`/job/${job}/evidence/${missing}`)).status, 404, 'a blob that is not there');
  assert.equal((await pages.app.request(`/job/${job}/evidence/${'../'.repeat(9)}etc`)).status, 404);
});

test('repository texts are what the front page tells users to fetch', async () => {
  assert.match(await (await pages.app.request('/suite/stable.sources')).text(), /^Types: deb/);
  assert.match(await (await pages.app.request('/suite/stable.asc')).text(), /BEGIN PGP PUBLIC KEY BLOCK/);
  assert.equal((await pages.app.request('/suite/unknown.asc')).status, 404);
  assert.equal((await pages.app.request('/suite/unknown.sources')).status, 404);
  const front = await page('/main/');
  for (const path of ['/suite/stable.sources', '/suite/stable.asc'])
    assert.ok(front.includes(`${web.deps.distribution.url}${path}`), path);
  assert.equal((await pages.app.request('/main')).headers.get('Location'), '/main/');
});

for (const path of [
  '/nothing',
  '/package/unknown-package',
  '/package/..%2F..',
  '/package/%00',
  '/job/0',
  '/job/999999',
  '/job/1e3',
  '/job/99999999999999999999',
  '/tag-build/x',
  '/suite/unknown',
  '/static/../pages.ts',
  '/static/nothing',
]) {
  test(`page ${path} says that there is nothing`, async () => {
    assert.match(await page(path, 404), /There is nothing at this address/);
  });
}

test('every page forbids what is not its own', async () => {
  for (const path of [...lists, '/nothing', `/job/${ids.running}/log.txt?attempt=1`, '/suite/stable.sources']) {
    const { headers } = await pages.app.request(path);
    const policy = headers.get('Content-Security-Policy') ?? '';
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/, path);
    assert.doesNotMatch(policy, /unsafe|\*/, path);
    assert.equal(headers.get('X-Content-Type-Options'), 'nosniff');
    assert.equal(headers.get('X-Frame-Options'), 'DENY');
    assert.equal(headers.get('Referrer-Policy'), 'same-origin');
  }
});

test('static files are named with their hash and kept by browsers', async () => {
  const html = await page('/');
  const assets = [...html.matchAll(/(?:src|href)="(\/static\/[^"]+)"/g)].map((match) => match[1]!);
  assert.equal(assets.length, 4);
  for (const asset of assets) {
    const response = await pages.app.request(asset);
    assert.equal(response.status, 200, asset);
    assert.match(response.headers.get('Cache-Control') ?? '', /immutable/);
    assert.ok((await response.arrayBuffer()).byteLength > 100);
  }
});

test('the page of a repository calls files under /etc/apt as apt reads them', async () => {
  for (const [name, expected] of [
    ['<b>Wood & "Co"</b>', 'b-wood-co-b-stable'],
    ['Олива', 'stable'],
  ] as const) {
    const other = await testWebDeps(database, { ...seedDistribution(), name });
    const site = webPages(other.deps);
    try {
      const html = await (await site.app.request('/main/')).text();
      assert.ok(html.includes(`/etc/apt/sources.list.d/${expected}.sources`), html);
    } finally {
      await site.close();
      await other.close();
    }
  }
});

test('pages tell what to do next when nothing is there', async () => {
  const empty = await testDatabase();
  const other = await testWebDeps(empty);
  const site = webPages(other.deps);
  try {
    const expected: readonly (readonly [string, RegExp])[] = [
      ['/', /sheaf intake tag/],
      ['/packages', /No package yet/],
      ['/jobs', /No job yet/],
      ['/refusals', /Nothing was refused/],
      ['/suites', /Never published yet/],
      ['/suite/stable', /sheaf suite publish stable/],
      ['/workers', /sheaf worker enroll/],
      ['/main/', /apt finds nothing here until/],
    ];
    for (const [path, words] of expected) {
      const html = await (await site.app.request(path)).text();
      checkHtml(html, path);
      assert.match(html, words, path);
    }
    assert.deepEqual(other.reported, []);
  } finally {
    await site.close();
    await other.close();
    await empty.close();
  }
});

test('pages show hostile data as text, wherever it stands', async () => {
  const hostile = await testDatabase();
  const evil = `"><script>alert(1)</script><img src=x onerror='alert(1)'>&amp;`;
  const other = await testWebDeps(hostile);
  const site = webPages(other.deps);
  try {
    await seed(hostile.db);
    await hostile.db
      .updateTable('tag_build')
      .set({
        tag: evil,
        repository: `javascript:alert(1)//${evil}`,
        origin: evil,
        version: evil,
        signer: evil,
        refusals: JSON.stringify([{ code: evil, message: evil, hint: evil }]),
      })
      .where('state', '!=', 'DUPLICATE')
      .where('state', '!=', 'RECEIVED')
      .where('id', 'in', [
        1,
        4,
        ...(await hostile.db
          .selectFrom('tag_build')
          .select('id')
          .where('state', '=', 'REJECTED')
          .execute()
          .then((rows) => rows.map((row) => row.id))),
      ])
      .execute();
    await hostile.db
      .updateTable('job')
      .set({ reason: evil, builds: 'any', architecture: 'amd64' })
      .where('state', '=', 'Failed')
      .execute();
    await hostile.db
      .updateTable('attempt')
      .set({
        reason: evil,
        files: JSON.stringify([{ name: evil, sha256: evil, size: 1 }]),
        timings: JSON.stringify({ [evil]: 1 }),
      })
      .execute();
    await hostile.db.updateTable('event').set({ message: evil }).execute();
    await hostile.db.updateTable('binary_package').set({ control: evil, filename: evil }).execute();
    const jobs = await hostile.db.selectFrom('job').select('id').execute();
    const tags = await hostile.db.selectFrom('tag_build').select('id').execute();
    const paths = [
      ...lists,
      '/package/hello',
      '/package/jq',
      '/suite/stable',
      `/packages?q=${encodeURIComponent(evil)}`,
      `/jobs?source=${encodeURIComponent(evil)}&worker=${encodeURIComponent(evil)}`,
      ...jobs.map(({ id }) => `/job/${id}`),
      ...tags.map(({ id }) => `/tag-build/${id}`),
    ];
    let shown = 0;
    for (const path of paths) {
      const html = await (await site.app.request(path)).text();
      checkHtml(html, path);
      if (html.includes('&lt;script&gt;alert(1)')) shown += 1;
    }
    assert.ok(shown > 8, 'the hostile texts are on the pages');
    assert.deepEqual(other.reported, []);
  } finally {
    await site.close();
    await other.close();
    await hostile.close();
  }
});

test('a page that breaks says so without saying why, and reports why', async () => {
  const reported: unknown[] = [];
  const site = webPages({
    ...web.deps,
    report: (error) => reported.push(error),
    archive: { ...web.deps.archive, keys: () => Promise.reject(new Error('secret /path')), aptSources: async () => '' },
  });
  const response = await site.app.request('/main/');
  const html = await response.text();
  assert.equal(response.status, 500);
  checkHtml(html, '500');
  assert.doesNotMatch(html, /secret/);
  const reference = /<code>([0-9a-f]{8})<\/code>/.exec(html)![1]!;
  assert.match(String(reported[0]), new RegExp(`/main/ broke, reference ${reference}: secret /path$`));
});

test('a repository without a key says how to make one', async () => {
  const site = webPages({
    ...web.deps,
    archive: {
      publicKey: web.deps.archive.publicKey,
      keys: () => Promise.reject(new SheafError('key-missing', 'Cannot read secrets/main.asc: there is none')),
      aptSources: () => Promise.reject(new Error('not reached')),
    },
  });
  const response = await site.app.request('/main/');
  const html = await response.text();
  assert.equal(response.status, 200);
  checkHtml(html, '/main/');
  assert.match(html, /sheaf key create main/);
  assert.equal((await site.app.request('/suite/stable.asc')).status, 404);
  assert.equal((await site.app.request('/suite/stable.sources')).status, 404);
});

test('mounted last in another app, pages answer for what nobody knows', async () => {
  const app = new Hono().route('/', pages.app);
  const response = await app.request('/nothing/at/all');
  assert.equal(response.status, 404);
  assert.match(await response.text(), /There is nothing at this address/);
});

test('reservedNames are the first parts of the addresses that pages have', () => {
  const site = webPages(web.deps);
  const repositories = new Set(seedDistribution().repositories.keys());
  const firsts = site.app.routes
    .map((route) => route.path.split('/')[1]!)
    .filter((first) => first !== '' && first !== '*');
  for (const first of firsts) assert.ok(reservedNames.includes(first) || repositories.has(parseLabel(first)), first);
});

test('names of suites and repositories with dots and signs have pages', async () => {
  const distribution = seedDistribution();
  const suite = {
    ...[...distribution.suites.values()][0]!,
    name: parseSuiteName('bookworm-backports_2.1'),
    repository: parseLabel('x.y-z'),
  };
  const site = webPages({
    ...web.deps,
    archive: { ...web.deps.archive, keys: () => web.deps.archive.keys('main') },
    distribution: {
      ...distribution,
      repositories: new Map([[suite.repository, { name: suite.repository, title: 'X' }]]),
      suites: new Map([[suite.name, suite]]),
    },
  });
  for (const path of ['/x.y-z/', '/suite/bookworm-backports_2.1', '/suite/bookworm-backports_2.1.sources']) {
    assert.equal((await site.app.request(path)).status, 200, path);
  }
});
