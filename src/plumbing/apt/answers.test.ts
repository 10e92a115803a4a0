import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import type { LockedPackage } from '../../model/lock.ts';
import { Answers } from './answers.ts';

const directory = await mkdtemp(join(tmpdir(), 'sheaf-answers-'));
after(() => rm(directory, { recursive: true }));

const packages = [{ name: 'hello', version: '2.10-3' }] as unknown as readonly LockedPackage[];
const at = (...question: unknown[]) => new Answers(directory, question);

test('Answers has the answer to the same question only, and none that was cut off', async () => {
  assert.equal(await at('index', 'hello').recall(), undefined);
  await at('index', 'hello').remember(packages);
  assert.deepEqual(await at('index', 'hello').recall(), packages);
  assert.equal(await at('newer index', 'hello').recall(), undefined);
  const [name] = await readdir(join(directory, 'answers'));
  await truncate(join(directory, 'answers', name!), 5);
  assert.equal(await at('index', 'hello').recall(), undefined);
});

test('Answers forgets the oldest when there are many', async () => {
  for (let number = 0; number <= 200; number += 1) await at(number).remember(packages);
  assert.ok((await readdir(join(directory, 'answers'))).length <= 110);
  assert.deepEqual(await at(200).recall(), packages);
});
