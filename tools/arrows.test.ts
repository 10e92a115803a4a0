import assert from 'node:assert/strict';
import { test } from 'node:test';

import { findCycle, judgeImport } from './arrows.ts';

const edge = (from: string, to: string, typeOnly = false) => ({ from, to, line: 1, typeOnly });

const refused = [
  ['src/intake/rules.ts', 'src/archive/mod.ts'],
  ['src/formats/deb/deb.ts', 'node:fs'],
  ['src/formats/deb/deb.ts', 'src/formats/git/tag.ts'],
  ['src/intake/rules.ts', 'src/db/connect.ts'],
  ['src/build/execute.ts', 'src/plumbing/git.ts'],
  ['src/plumbing/git.ts', 'src/intake/mod.ts'],
  ['src/flows/tag-to-suite.ts', 'src/apps/house.ts'],
  ['src/kit/error.ts', 'src/model/names.ts'],
] as const;

const permitted = [
  ['src/intake/store.ts', 'src/db/connect.ts'],
  ['src/flows/tag-to-suite.ts', 'src/intake/mod.ts'],
  ['src/formats/deb/deb.ts', 'src/formats/container/ar.ts'],
  ['src/apps/house.ts', 'src/plumbing/git.ts'],
] as const;

for (const [from, to] of refused) {
  test(`judgeImport refuses ${from} importing ${to}`, () => assert.ok(judgeImport(edge(from, to))));
}
for (const [from, to] of permitted) {
  test(`judgeImport permits ${from} importing ${to}`, () => assert.equal(judgeImport(edge(from, to)), undefined));
}

test('findCycle names the files of a cycle', () => {
  assert.deepEqual(findCycle([edge('src/a', 'src/b'), edge('src/b', 'src/c'), edge('src/c', 'src/a')]), [
    'src/a',
    'src/b',
    'src/c',
    'src/a',
  ]);
  assert.equal(findCycle([edge('src/a', 'src/b'), edge('src/a', 'src/c'), edge('src/b', 'src/c')]), undefined);
});
