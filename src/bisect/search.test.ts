import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { roundsLeft, search, type Verdict } from './search.ts';

/** Searches a row of verdicts; the states in the order in which they were tried. */
async function searchIn(row: readonly Verdict[]) {
  const tried: number[] = [];
  const found = await search(row.length - 1, async (state) => {
    tried.push(state);
    return row[state]!;
  });
  return { found, tried };
}

test('search finds the first bad state in as few attempts as halving needs', async () => {
  for (let count = 2; count <= 70; count++) {
    for (let first = 1; first < count; first++) {
      const row = Array.from({ length: count }, (_, state): Verdict => (state < first ? 'good' : 'bad'));
      const { found, tried } = await searchIn(row);
      assert.deepEqual(found, { good: first - 1, bad: first });
      assert.ok(tried.length <= roundsLeft(count - 1), `${tried.length} attempts among ${count}`);
    }
  }
});

test('search leaves only what cannot be tried between the last good state and the first bad one', async () => {
  const rows = fc
    .record({
      skips: fc.array(fc.boolean(), { maxLength: 60 }),
      first: fc.nat({ max: 60 }),
    })
    .map(({ skips, first }): Verdict[] => [
      'good',
      ...skips.map((skip, at): Verdict => (skip ? 'skip' : at < first ? 'good' : 'bad')),
      'bad',
    ]);
  await fc.assert(
    fc.asyncProperty(rows, async (row) => {
      const { found, tried } = await searchIn(row);
      assert.deepEqual(found, { good: row.lastIndexOf('good'), bad: row.indexOf('bad') });
      assert.equal(new Set(tried).size, tried.length);
      assert.ok(!tried.includes(0) && !tried.includes(row.length - 1));
    }),
  );
});

test('search gets away from a block of states that cannot be tried', async () => {
  const row = Array.from({ length: 1001 }, (_, state): Verdict =>
    state >= 300 && state < 700 ? 'skip' : state < 900 ? 'good' : 'bad',
  );
  const { found, tried } = await searchIn(row);
  assert.deepEqual(found, { good: 899, bad: 900 });
  assert.ok(tried.length < 20, String(tried.length));
});

test('search of two neighbours tries nothing', async () => {
  assert.deepEqual(await searchIn(['good', 'bad']), { found: { good: 0, bad: 1 }, tried: [] });
});
