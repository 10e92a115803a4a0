import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { changeBlocks } from './change-blocks.ts';
import { blockEnds, nameAt } from './index-runs.ts';

const target = 3200;
// Of the usual length, so that both anchors and the size end blocks.
const description = 'long '.repeat(140);
const stanza = (name: string, version: string) =>
  `Package: ${name}\nVersion: ${version}\nDescription: ${description}\n\n`;
const format = (packages: ReadonlyMap<string, string>) =>
  Buffer.from(
    [...packages]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, run]) => run)
      .join(''),
  );

const name = fc.stringMatching(/^[a-e][a-e0-9]{1,2}$/);
const run = fc.tuple(name, fc.array(fc.stringMatching(/^[0-9]{1,4}$/), { maxLength: 3 }));

test('changeBlocks cuts where cutting the whole index anew would, through any sequence of changes', async () => {
  let [kept, made] = [0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(run, { maxLength: 30 }), { minLength: 1, maxLength: 8 }), async (steps) => {
      const packages = new Map<string, string>();
      let index: Uint8Array = new Uint8Array();
      let ends: readonly number[] = [];
      for (const step of steps) {
        const runs = new Map(step.map(([name, versions]) => [name, versions.map((v) => stanza(name, v)).join('')]));
        for (const [name, text] of runs) packages.set(name, text);
        const [oldIndex, oldEnds] = [index, ends];
        const start = (number: number) => (number === 0 ? 0 : oldEnds[number - 1]!);
        const edits = await changeBlocks(
          {
            count: oldEnds.length,
            firstName: (number) => nameAt(oldIndex, start(number)),
            size: (number) => start(number + 1) - start(number),
            read: async (first, end) => oldIndex.subarray(start(first), start(end)),
          },
          runs,
          target,
        );
        const blocks: Uint8Array[] = [];
        let next = 0;
        for (const {
          first,
          end,
          blocks: [...fresh],
        } of edits.filter((edit) => edit.first < edit.end)) {
          const same = (number: number, block: Uint8Array | undefined) =>
            block !== undefined && Buffer.compare(oldIndex.subarray(start(number), start(number + 1)), block) === 0;
          assert.ok(!same(first, fresh[0]) && !same(end - 1, fresh.at(-1)));
        }
        for (const edit of [...edits, { first: oldEnds.length, end: oldEnds.length, blocks: [] }]) {
          for (; next < edit.first; next++, kept++) blocks.push(oldIndex.subarray(start(next), start(next + 1)));
          blocks.push(...edit.blocks);
          next = edit.end;
        }
        made += blocks.length;
        index = format(packages);
        ends = blockEnds(index, target);
        let end = 0;
        assert.deepEqual(
          blocks.map((block) => (end += block.length)),
          ends,
        );
        assert.equal(Buffer.concat(blocks).toString(), index.toString());
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(kept > 0 && kept < made, `${kept} of ${made} blocks kept`);
});
