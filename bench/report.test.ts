import assert from 'node:assert/strict';
import { test } from 'node:test';

import { formatTable, replaceSection, toJson, type Report } from './report.ts';

const report: Report = {
  bench: 'toy',
  title: 'A toy',
  peer: 'other tool',
  rows: [
    { what: 'wall', ours: 1.23456, peer: 4, unit: 's', aim: '≤ 1/3' },
    { what: 'rate', ours: 12_345.6, unit: '1/s' },
  ],
  notes: [],
};

test('formatTable aligns its columns and leaves the peer empty where there is none', () => {
  assert.equal(
    formatTable(report),
    `| what |   ours | other tool | unit | ours ÷ peer | aim   |
| ---- | -----: | ---------: | ---- | ----------: | ----- |
| wall |   1.23 |          4 | s    |        0.31 | ≤ 1/3 |
| rate | 12,346 |            | 1/s  |             |       |
`,
  );
});

test('toJson says the numbers, and null where there is no peer', () => {
  assert.deepEqual(toJson(report), {
    bench: 'toy',
    rows: [
      { what: 'wall', ours: 1.23, peer: 4, unit: 's', ratio: 0.309 },
      { what: 'rate', ours: 12_300, peer: null, unit: '1/s', ratio: null },
    ],
  });
});

test('replaceSection adds a section, and later replaces only that one', () => {
  const one = replaceSection('# Results\n\nWords.\n', 'toy', 'first');
  const two = replaceSection(one, 'queue', 'other\n');
  assert.equal(two, '# Results\n\nWords.\n\n## toy\n\nfirst\n\n## queue\n\nother\n');
  assert.equal(replaceSection(two, 'toy', 'second'), '# Results\n\nWords.\n\n## toy\n\nsecond\n\n## queue\n\nother\n');
});
