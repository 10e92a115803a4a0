import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { applyEdScript } from '../formats/deb/ed-script.ts';
import { formatEdScript } from '../formats/deb/ed-script-write.ts';
import { countLines } from '../formats/deb/line-changes.ts';
import { order } from '../kit/order.ts';
import { changeBlocks, type OldBlocks } from './change-blocks.ts';
import { blockEnds, nameAt } from './index-runs.ts';
import { indexChanges } from './pdiff-changes.ts';

/** Versions by name: each has its stanza in the index. */
type Packages = ReadonlyMap<string, readonly string[]>;

const runOf = (name: string, versions: readonly string[]) =>
  versions
    .map((version) => `Package: ${name}\nVersion: ${version}\nDescription: one of ${name}\n .\n text\nSize: ${version.length}\n\n`)
    .join(''); // prettier-ignore
const indexOf = (packages: Packages) =>
  Buffer.from([...packages].toSorted(([a], [b]) => order(a, b)).map(([name, versions]) => runOf(name, versions)).join('')); // prettier-ignore

// Few bytes a block, so that a change meets several.
const target = 1600;

function blocksOf(index: Uint8Array): OldBlocks & { readonly counts: number[] } {
  const ends = blockEnds(index, target);
  const start = (number: number) => (number === 0 ? 0 : ends[number - 1]!);
  return {
    count: ends.length,
    firstName: (number) => nameAt(index, start(number)),
    size: (number) => start(number + 1) - start(number),
    read: async (first, end) => index.subarray(start(first), start(end)),
    counts: ends.map((end, number) => countLines(index.subarray(start(number), end))),
  };
}

const name = fc.integer({ min: 0, max: 40 }).map((number) => `package-${number}`);
const versions = fc.array(fc.constantFrom('1', '2', '10~rc', '11'), { maxLength: 3 });
const change = fc.uniqueArray(fc.tuple(name, versions), { selector: ([each]) => each, maxLength: 12 });

test('indexChanges leads through random histories, from changed blocks alone', async () => {
  let scripts = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 2, maxLength: 6 }), async (steps) => {
      let packages = new Map<string, readonly string[]>();
      for (const step of steps) {
        const before = indexOf(packages);
        packages = new Map([...new Map([...packages, ...step])].filter(([, each]) => each.length > 0));
        const now = indexOf(packages);
        const old = blocksOf(before);
        const runs = new Map(step.map(([each, all]) => [each, runOf(each, all)]));
        const edits = await changeBlocks(old, runs, target);
        const lines = (end: number) => old.counts.slice(0, end).reduce((sum, count) => sum + count, 0);
        const script = formatEdScript(indexChanges(edits.map((edit) => ({ ...edit, line: lines(edit.first) }))))!;
        assert.deepEqual(Buffer.from(applyEdScript(before, script, { bytes: 2 ** 20 })), now);
        // The whole as one block that was made anew gives the same changes.
        const whole = [{ line: 0, before, blocks: [now] }];
        assert.deepEqual(Buffer.from(formatEdScript(indexChanges(whole))!), Buffer.from(script));
        scripts++;
      }
    }),
    { numRuns: 200 },
  );
  assert.ok(scripts > 400);
});

test('indexChanges gives only the lines of a new version that differ', () => {
  const before = indexOf(new Map([['a', ['1']], ['b', ['1']], ['c', ['1']]])); // prettier-ignore
  const now = indexOf(new Map([['a', ['1']], ['b', ['20']], ['c', ['1']]])); // prettier-ignore
  const script = formatEdScript(indexChanges([{ line: 0, before, blocks: [now] }]))!;
  assert.equal(Buffer.from(script).toString(), '13c\nSize: 2\n.\n9c\nVersion: 20\n.\n');
});

test('indexChanges is true of indexes in any order too', () => {
  const before = Buffer.from(runOf('b', ['1']) + runOf('a', ['1']) + runOf('c', ['1']));
  const now = Buffer.from(runOf('c', ['1']) + runOf('b', ['2']) + runOf('a', ['1']));
  const script = formatEdScript(indexChanges([{ line: 0, before, blocks: [now] }]))!;
  assert.deepEqual(Buffer.from(applyEdScript(before, script, { bytes: 2 ** 20 })), now);
});
