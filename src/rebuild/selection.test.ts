import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseNameList, parsePopularity, selectSources, unmatchedWords } from './selection.ts';

const candidates = [
  { source: 'glibc', binaries: ['libc6', 'libc-bin'] },
  { source: 'hello', binaries: ['hello'] },
  { source: 'bash', binaries: ['bash'] },
];
const all = { patterns: [], allow: [], deny: [], popularity: undefined };

test('selectSources takes what fits, the most popular first, else by name', () => {
  assert.deepEqual(selectSources(candidates, all), ['bash', 'glibc', 'hello']);
  const popularity = new Map([['libc-bin', 9], ['hello', 7], ['bash', 8]]); // prettier-ignore
  assert.deepEqual(selectSources(candidates, { ...all, popularity }), ['glibc', 'bash', 'hello']);
  assert.deepEqual(selectSources(candidates, { ...all, patterns: ['*l*'], deny: ['h*'] }), ['glibc']);
  assert.deepEqual(selectSources(candidates, { ...all, allow: ['bash', 'other'] }), ['bash']);
});

test('unmatchedWords tells what no source package fits', () => {
  const selection = { ...all, patterns: ['b*', 'libc6', 'x*'], allow: ['hello', 'helo', 'libc6'], deny: ['none'] };
  assert.deepEqual(unmatchedWords(candidates, selection), ['libc6', 'x*', 'helo']);
});

test('parseNameList reads names and patterns, and says where something else stands', () => {
  assert.deepEqual(parseNameList('# why\nbash # shell\n\nlib*\n', 'f'), ['bash', 'lib*']);
  assert.throws(() => parseNameList('bash\nrm -rf /\n', 'f'), { code: 'bad-list', place: { file: 'f', line: 2 } });
});

test('parsePopularity reads by_inst as popcon publishes it', () => {
  const text = [
    '#Format',
    '#rank name  inst  vote   old recent no-files (maintainer)',
    '1     dpkg                           209344 194322  4563 10387    72 (Dpkg Developers)',
    '2     libc6                          209341 0 0 0 209341 (Not in sid)',
    '------------------------------------------------',
    '99    Total                          209344 1 2 3 4',
    '',
  ].join('\n');
  assert.deepEqual([...parsePopularity(text, 'by_inst')], [['dpkg', 209_344], ['libc6', 209_341]]); // prettier-ignore
  assert.throws(() => parsePopularity('dpkg,1\n', 'f'), { code: 'bad-list', place: { file: 'f', line: 1 } });
});
