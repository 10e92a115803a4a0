import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { debOf, tarEntry } from '../../formats/deb/testdata/archive.ts';
import { compareForCause } from './compare.ts';
import { readDebFacts } from './deb-facts.ts';
import { lookInThread } from './look-in-thread.ts';

const directory = await mkdtemp(join(tmpdir(), 'sheaf-look-'));
after(() => rm(directory, { recursive: true }));
const [left, right] = ['left', 'right'].map((name) => join(directory, `${name}.deb`)) as [string, string];
for (const path of [left, right]) await writeFile(path, debOf([tarEntry('usr/bin/toy', path)]));

test('lookInThread answers what the functions themselves answer', async () => {
  const looks = lookInThread();
  const [facts, difference] = await Promise.all([looks.readFacts(left, 'toy'), looks.compare(left, right, 'toy.deb')]);
  assert.deepEqual(facts, await readDebFacts(left, 'toy'));
  assert.deepEqual(difference, await compareForCause(left, right, 'toy.deb'));
  assert.ok(difference.count > 0);
});

test('lookInThread passes errors on, and goes on afterwards', async () => {
  const looks = lookInThread();
  await writeFile(join(directory, 'broken.deb'), 'this is no package');
  const wanted = await readDebFacts(join(directory, 'broken.deb'), 'toy').then(
    () => assert.fail(),
    (error: unknown) => error,
  );
  await assert.rejects(looks.readFacts(join(directory, 'broken.deb'), 'toy'), {
    code: (wanted as { code: string }).code,
  });
  assert.deepEqual(await looks.readFacts(left, 'toy'), await readDebFacts(left, 'toy'));
});
