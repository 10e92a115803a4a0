import assert from 'node:assert/strict';
import test from 'node:test';

import { nextSnapshotTime, type SnapshotTime } from './snapshot-time.ts';

const now = new Date('2026-11-21T03:00:00.700Z');

test('nextSnapshotTime of a first snapshot is the present second', () => {
  assert.deepEqual(nextSnapshotTime(undefined, now, 'stable'), {
    id: '20261121T030000Z',
    date: new Date('2026-11-21T03:00:00Z'),
  });
});

test('nextSnapshotTime gives every publication in one second another id, and none a later date', () => {
  let last: SnapshotTime | undefined;
  const ids = Array.from({ length: 5 }, () => {
    last = nextSnapshotTime(last, now, 'stable');
    assert.deepEqual(last.date, new Date('2026-11-21T03:00:00Z'));
    return last.id;
  });
  assert.equal(new Set(ids).size, 5);
  assert.deepEqual(ids, ids.toSorted());
  assert.equal(ids[4], '20261121T030004Z');
});

test('nextSnapshotTime stands still while a clock is corrected by seconds', () => {
  const last = nextSnapshotTime(undefined, now, 'stable');
  const next = nextSnapshotTime(last, new Date(now.getTime() - 30_000), 'stable');
  assert.deepEqual(next, { id: '20261121T030001Z', date: last.date });
});

test('nextSnapshotTime refuses a clock that was set back, and says why', () => {
  const last = nextSnapshotTime(undefined, now, 'stable');
  assert.throws(() => nextSnapshotTime(last, new Date('2026-11-20T03:00:00Z'), 'stable'), {
    code: 'clock-set-back',
    kind: 'environment',
    message: /Cannot publish suite "stable": the clock says 2026-11-20T03:00:00\.000Z/,
  });
});

test('nextSnapshotTime carries ids over midnight and the end of a year', () => {
  const last = nextSnapshotTime(undefined, new Date('2026-12-31T23:59:59Z'), 'stable');
  assert.equal(nextSnapshotTime(last, new Date('2026-12-31T23:59:59Z'), 'stable').id, '20270101T000000Z');
});
