import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { testDatabase } from '../../test/database.ts';
import { add, amd64, jobSpec, noNotifiers, start, tagBuild } from '../../test/jobs.ts';
import { showJob } from '../build/mod.ts';
import { SheafError } from '../kit/error.ts';
import { parseArchitecture, parseSuiteName } from '../model/names.ts';
import { showTagBuild, tagBuildTimeline } from '../tracker/mod.ts';
import { advance, type TagToSuite } from './tag-to-suite.ts';

const database = await testDatabase();
after(() => database.close());
const { db } = database;

function flowWith(changes: object): TagToSuite {
  const distribution = { ...noNotifiers, suites: new Map() };
  return { db, distribution, clock: { now: () => start }, ...changes } as unknown as TagToSuite;
}

/** A source that was uploaded, and admitted. */
async function uploaded(version: string): Promise<number> {
  const id = await tagBuild(db, version);
  const upload = JSON.stringify({ name: 'hello.changes', sha256: 'a'.repeat(64), by: 'by ann' });
  await db
    .updateTable('tag_build')
    .set({ state: 'ACCEPTED', judged_at: start, source: 'hello', version, source_date_epoch: 1, upload })
    .where('id', '=', id)
    .execute();
  return id;
}

test('advance calls off what waits for an architecture that the suite has no more', async () => {
  const id = await tagBuild(db, 'debian/2');
  const signature = JSON.stringify({ kind: 'ssh', fingerprint: 'f', created: start });
  await db
    .updateTable('tag_build')
    .set({ state: 'ACCEPTED', judged_at: start, source: 'toy', version: '2', source_date_epoch: 1, signature })
    .where('id', '=', id)
    .execute();
  await db
    .insertInto('source_package')
    .values({
      ...{ repository: 'main', name: 'toy', version: '2', component: 'main', directory: 'pool/main/t/toy' },
      ...{ stanza: 'Source: toy\nVersion: 2\nArchitecture: any\n', files: '[]', tag_build: id, accepted_at: start },
    })
    .execute();
  const source = await add(db, { tagBuild: id, spec: jobSpec() });
  await db.updateTable('job').set({ state: 'Uploaded' }).where('id', '=', source).execute();
  const architectures = [amd64, parseArchitecture('arm64')];
  const [here, gone] = await Promise.all(
    architectures.map((architecture) =>
      add(db, { tagBuild: id, spec: jobSpec({ kind: 'binary', builds: 'any', architecture }) }),
    ),
  );
  const suite = { name: 'stable', repository: 'main', architectures: [amd64], archAll: amd64 };
  await advance(
    flowWith({ distribution: { ...noNotifiers, suites: new Map([[parseSuiteName('stable'), suite]]) } }),
    id,
  );
  assert.equal((await showJob(db, here!))?.state, 'Needs-Build');
  const { state, reason } = (await showJob(db, gone!))!;
  assert.equal(state, 'Cancelled');
  assert.equal(reason, 'Cancelled by sheaf.toml, where suite stable has no arm64 any more');
});

test('advance writes down why a tag cannot go on, and forgets it once it can', async () => {
  const id = await uploaded('1');
  await assert.rejects(advance(flowWith({}), id), { code: 'suite-gone' });
  const said = `Cannot go on with tag build ${id}: suite "stable" is not in sheaf.toml. It goes on when the suite is there again;`;
  assert.match((await showTagBuild(db, id))?.sentence ?? '', /^Uploaded, by ann\. It cannot go on now, and is tried/);
  assert.ok((await showTagBuild(db, id))?.obstacle?.startsWith(said));
  const steps = (await tagBuildTimeline(db, id, async () => undefined))!.steps;
  assert.ok(steps.find(({ state }) => state === 'waiting')?.sentence.includes(said));

  const suites = new Map([[parseSuiteName('stable'), { name: 'stable', repository: 'main' }]]);
  await advance(flowWith({ distribution: { ...noNotifiers, suites } }), id);
  assert.equal((await showTagBuild(db, id))?.obstacle, undefined);
});

test('advance says why a tag cannot be fetched, and not that it is being fetched', async () => {
  const id = await tagBuild(db, 'debian/7');
  const failing = {
    intake: new Proxy({}, { get: () => { throw new SheafError('no-route', 'Cannot fetch it'); } }), // prettier-ignore
  };
  await assert.rejects(advance(flowWith(failing), id), { code: 'no-route' });
  const { steps, sentence } = (await tagBuildTimeline(db, id, async () => undefined))!;
  assert.equal(
    sentence,
    'Reported by hand with sheaf intake. It cannot go on now, and is tried again: Cannot fetch it.',
  );
  assert.deepEqual(
    steps.map((step) => [step.state, step.sentence.includes('Cannot fetch it')]),
    [
      ['done', false],
      ['waiting', true],
    ],
  );
});
