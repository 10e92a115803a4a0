import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { historyWorld, type HistoryWorld, type ToyEntry } from '../../../../../test/history-world.ts';
import { checkHtml } from '../../../../../test/html.ts';
import { seedDistribution, seedNow } from '../../../../../test/seed.ts';
import { comparePlaces } from '../../../../flows/compare-places.ts';
import type { WebDeps } from '../../ports.ts';
import { compareView } from '../compare.ts';

let world: HistoryWorld;
let deps: WebDeps;

const many = (version: string): ToyEntry[] =>
  Array.from({ length: 70 }, (_, index) => ({ name: `package${String(index).padStart(2, '0')}`, version }));

before(async () => {
  world = await historyWorld();
  const sid = { origin: 'debian', suite: 'sid' };
  const jq = { name: 'jq', version: '1.7-1' };
  await world.record(
    { ...sid, snapshotId: '20260101T000000Z' },
    [...many('1-1'), jq, { name: 'gone' }],
    [{ name: 'hello', version: '1-1' }],
  );
  await world.record(
    { ...sid, snapshotId: '20260102T000000Z' },
    [...many('2-1'), { ...jq, sha256: 'e'.repeat(64) }, { name: 'came' }],
    [{ name: 'hello', version: '2-1' }],
  );
  await world.record({ origin: 'debian', suite: 'lone', snapshotId: '20260102T000000Z' }, [jq]);
  const distribution = seedDistribution();
  const compare: WebDeps['compare'] = (a, b, options) =>
    comparePlaces({ history: { ...world.deps, distribution } }, a, b, options);
  deps = { db: world.db, distribution, compare } as WebDeps;
});
after(() => world.close());

/** The page as a visitor sees it, its status before it. */
async function page(query: string): Promise<string> {
  const shown = await compareView({
    deps,
    now: seedNow,
    params: {},
    query: new URLSearchParams(query),
    occasion: 'page',
    visitor: undefined,
  });
  const html = String(await shown!.body);
  checkHtml(html, query);
  return `${shown!.status} ${html}`.replaceAll(/\s+/g, ' ');
}

const links = (html: string) =>
  [...html.matchAll(/href="([^"]*)"/g)].map((match) => match[1]!.replaceAll('&amp;', '&'));

test('compareView without places offers what there is', async () => {
  const html = await page('');
  assert.match(html, /^200 .*<option value="debian\/sid">/);
  assert.ok(links(html).includes('/compare?b=debian%2Fsid'));
});

test('compareView without places leads to no change of a suite that has had none yet', async () => {
  const html = await page('');
  assert.match(html, /<option value="debian\/lone">/);
  assert.ok(!links(html).includes('/compare?b=debian%2Flone'));
});

test('compareView of two places tells alarms, counts and sources, and names the places in full', async () => {
  const html = await page('a=debian/sid@2026-01-01&b=debian/sid');
  assert.match(
    html,
    /1 alarm<.*jq.*1\.7-1.*was <code[^>]*>[0-9a-f]{64}<\/code>, is <code[^>]*>e{64}<.*id="difference"/,
  );
  assert.match(html, /debian\/sid@20260101T000000Z → debian\/sid@20260102T000000Z/);
  assert.match(html, /<b>70<\/b> upgraded/);
  assert.match(
    html,
    /hello<\/a> <\/th> <td class="versions"><span class="version">1-1<\/span> → <span class="version">2-1/,
  );
});

test('compareView takes one place alone, in either field, for its last change', async () => {
  for (const query of ['b=debian/sid', 'a=debian/sid', 'a=debian/sid&b=', 'a=&b=debian/sid']) {
    assert.match(await page(query), /^200 .*debian\/sid@20260101T000000Z → debian\/sid@20260102T000000Z/, query);
  }
});

test('compareView: each number leads to what it counts, and filters stay from page to page', async () => {
  const html = await page('b=debian/sid&name=package');
  const upgraded = links(html).find((href) => href.includes('only=upgraded'))!;
  assert.match(upgraded, /kind=binary/);
  assert.match(upgraded, /name=package/);
  const next = links(html).find((href) => href.includes('after='))!;
  const second = await page(next.slice('/compare?'.length));
  assert.match(second, /package50.*package69/);
  assert.doesNotMatch(second, /package49/);
  const removed = await page('b=debian/sid&only=removed&kind=binary');
  assert.match(removed, /gone/);
  assert.doesNotMatch(removed, /package01/);
  assert.match(removed, /Shown: removed of binary packages/);
});

test('compareView says when nothing differs, or nothing of what was asked for', async () => {
  assert.match(await page('a=debian/sid&b=debian/sid'), /Both list the same packages/);
  assert.match(await page('b=debian/sid&name=nobody'), /Nothing of this kind differs.*Show all differences/);
});

test('compareView answers a place that is not there with what there is', async () => {
  assert.match(
    await page('a=debian/sid&b=debian/nowhere'),
    /^404 .*no suite is called debian\/nowhere.*There is debian\/lone, debian\/sid/,
  );
  assert.match(await page('b=debian/sid@20260101T000000Z'), /^404 .*it is the first that is kept/);
});

test('compareView never reads a path, and shows nothing as markup', async () => {
  assert.match(await page('a=/etc/passwd&b=debian/sid'), /^404 .*no suite is called/);
  assert.doesNotMatch(await page('a=%3Cscript%3E&b=%3Cscript%3E&name=%3Cscript%3E&after=%3Cscript%3E'), /<script/);
});

test('compareView tells how to begin where nothing is kept', async () => {
  const empty = await historyWorld();
  try {
    const context = {
      deps: { ...deps, db: empty.db },
      now: seedNow,
      params: {},
      occasion: 'page',
      visitor: undefined,
    } as const;
    const shown = await compareView({ ...context, query: new URLSearchParams() });
    assert.match(String(await shown!.body), /sheaf upstream add debian/);
  } finally {
    await empty.close();
  }
});
