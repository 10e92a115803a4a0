import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { blockEnds, cutRuns, replaceRuns } from './index-runs.ts';

const stanza = (name: string, version: string) => `Package: ${name}\nVersion: ${version}\n\n`;
const text = (packages: ReadonlyMap<string, string>) =>
  [...packages]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, stanzas]) => stanzas)
    .join('');

const name = fc.stringMatching(/^[a-d][a-d0-9+.-]{1,3}$/);
const version = fc.stringMatching(/^[0-9]{1,4}$/);
const stanzas = fc.tuple(name, fc.array(version, { maxLength: 3 })).map(
  // An empty list is a package that goes.
  ([name, versions]) => [name, versions.map((each) => stanza(name, each)).join('')] as const,
);

test('replacing runs gives what writing the whole index gives, through any sequence of changes', () => {
  fc.assert(
    fc.property(fc.array(fc.array(stanzas, { maxLength: 12 }), { maxLength: 8 }), (steps) => {
      const packages = new Map<string, string>();
      let index: Uint8Array = new Uint8Array();
      for (const step of steps) {
        const runs = new Map(step);
        for (const [name, run] of runs) packages.set(name, run);
        index = Buffer.concat(replaceRuns(index, runs));
        assert.equal(Buffer.from(index).toString(), text(packages));
      }
    }),
    { numRuns: 300 },
  );
});

test('blocks end where stanzas end, and a new version moves no cut', () => {
  const names = Array.from({ length: 5000 }, (_, number) => `package-${number}`).toSorted();
  const index = (of: (name: string) => string) => Buffer.from(names.map((each) => stanza(each, of(each))).join(''));
  const before = index(() => '1.0');
  const after = index((each) => (each === 'package-77' ? '1.1' : '1.0'));
  const ends = blockEnds(before, 40_000);
  assert.ok(ends.length > 20 && ends.length < 400, String(ends.length));
  assert.deepEqual(blockEnds(after, 40_000), ends);
  assert.equal(ends.at(-1), before.length);
  const sizes = ends.map((end, number) => end - (ends[number - 1] ?? 0));
  assert.ok(Math.max(...sizes) < 60_000, String(Math.max(...sizes)));
  for (const end of ends) assert.equal(before.subarray(end - 2, end).toString(), '\n\n');
  // One that is longer moves those behind it alone, and all by the same.
  const longer = blockEnds(
    index((each) => (each === 'package-77' ? '1.1-longer' : '1.0')),
    40_000,
  );
  const place = before.indexOf('Package: package-77\n');
  assert.deepEqual(
    longer,
    ends.map((end) => (end > place ? end + '-longer'.length : end)),
  );
});

test('cutRuns cuts an index that comes run by run where blockEnds would, and each block lasts as long as it says', async () => {
  const names = Array.from({ length: 3000 }, (_, number) => `package-${number}`).toSorted();
  const runs = names.map(
    (name, number) => [name, number % 7 === 0 ? '' : stanza(name, 'é'.repeat(number % 50))] as const,
  );
  const index = Buffer.from(runs.map(([, run]) => run).join(''));
  const found: Buffer[] = [];
  let waiting: Uint8Array[] = [];
  for await (const block of cutRuns(runs, 8000, 2)) {
    waiting.push(block);
    if (waiting.length === 3) found.push(Buffer.from(waiting.shift()!));
  }
  found.push(...waiting.map((block) => Buffer.from(block)));
  assert.equal(Buffer.concat(found).toString(), index.toString());
  let end = 0;
  assert.deepEqual(
    found.map((block) => (end += block.length)),
    blockEnds(index, 8000),
  );
});
