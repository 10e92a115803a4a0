import assert from 'node:assert/strict';
import { test } from 'node:test';

import { findIdMap, parseSubordinateIds } from './ids.ts';

test('parseSubordinateIds finds a user by name or number and takes 65536 ids', () => {
  const text = 'anna:100000:65536\nbert:165536:131072\n1003:300000:65536\n';
  assert.deepEqual(parseSubordinateIds(text, 'bert', 1001), { start: 165_536, count: 65_536 });
  assert.deepEqual(parseSubordinateIds(text, 'carl', 1003), { start: 300_000, count: 65_536 });
  assert.equal(parseSubordinateIds(text, 'dora', 1004), undefined);
});

test('parseSubordinateIds passes over ranges that are too small, broken, or begin with root', () => {
  const text = 'anna:100000:1000\nanna::65536\nanna:x:65536\nanna:0:65536\nanna\nanna:500000:65536\n';
  assert.deepEqual(parseSubordinateIds(text, 'anna', 1000), { start: 500_000, count: 65_536 });
});

test(
  'findIdMap never gives a sandbox an id of root or the caller',
  { skip: process.getuid!() !== 0 && 'not root' },
  async () => {
    const map = await findIdMap();
    assert.ok(map.uid.start > 65_535 && map.gid.start > 65_535);
  },
);
