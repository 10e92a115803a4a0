import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { planIntervals, type IntervalChanges } from './intervals.ts';
import { common, contains, toPieceSet, union, without, type PieceSet } from './piece-set.ts';

const set = (...pieces: number[]) => toPieceSet(Uint32Array.from(pieces));
const anySet = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 20 });

test('piece sets agree with Set', () => {
  fc.assert(
    fc.property(anySet, anySet, (left, right) => {
      const [a, b] = [set(...left), set(...right)];
      const sorted = (values: Iterable<number>) => [...new Set(values)].toSorted((x, y) => x - y);
      assert.deepEqual([...a], sorted(left));
      assert.deepEqual([...without(a, b)], sorted(left.filter((each) => !right.includes(each))));
      assert.deepEqual([...common(a, b)], sorted(left.filter((each) => right.includes(each))));
      assert.deepEqual([...union([a, b])], sorted([...left, ...right]));
      for (let piece = 0; piece <= 31; piece++) assert.equal(contains(a, piece), left.includes(piece));
    }),
  );
});

/** Pieces by what becomes of them. */
function plan(before: PieceSet, thought: PieceSet, truth: PieceSet, after: PieceSet): Record<string, number[]> {
  const changes: IntervalChanges<PieceSet> = planIntervals({ without, common }, { before, thought, truth, after });
  return Object.fromEntries(
    Object.entries(changes).flatMap(([what, pieces]) => (pieces.length > 0 ? [[what, [...pieces]]] : [])),
  );
}

test('planIntervals: the newest snapshot ends and begins', () => {
  assert.deepEqual(plan(set(1, 2), set(1, 2), set(2, 3), set()), { end: [1], begin: [3] });
});

test('planIntervals: a snapshot between two cuts what was thought to last', () => {
  // 1 lasts, 2 was gone here only, 3 ended a snapshot later than was thought, 4 began here, 5 was here only.
  assert.deepEqual(plan(set(1, 2, 3), set(1, 2, 3), set(1, 4, 5), set(1, 2, 4)), {
    split: [2],
    end: [3],
    beginEarlier: [4],
    begin: [5],
  });
});

test('planIntervals: an index that is added to a known snapshot joins what was cut', () => {
  assert.deepEqual(plan(set(1, 2), set(), set(1, 2, 3, 4), set(1, 3)), {
    join: [1],
    prolong: [2],
    beginEarlier: [3],
    begin: [4],
  });
});
