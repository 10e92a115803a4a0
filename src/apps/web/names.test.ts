import assert from 'node:assert/strict';
import { test } from 'node:test';

import { historyWorld } from '../../../test/history-world.ts';
import { nameList } from './names.ts';

const suite = { origin: 'debian', suite: 'sid' };

test('nameList finds parts inside of names, each name once, up to a limit', async () => {
  const world = await historyWorld();
  try {
    const packages = ['bar', 'foobar', 'barbarbar', 'x-bar-y-bar', 'other'].map((name) => ({ name }));
    await world.record({ ...suite, snapshotId: '20260101T000000Z' }, packages, [{ name: 'rebar' }]);
    const names = nameList(world.db, (error) => assert.fail(String(error)));
    const inside = await names.findInside('bar', 10);
    assert.deepEqual(
      inside.map(({ kind, name }) => `${kind} ${name}`),
      ['binary foobar', 'binary x-bar-y-bar', 'source rebar'],
      'not those that begin with it',
    );
    assert.equal((await names.findInside('bar', 1)).length, 2, 'of each kind');
    assert.deepEqual(await names.findInside('nothing', 10), []);
    assert.deepEqual(await names.findInside('\n', 10), [], 'a line end is no name');
  } finally {
    await world.close();
  }
});

test('nameList answers from the old list until the names of a new snapshot are read', async () => {
  const world = await historyWorld();
  try {
    await world.record({ ...suite, snapshotId: '20260101T000000Z' }, [{ name: 'libold' }]);
    const names = nameList(world.db, (error) => assert.fail(String(error)));
    assert.equal((await names.findInside('old', 10)).length, 1);
    await world.record({ ...suite, snapshotId: '20260102T000000Z' }, [{ name: 'libnew' }]);
    assert.equal((await names.findInside('old', 10)).length, 1);
    for (let tries = 0; (await names.findInside('new', 10)).length === 0; tries++) {
      assert.ok(tries < 1000, 'the new name is found after a while');
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    await world.close();
  }
});
