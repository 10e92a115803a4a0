import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Db } from '../../db/connect.ts';
import { remember } from './remember.ts';

/** How often each of these states was asked about, and the answers. */
async function ask(states: readonly string[], make: (state: string) => Promise<string>) {
  const db = {} as Db;
  let made = 0;
  const answers: string[] = [];
  for (const state of states) {
    const answer = remember(db, 'toys', state, () => (made++, make(state)));
    answers.push(await answer.catch((error: Error) => error.message));
  }
  return { made, answers };
}

test('remember asks again only when the state is another', async () => {
  const { made, answers } = await ask(['1', '1', '2', '2'], async (state) => `of ${state}`);
  assert.deepEqual([made, answers], [2, ['of 1', 'of 1', 'of 2', 'of 2']]);
});

test('remember keeps no failure', async () => {
  const { made, answers } = await ask(['1', '1'], () => Promise.reject(new Error('no database')));
  assert.deepEqual([made, answers], [2, ['no database', 'no database']]);
});

test('remember lets those who ask at once wait for one answer', async () => {
  const db = {} as Db;
  let made = 0;
  const answer = () => remember(db, 'toys', '1', async () => ++made);
  assert.deepEqual(await Promise.all([answer(), answer()]), [1, 1]);
});
