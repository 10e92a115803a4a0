import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { testDatabase, type TestDatabase } from '../../../test/database.ts';
import { checkHtml } from '../../../test/html.ts';
import { seedHistory, seedUpstreams } from '../../../test/seed-history.ts';
import { seed, seedDistribution } from '../../../test/seed.ts';
import { testWebDeps } from '../../../test/web-deps.ts';
import { pageReader } from '../../../test/web-pages.ts';
import { webPages, type WebPages } from './mod.ts';

let database: TestDatabase;
let web: Awaited<ReturnType<typeof testWebDeps>>;
let pages: WebPages;

before(async () => {
  database = await testDatabase();
  await seed(database.db);
  web = await testWebDeps(database, seedDistribution({ upstreams: seedUpstreams }));
  await seedHistory(web.deps.history);
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

/** What a reader sees: no tags, and white space as a browser joins it. */
function words(html: string): string {
  return html
    .replaceAll(/<title>.*?<\/title>|<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ([,.:;])/g, '$1');
}

const seeded: readonly (readonly [string, readonly RegExp[]])[] = [
  [
    '/upstreams',
    [
      /trixie 20261115T090000Z/,
      /4 kept/,
      /unchanged There is nothing new/,
      /failed The mirror does not answer/,
      /partner http:\/\/deb\.example\.org/,
      /stable none yet/,
      /never looked at/,
      /What is kept/,
    ],
  ],
  [
    '/upstream/debian',
    [
      /Release past its Valid-Until refused/,
      /Alarms/,
      /hello 2\.10-5 amd64 had 2 different contents/,
      /release-replayed/,
    ],
  ],
  ['/upstream/partner', [/sheaf upstream update partner/]],
  [
    '/upstream/debian/trixie',
    [
      /2026-11-15 09:00/,
      /1 altered/,
      /binary 2 added 1 upgraded/,
      /Signed by 4CB50190207B4758A3F73A796ED0E7B82643E131/,
      /main\/binary-amd64\/Packages/,
      /older than the one of 20261115T090000Z/,
      /What changed/,
    ],
  ],
  [
    '/binary/hello',
    [
      /2\.10-3\+field1 in stable/,
      /2\.10-5 for amd64 had 2 different contents/,
      /debian\/sid/,
      /its way into our suites/,
      /All fields/,
    ],
  ],
  [
    '/binary/hello?in=debian/trixie',
    [/2\.10-5 in debian\/trixie/, /libc6 \(&gt;= 2\.38\)/, /default-mta or mail-transport-agent:any/],
  ],
  [
    '/binary/hello?in=debian/trixie@20260912T075541Z',
    [/2\.10-4 in debian\/trixie since 2026-09-12 snapshot 20260912T075541Z/],
  ],
  [
    '/binary/hello?in=debian/trixie@2026-08-20',
    [/2\.10-3 in debian\/trixie since 2026-08-01 snapshot 20260801T081500Z/],
  ],
  ['/binary/hello?in=nowhere', [/nowhere/, /2\.10-3\+field1 in stable/]],
  ['/binary/postfix?in=debian/sid', [/debian\/sid has no postfix in its snapshot 20261120T020000Z/]],
  [
    '/binary/libc6?in=debian/trixie',
    [
      /GNU C Library: Shared libraries/,
      /The second paragraph of it/,
      /Reverse relations 3 in debian\/trixie/,
      /exim4-daemon-light/,
      /glibc/,
    ],
  ],
  [
    '/binary/mail-transport-agent',
    [/A name that other packages provide/, /Provided in debian\/trixie by exim4-daemon-light postfix/],
  ],
  ['/binary/hello/files?in=debian/trixie', [/usr\/bin\/hello/, /2 files/]],
  ['/binary/hello/files?in=debian/sid', [/are not followed/, /sheaf upstream/]],
  [
    '/source/hello?in=debian/trixie',
    [/Binary packages 1 hello amd64/, /debhelper-compat \(= 13\)/, /hello_2\.10-5\.dsc/, /texinfo &lt;!nodoc&gt;/],
  ],
  ['/search', [/Files in packages/]],
  ['/search?q=hel', [/Names that begin so hello/]],
  ['/search?q=daemon', [/Names with it inside exim4-daemon-light/]],
  ['/search?q=zzz', [/No package has “zzz” in its name/]],
  ['/search?q=%3Cscript%3E', [/cannot be a part of a package name/]],
  ['/search?files=libc.so.6&by=name&in=debian/trixie', [/usr\/lib\/x86_64-linux-gnu\/libc\.so\.6 libc6/]],
  ['/search?files=/usr/bin/hello&by=path&in=debian/trixie', [/usr\/bin\/hello hello/]],
  ['/search?files=sbin&by=part&in=debian/trixie', [/usr\/sbin\/sendmail exim4-daemon-light postfix/]],
  ['/search?files=x&by=part&in=debian/trixie', [/needs 3 characters/]],
  ['/search?files=hello&in=debian/sid', [/are not followed/]],
  ['/suite/stable', [/What changed/]],
];
for (const [path, expected] of seeded) {
  test(`page ${path} shows what the indexes say`, async () => {
    const text = words(await page(path));
    for (const each of expected) assert.match(text, each);
  });
}

for (const [path, expected] of [
  ['/binary/helo', /hello/],
  ['/binary/nothing-like-that', /No suite that is followed ever had a binary package nothing-like-that/],
  ['/source/hell', /hello/],
  ['/binary/%00', /No suite/],
  ['/source/..%2F..%2Fetc', /No suite/],
] as const) {
  test(`page ${path} says that there is none, and what is alike`, async () => {
    assert.match(words(await page(path, 404)), expected);
  });
}

for (const path of ['/upstream/nobody', '/upstream/debian/nothing', '/upstream/debian/..%2F..', '/upstream/%00']) {
  test(`page ${path} says that there is nothing`, async () => {
    assert.match(await page(path, 404), /There is nothing at this address/);
  });
}

test('page of a package shows what an archive wrote as text, cut where it has no end', async () => {
  const html = await page('/binary/hostile?in=debian/trixie');
  assert.doesNotMatch(html, /<script>alert|<img|javascript:alert\(1\)"/);
  assert.doesNotMatch(html, /\u202e/);
  assert.match(html, /&lt;script&gt;alert/);
  assert.ok(html.length < 60_000, String(html.length));
});

test('pages bear questions of any size and kind', async () => {
  const long = 'a'.repeat(5000);
  for (const path of [
    `/binary/hello?in=${long}&arch=${long}&after=${long}&version=${long}`,
    `/search?q=${long}&in=${long}`,
    `/search?files=${long}&by=${long}`,
    '/search?q=%00&files=%00&in=%00',
    '/binary/hello?after=%00&in=%00&arch=%00',
    `/upstream/debian/trixie?after=${long}`,
    '/upstream/debian/trixie?after=19990101T000000Z',
  ]) {
    await page(path);
  }
  await page(`/binary/${long}`, 404);
});

test('every link of these pages leads somewhere', async () => {
  const seen = new Set<string>();
  for (const path of ['/upstreams', '/upstream/debian', '/upstream/debian/trixie', '/binary/hello', '/source/hello']) {
    for (const [, href] of (await page(path)).matchAll(/href="(\/[^"]*)"/g)) seen.add(href!.replaceAll('&amp;', '&'));
  }
  for (const href of seen) {
    if (/^\/(?:api|static|compare|snapshot|main|apps)\b/.test(href)) continue;
    const { status } = await pages.app.request(href.replace(/#.*/, ''));
    // A package of ours, and one that is named but not there, have pages of their own that say so.
    assert.ok(status === 200 || (status === 404 && /^\/(?:binary|source|package)\//.test(href)), `${status} ${href}`);
  }
  assert.ok(seen.size > 30);
});

test('pages say of an upstream that the server does not know what it may be', async () => {
  const upstreams = new Map([...seedUpstreams].filter(([name]) => name !== 'debian'));
  const other = await testWebDeps(database, seedDistribution({ upstreams }));
  const site = webPages(other.deps);
  try {
    for (const path of ['/upstreams', '/upstream/debian']) {
      const html = await (await site.app.request(path)).text();
      checkHtml(html, path);
      assert.match(words(html), /did not name it when this server started: restart the server if it does now/, path);
    }
  } finally {
    await site.close();
    await other.close();
  }
});

test('pages teach what to do where nothing is followed', async () => {
  const empty = await testDatabase();
  const other = await testWebDeps(empty);
  const site = webPages(other.deps);
  try {
    for (const [path, expected] of [
      ['/upstreams', /sheaf upstream add debian/],
      ['/search', /sheaf upstream add debian/],
      ['/binary/hello', /sheaf upstream add debian/],
    ] as const) {
      const html = await (await site.app.request(path)).text();
      checkHtml(html, path);
      assert.match(html, expected, path);
    }
    assert.deepEqual(other.reported, []);
  } finally {
    await site.close();
    await other.close();
    await empty.close();
  }
});
