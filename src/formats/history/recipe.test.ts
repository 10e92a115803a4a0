import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';

import fc from 'fast-check';

import {
  changesOf,
  formatChangedList,
  formatRecipeHead,
  formatWholeList,
  parseChangedList,
  parseRecipeHead,
  parseWholeList,
  type RecipeHead,
} from './recipe.ts';

const list = fc
  .array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 2 ** 31 - 1 })), { maxLength: 60 })
  .map((numbers) => Uint32Array.from(numbers));

test('formatWholeList: parseWholeList reads it again', () => {
  fc.assert(
    fc.property(list, (numbers) => {
      assert.deepEqual(parseWholeList(formatWholeList(numbers), numbers.length), numbers);
    }),
  );
});

test('formatChangedList: parseChangedList reads it again, from any list to any other', () => {
  fc.assert(
    fc.property(list, list, (base, numbers) => {
      assert.deepEqual(
        parseChangedList(base, formatChangedList(numbers, changesOf(base, numbers)), numbers.length),
        numbers,
      );
    }),
  );
});

test('changesOf: lists that are sorted alike differ only where they differ', () => {
  const base = Uint32Array.from({ length: 1000 }, (_, index) => index + 1);
  const changed = [...base];
  changed.splice(10, 1, 5001);
  changed.splice(400, 2);
  changed.splice(700, 0, 5002, 5003);
  assert.deepEqual(changesOf(base, Uint32Array.from(changed)), [
    { keep: 10, drop: 1, from: 10, to: 11 },
    { keep: 389, drop: 2, from: 400, to: 400 },
    { keep: 300, drop: 0, from: 700, to: 702 },
  ]);
  assert.deepEqual(changesOf(base, base), []);
  assert.ok(formatChangedList(Uint32Array.from(changed), changesOf(base, Uint32Array.from(changed))).length < 30);
  assert.ok(formatWholeList(base).length < 5);
});

test('parseWholeList, parseChangedList: refuse lists of another length', () => {
  const numbers = Uint32Array.from([4, 5, 6, 9]);
  const base = Uint32Array.from([4, 5, 7]);
  for (const count of [3, 5]) {
    assert.throws(() => parseWholeList(formatWholeList(numbers), count), { code: 'bad-frame' });
    assert.throws(() => parseChangedList(base, formatChangedList(numbers, changesOf(base, numbers)), count), {
      code: 'bad-frame',
    });
  }
});

test('parseWholeList, parseChangedList: throw bad-frame, whatever the bytes are', () => {
  const base = Uint32Array.from([1, 2, 3, 900]);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(100), (bytes, count) => {
      for (const parse of [() => parseWholeList(bytes, count), () => parseChangedList(base, bytes, count)]) {
        try {
          assert.equal(parse().length, count);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'bad-frame');
        }
      }
    }),
    { numRuns: 2000 },
  );
});

test('formatRecipeHead: parseRecipeHead reads it again', () => {
  const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
  const head = fc.record({
    sha256: fc.string().map((text) => createHash('sha256').update(text).digest('hex')),
    place: fc.nat(),
    size: count,
    split: fc.constantFrom('stanzas' as const, 'lines' as const),
    ...{ pieces: count, newPieces: count, next: count, listLength: count },
  });
  fc.assert(
    fc.property(head, fc.boolean(), (given, isWhole) => {
      const base = isWhole || given.place === 0 ? undefined : given.place - 1;
      const whole: RecipeHead = { ...given, base };
      assert.deepEqual(parseRecipeHead(formatRecipeHead(whole)), whole);
    }),
  );
});

test('parseRecipeHead: throws bad-frame for heads that are cut off or go on', () => {
  const head: RecipeHead = {
    ...{ sha256: 'ab'.repeat(32), place: 3, size: 10 ** 9, split: 'lines', pieces: 9, newPieces: 1 },
    ...{ next: 10, base: 2, listLength: 77 },
  };
  const bytes = formatRecipeHead(head);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => parseRecipeHead(bytes.subarray(0, length)), { code: 'bad-frame' }, String(length));
  }
  assert.throws(() => parseRecipeHead(Uint8Array.from([...bytes, 0])), { code: 'bad-frame' });
});
