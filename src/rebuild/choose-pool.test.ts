import assert from 'node:assert/strict';
import { test } from 'node:test';

import { choosePools } from './choose-pool.ts';

const able = (...pools: [string, number][]) => pools.map(([pool, load]) => ({ pool, load }));

for (const [what, pools, expected] of [
  ['the one with least to do', { able: able(['a', 2], ['b', 1]), builders: [] }, ['b', 'a']],
  ['one that did not build the original', { able: able(['a', 0], ['b', 9]), builders: ['a'] }, ['b']],
  ['by name when they have as much to do', { able: able(['b', 0], ['a', 0]), builders: [] }, ['a', 'b']],
] as const) {
  test(`choosePools takes ${what}`, () => {
    assert.deepEqual(choosePools(pools, 'amd64'), { kind: 'pools', pools: expected });
  });
}

for (const [pools, reason] of [
  [
    { able: able(['default', 0]), builders: ['default', 'old'] },
    'Only pool default has workers for amd64, and built the original: enrol one in another with sheaf worker enroll --pool NAME',
  ],
  [{ able: able(['b', 0], ['a', 0]), builders: ['a', 'b'] }, /^Only pools a, b have workers for amd64, and built/],
  [{ able: [], builders: ['a'] }, /^No approved worker is for amd64: enrol one with sheaf worker enroll --pool NAME$/],
] as const) {
  test(`choosePools says that nobody can: ${pools.able.length} pools`, () => {
    const choice = choosePools(pools, 'amd64');
    assert.ok(choice.kind === 'none');
    if (typeof reason === 'string') assert.equal(choice.reason, reason);
    else assert.match(choice.reason, reason);
  });
}
