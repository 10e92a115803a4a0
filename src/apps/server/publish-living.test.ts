import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { toyArchive } from '../../../test/toy-archive.ts';
import { publishSuite } from '../../archive/mod.ts';
import type { Suite } from '../../model/distribution.ts';
import { parseLabel, parseSuiteName } from '../../model/names.ts';
import { publishLiving, publishNew, type LivingDeps } from './publish-living.ts';

const start = new Date('2026-11-21T03:00:00Z');
const later = (days: number) => new Date(start.getTime() + days * 86_400_000);

/** The first of two suites is one of a repository whose key cannot be read; `stable` is sound. */
async function open(t: TestContext) {
  const toy = await toyArchive();
  t.after(toy.close);
  const [stable] = toy.deps.distribution.suites.values();
  const broken: Suite = { ...stable!, name: parseSuiteName('broken'), repository: parseLabel('other') };
  const suites = new Map([broken, stable!].map((suite) => [suite.name, suite]));
  const archive = { ...toy.deps, distribution: { ...toy.deps.distribution, suites } };
  const failed: string[] = [];
  const at = (now: Date, signal?: AbortSignal): LivingDeps => ({
    archive,
    now: () => now,
    onError: ({ name }, error) => failed.push(`${name}: ${(error as { code?: string }).code}`),
    signal,
  });
  return { archive, at, failed };
}

const names = async (archive: LivingDeps['archive']) =>
  (
    await archive.db
      .selectFrom('snapshot')
      .select(['suite', 'number'])
      .where('state', '=', 'published')
      .orderBy('number')
      .execute()
  ).map(({ suite, number }) => `${suite}@${number}`);

test('publishLiving renews the other suites when one cannot be published', async (t) => {
  const { archive, at, failed } = await open(t);
  await publishSuite(archive, 'stable', start);
  await publishLiving(at(later(6)));
  assert.deepEqual(failed, ['broken: key-missing']);
  assert.deepEqual(await names(archive), ['stable@1', 'stable@2']);
});

test('publishNew gives suites a first snapshot, and leaves the others to publishLiving', async (t) => {
  const { archive, at, failed } = await open(t);
  await publishNew(at(start));
  assert.deepEqual([await names(archive), failed], [['stable@1'], ['broken: key-missing']]);
  await publishNew(at(later(6)));
  assert.deepEqual(await names(archive), ['stable@1']);
});

test('publishLiving ends between two suites when it is told to', async (t) => {
  const { archive, at, failed } = await open(t);
  await publishLiving(at(start, AbortSignal.abort()));
  assert.deepEqual([await names(archive), failed], [[], []]);
});
