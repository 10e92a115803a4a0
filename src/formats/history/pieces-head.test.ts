import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { formatPiecesHead, parsePiecesHead, type PiecesHead } from './pieces-head.ts';

const lengthOf = (piece: number) => (piece % 997) + 1;
const number = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 2 ** 31 - 1 }));
const piece = fc.record({
  number,
  length: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  sum: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  predecessor: number,
});

function toHead(
  pieces: readonly { number: number; length: number; sum: number; predecessor: number }[],
  helped: boolean,
) {
  const head: PiecesHead = {
    numbers: Uint32Array.from(pieces, (each) => each.number),
    lengths: Uint32Array.from(pieces, (each) => each.length),
    sums: Uint32Array.from(pieces, (each) => each.sum),
    predecessors: helped ? Uint32Array.from(pieces, (each) => each.predecessor) : undefined,
  };
  return head;
}

test('formatPiecesHead: parsePiecesHead reads it again', () => {
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 30 }), fc.boolean(), (pieces, helped) => {
      const head = toHead(pieces, helped);
      assert.deepEqual(parsePiecesHead(formatPiecesHead(head, lengthOf), lengthOf), head);
    }),
  );
});

test('formatPiecesHead: a row of new pieces beside a row of predecessors takes six bytes each', () => {
  const pieces = Array.from({ length: 300 }, (_, index) => ({
    number: 100_000 + index,
    length: lengthOf(500 + index) + 3,
    sum: index,
    predecessor: 500 + index,
  }));
  assert.ok(formatPiecesHead(toHead(pieces, true), lengthOf).length <= 300 * 6 + 10);
});

test('parsePiecesHead: throws bad-frame, whatever the bytes are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        const { numbers, lengths } = parsePiecesHead(bytes, lengthOf);
        assert.ok(numbers.every((each) => each > 0) && lengths.every((each) => each > 0));
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'bad-frame');
      }
    }),
    { numRuns: 2000 },
  );
});

test('parsePiecesHead: refuses a length below 1', () => {
  const head = toHead([{ number: 5, length: 3, sum: 0, predecessor: 900 }], true);
  const bytes = formatPiecesHead(head, lengthOf);
  assert.throws(() => parsePiecesHead(bytes, () => 1), { code: 'bad-frame' });
});
