import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { sql } from 'kysely';

import { testDatabase } from '../../test/database.ts';

test('a connection that breaks between two statements of a transaction fails the second, and the next has another', async (t) => {
  const { db, close } = await testDatabase();
  t.after(close);
  const broken = db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx);
    await sql`select pg_terminate_backend(${rows[0]!.pid})`.execute(db);
    await sleep(300);
    await sql`select 1`.execute(trx);
  });
  await assert.rejects(broken);
  assert.deepEqual((await sql`select 1 as one`.execute(db)).rows, [{ one: 1 }]);
});
