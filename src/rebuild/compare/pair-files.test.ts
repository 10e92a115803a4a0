import assert from 'node:assert/strict';
import { test } from 'node:test';

import { pairFiles } from './pair-files.ts';

test('pairFiles brings packages together by name and architecture', () => {
  const left = ['l/a_1_amd64.deb', 'l/a_1_arm64.deb', 'l/b_1_all.deb', 'l/c_1_all.deb'];
  const right = ['r/a_2_amd64.deb', 'r/b_1_all.deb', 'r/d_1_all.deb'];
  assert.deepEqual(pairFiles(left, right), {
    pairs: [
      { left: 'l/a_1_amd64.deb', right: 'r/a_2_amd64.deb' },
      { left: 'l/b_1_all.deb', right: 'r/b_1_all.deb' },
    ],
    onlyLeft: ['l/a_1_arm64.deb', 'l/c_1_all.deb'],
    onlyRight: ['r/d_1_all.deb'],
  });
});

test('pairFiles takes the same version first, then the last', () => {
  const left = ['l/a_1_all.deb', 'l/a_2_all.deb', 'l/a_3_all.deb'];
  assert.deepEqual(pairFiles(left, ['r/a_2_all.deb', 'r/a_4_all.deb']), {
    pairs: [
      { left: 'l/a_2_all.deb', right: 'r/a_2_all.deb' },
      { left: 'l/a_3_all.deb', right: 'r/a_4_all.deb' },
    ],
    onlyLeft: ['l/a_1_all.deb'],
    onlyRight: [],
  });
});

test('pairFiles brings two single files together whatever they are called', () => {
  assert.deepEqual(pairFiles(['x.deb'], ['y.deb']).pairs, [{ left: 'x.deb', right: 'y.deb' }]);
});
