/** The pages in a real browser: widths, themes, live parts. Needs Chromium; skipped where there is none. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { createAdaptorServer } from '@hono/node-server';
import { chromium, type BrowserContext, type Page } from 'playwright-core';

import { testDatabase, type TestDatabase } from '../../../test/database.ts';
import { seedHistory, seedUpstreams } from '../../../test/seed-history.ts';
import { seedRebuilds } from '../../../test/seed-rebuilds.ts';
import { longLog, seed, seedAttempt, seedDistribution, seedLog, seedNow } from '../../../test/seed.ts';
import { testWebDeps } from '../../../test/web-deps.ts';
import { notify } from '../../db/notify.ts';
import { webPages, type WebPages } from './mod.ts';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);
const skip = executablePath === undefined ? 'no Chromium here: apt-get install chromium' : false;

const profile = mkdtempSync(join(tmpdir(), 'sheaf-chromium-'));
let database: TestDatabase;
let ids: Awaited<ReturnType<typeof seed>>;
let web: Awaited<ReturnType<typeof testWebDeps>>;
let pages: WebPages;
let server: ReturnType<typeof createAdaptorServer>;
let browser: BrowserContext;
let base: string;

before(async () => {
  if (skip !== false) return;
  database = await testDatabase();
  ids = await seed(database.db);
  web = await testWebDeps(database, seedDistribution({ upstreams: seedUpstreams }));
  await seedHistory(web.deps.history);
  await seedRebuilds(database.db, web.blobs);
  pages = webPages(web.deps);
  server = createAdaptorServer({ fetch: pages.app.fetch });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: executablePath!,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
});
after(async () => {
  if (skip !== false) return;
  await browser.close();
  await pages.close();
  (server as { closeAllConnections?: () => void }).closeAllConnections?.();
  server.close();
  await web.close();
  await database.close();
  rmSync(profile, { recursive: true, force: true });
});

/** Opens a page; anything the browser complains about fails the test. */
async function open(path: string, width: number): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.setViewportSize({ width, height: 844 });
  await page.goto(base + path, { waitUntil: 'load' });
  return { page, complaints };
}

const paths = () => [
  '/',
  '/packages',
  '/package/hello',
  '/package/jq',
  '/jobs',
  `/job/${ids.running}`,
  `/job/${ids.failed}`,
  `/job/${ids.waiting}`,
  '/rebuilds',
  '/rebuild/2',
  '/refusals',
  `/tag-build/${ids.unsigned}`,
  '/suites',
  '/suite/stable',
  '/upstreams',
  '/upstream/debian',
  '/upstream/debian/trixie',
  '/compare?b=debian/trixie',
  '/binary/hello?in=debian/trixie',
  '/binary/hostile?in=debian/trixie',
  '/binary/hello/files?in=debian/trixie',
  '/binary/mail-transport-agent',
  '/source/hello?in=debian/trixie',
  '/search?q=hel&files=hello',
  '/workers',
  '/main/',
  '/apps/',
];

/** WCAG 2.2, 1.4.3: 4.5 to 1 for text. Translucent grounds are laid over what is behind them. */
const contrasts = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (text) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const over = (top, under) => top.slice(0, 3).map((v, i) => v * top[3] / 255 + under[i] * (1 - top[3] / 255));
  const ground = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) layers.push(rgba(getComputedStyle(each).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  const light = (rgb) => { const [r, g, b] = rgb.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !element.checkVisibility() || parseFloat(getComputedStyle(element).fontSize) === 0) continue;
    const under = ground(element);
    const [a, b] = [light(over(rgba(getComputedStyle(element).color), under)), light(under)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(element.className + ': ' + node.textContent.trim().slice(0, 30) + ' ' + ratio.toFixed(2));
  }
  return bad;
})()`;

test(
  'no page scrolls sideways, every text has contrast enough, and the browser complains of nothing',
  { skip, timeout: 180_000 },
  async () => {
    for (const path of paths()) {
      const { page, complaints } = await open(path, 390);
      await page.locator('details').evaluateAll((all) => all.forEach((each: any) => (each.open = true)));
      for (const width of [390, 600, 800, 1280]) {
        await page.setViewportSize({ width, height: 844 });
        const scroll = await page.evaluate('document.documentElement.scrollWidth');
        assert.ok((scroll as number) <= width, `${path} is ${scroll as number} wide on ${width}`);
      }
      for (const scheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: scheme });
        assert.deepEqual(await page.evaluate(contrasts), [], `${path} ${scheme}`);
      }
      assert.deepEqual(complaints, [], path);
      await page.close();
    }
  },
);

test('on a phone a box to tick stands beside its words, which keep their line', { skip, timeout: 60_000 }, async () => {
  const { page } = await open('/rebuilds', 375);
  const [box, label] = [page.locator('#disputed'), page.locator('label[for=disputed]')];
  const [tick, words] = [await box.boundingBox(), await label.boundingBox()];
  assert.ok(tick!.width < 30 && words!.x - tick!.x - tick!.width < 30, JSON.stringify([tick, words]));
  assert.ok(words!.height < 30, JSON.stringify(words));
  await page.close();
});

test('pages can be used by keyboard: a skip link first, and a visible focus', { skip, timeout: 60_000 }, async () => {
  const { page } = await open('/', 1280);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the content');
  assert.ok(((await page.evaluate('document.activeElement.getBoundingClientRect().top')) as number) >= 0);
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate('document.activeElement.id'), 'main');
  for (const landmark of ['header', 'nav[aria-label]', 'main', 'footer', 'h1'])
    assert.equal(await page.locator(landmark).count(), 1, landmark);
  await page.close();
});

test('pages work without JavaScript', { skip, timeout: 60_000 }, async () => {
  const plain = await browser.browser()!.newContext({ javaScriptEnabled: false });
  const page = await plain.newPage();
  await page.goto(`${base}/job/${ids.running}`);
  assert.match((await page.locator('pre.log').textContent()) ?? '', /003999 dh binary/);
  await page.goto(`${base}/packages`);
  await page.fill('#q', 'hello');
  await page.click('button[type=submit]');
  assert.equal(await page.locator('.packages > li').count(), 1);
  assert.equal(await page.locator('[data-copy]:visible').count(), 0, 'no button that does nothing');
  await plain.close();
});

test('a page changes by itself, keeps what was opened, and keeps its log', { skip, timeout: 60_000 }, async () => {
  const { page, complaints } = await open('/package/hello', 1280);
  await page.locator('details.way > summary').first().click();
  await page.waitForTimeout(1500);
  await database.db.updateTable('publication').set({ first_snapshot: 7 }).where('state', '=', 'PUBLISHED').execute();
  await notify(database.db, 'event', 1);
  await page.getByText('since stable@7').first().waitFor({ timeout: 30_000 });
  assert.equal(await page.locator('details.way').first().getAttribute('open'), '');
  assert.deepEqual(complaints, []);
  await page.close();
});

test(
  'a log grows under the eyes of its reader, follows its end only when the reader is there, and is right after reload',
  { skip, timeout: 60_000 },
  async () => {
    const { page, complaints } = await open(`/job/${ids.running}`, 1280);
    await page.getByText('Live', { exact: true }).waitFor();
    let size = Buffer.byteLength(`${longLog(4000)}checking whether the kernel hangs... `);
    const grow = async (text: string) => {
      await seedLog(database.db, ids.running, 1, Buffer.from(text), size);
      size += Buffer.byteLength(text);
      await database.db.updateTable('attempt').set({ log_bytes: size }).where('job', '=', ids.running).execute();
      await notify(database.db, 'log', ids.running);
    };
    const atEnd = async () =>
      (await page.evaluate(
        '(() => { const e = document.querySelector("pre.log"); return e.scrollHeight - e.scrollTop - e.clientHeight < 5; })()',
      )) as boolean;
    await grow('no\n\u001b[32mgreen\u001b[0m <i>line</i>\n');
    await page.locator('.log .ansi-green', { hasText: 'green' }).waitFor();
    assert.ok(await atEnd());
    await page.evaluate('document.querySelector("pre.log").scrollTop = 0');
    await grow(`${longLog(50)}the last line\n`);
    await page.getByText('the last line').waitFor();
    assert.ok(!(await atEnd()), 'the reader stays where they read');
    const live = ((await page.locator('[data-log-lines]').textContent()) ?? '').split('\n').slice(-60);
    // What the page is replaced with leaves the log alone.
    await notify(database.db, 'event', 1);
    await page.waitForTimeout(1200);
    assert.deepEqual(((await page.locator('[data-log-lines]').textContent()) ?? '').split('\n').slice(-60), live);
    await page.reload();
    assert.deepEqual(((await page.locator('[data-log-lines]').textContent()) ?? '').split('\n').slice(-60), live);
    await database.db
      .updateTable('attempt')
      .set({ finished_at: seedNow, outcome: 'built' })
      .where('job', '=', ids.running)
      .execute();
    await notify(database.db, 'event', 1);
    await page.getByText('Complete', { exact: true }).waitFor({ timeout: 10_000 });
    assert.deepEqual(complaints, []);
    await page.close();
  },
);

test('the log of a job that just began appears on its open page', { skip, timeout: 60_000 }, async () => {
  const { page, complaints } = await open(`/job/${ids.waiting}`, 1280);
  await page.getByText('No attempt was made yet').waitFor();
  await page.waitForTimeout(1000);
  await database.db
    .updateTable('job')
    .set({ state: 'Building', attempt: 1, worker: 'bellows' })
    .where('id', '=', ids.waiting)
    .execute();
  await seedAttempt(database.db, { job: ids.waiting, worker: 'bellows', at: seedNow, log: 'first words\n' });
  await notify(database.db, 'event', 1);
  await page.locator('pre.log').getByText('first words').waitFor({ timeout: 10_000 });
  assert.deepEqual(complaints, []);
  await page.close();
});
