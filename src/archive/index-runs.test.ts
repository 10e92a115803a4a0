import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { blockEnds, replaceRuns } from './index-runs.ts';

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
