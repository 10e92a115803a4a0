import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';

import fc from 'fast-check';

import { sha256 } from '../kit/digest.ts';
import type { BlockEdit } from './change-blocks.ts';
import { hashChanged } from './hash-index.ts';
import type { PlainIndex } from './plain-copy.ts';

/** The blocks as an index, and how much of it is read. */
function plainOf(content: readonly Uint8Array[]) {
  let read = 0;
  let at = 0;
  const blocks = content.map((bytes) => {
    const block = { at, size: bytes.length, lines: 0, name: 'x' };
    at += bytes.length;
    return block;
  });
  const plain: PlainIndex = {
    blocks,
    read: (first, end) => Promise.resolve(Buffer.concat(content.slice(first, end))),
    // eslint-disable-next-line @typescript-eslint/require-await
    pieces: async function* (first, end) {
      for (const bytes of content.slice(first, end)) {
        read += bytes.length;
        yield bytes;
      }
    },
    close: () => Promise.resolve(),
  };
  return { plain, read: () => read };
}

const block = (size: number) => randomBytes(size);
const whole = (content: readonly Uint8Array[]) => sha256(Buffer.concat(content));

function apply(content: readonly Uint8Array[], edits: readonly BlockEdit[]): Uint8Array[] {
  return edits
    .toReversed()
    .reduce<Uint8Array[]>((all, { first, end, blocks }) => all.toSpliced(first, end - first, ...blocks), [...content]);
}

test('hashChanged gives the hash of the changed index, change after change', async () => {
  const change = fc.record({
    from: fc.double({ min: 0, max: 0.999, noNaN: true }),
    gone: fc.integer({ min: 0, max: 3 }),
    sizes: fc.array(fc.integer({ min: 1, max: 300_000 }), { maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(change, { minLength: 1, maxLength: 2 }), { maxLength: 6 }), async (rounds) => {
      let content: Uint8Array[] = Array.from({ length: 60 }, () => block(130_000));
      for (const changes of rounds) {
        const edits: BlockEdit[] = [];
        for (const { from, gone, sizes } of changes.toSorted((a, b) => a.from - b.from)) {
          const first = Math.max(Math.floor(from * content.length), edits.at(-1)?.end ?? 0);
          const end = Math.min(first + gone, content.length);
          edits.push({ first, end, before: Buffer.concat(content.slice(first, end)), blocks: sizes.map(block) });
        }
        const { plain } = plainOf(content);
        const changed = apply(content, edits);
        const found = await hashChanged(plain, whole(content), edits);
        assert.deepEqual(found, { size: Buffer.concat(changed).length, sha256: whole(changed) });
        content = changed;
      }
    }),
    { numRuns: 15 },
  );
});

test('hashChanged goes on from the last place before the first change', async () => {
  const content = Array.from({ length: 80 }, () => block(100_000));
  const edit = (first: number): BlockEdit => ({
    first,
    end: first + 1,
    before: content[first]!,
    blocks: [block(100_000)],
  });
  const once = plainOf(content);
  const early = edit(5);
  await hashChanged(once.plain, whole(content), [early]);
  assert.equal(once.read(), 7_900_000);
  const next = apply(content, [early]);
  const twice = plainOf(next);
  const late = edit(70);
  const found = await hashChanged(twice.plain, whole(next), [late]);
  assert.equal(found.sha256, whole(apply(next, [late])));
  // At most the 2 MiB between two such places, and what comes after the change.
  assert.ok(twice.read() <= 2 ** 21 + 100_000 + 900_000, String(twice.read()));
});
