import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';

import type pg from 'pg';

import { listen } from './notify.ts';

test('listen gives its connection back once, also when that breaks while it is closed', async () => {
  let released = 0;
  const client = Object.assign(new EventEmitter(), { query: async () => {}, release: () => released++ });
  const listener = await listen({ connect: async () => client } as unknown as pg.Pool, ['event'], () => {});
  await listener.close();
  client.emit('error', new Error('the database was dropped'));
  assert.equal(released, 1);
});
