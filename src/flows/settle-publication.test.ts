import assert from 'node:assert/strict';
import test from 'node:test';

import { toyArchive, toyPackage } from '../../test/toy-archive.ts';
import { acceptBinaries, acceptSource, publishSuite } from '../archive/mod.ts';
import { finishTagBuild } from '../intake/mod.ts';
import { showTagBuild, tagBuildTimeline } from '../tracker/mod.ts';
import { settlePublication } from './settle-publication.ts';

const now = new Date('2026-11-21T03:00:00Z');
const toy = await toyArchive();
test.after(toy.close);
const { db, distribution } = toy.deps;
const deps = { ...toy.deps, onPublished: settlePublication(distribution) };

/** Admitted, built and accepted; not yet published. */
async function build(version: string): Promise<number> {
  const { id: tagBuild } = await db
    .insertInto('tag_build')
    .values({
      ...{ repository: 'r', tag: `debian/${version}`, suite: 'stable', origin: 'cli', received_at: now },
      ...{ state: 'ACCEPTED', source: 'alpha', version },
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  const values = { tag_build: tagBuild, architecture: 'amd64', max_attempts: 1, state: 'Uploaded' } as const;
  const jobs = await db
    .insertInto('job')
    .values([
      {
        ...values,
        kind: 'source',
        builds: 'source',
        spec: JSON.stringify({ origin: { suite: 'stable' } }),
        created_at: now,
      },
      {
        ...values,
        kind: 'binary',
        builds: 'any',
        spec: JSON.stringify({ origin: { suite: 'stable' } }),
        created_at: now,
      },
    ])
    .returning('id')
    .execute();
  const { source, binaries } = await toyPackage(deps.blobs, 'alpha', version);
  await acceptSource(deps, { ...source, tagBuild, job: jobs[0]!.id, attempt: 1 }, now);
  await acceptBinaries(deps, { ...binaries, tagBuild, job: jobs[1]!.id, attempt: 1 }, now);
  return tagBuild;
}

async function told(tagBuild: number) {
  await finishTagBuild(db, distribution, tagBuild, now);
  const jobs = await db.selectFrom('job').select(['state', 'reason']).where('tag_build', '=', tagBuild).execute();
  const events = db.selectFrom('event').select('message').where('tag_build', '=', tagBuild);
  const { message } = await events.where('kind', '=', 'tag-done').executeTakeFirstOrThrow();
  const { steps } = (await tagBuildTimeline(db, tagBuild, async () => undefined))!;
  const last = steps.at(-1)!;
  const { sentence } = (await showTagBuild(db, tagBuild))!;
  return {
    jobs: jobs.map((job) => `${job.state}: ${job.reason}`),
    message,
    last: [last.state, last.sentence],
    sentence,
  };
}

test('settlePublication says of what came after a higher version that it was not published', async () => {
  const high = await build('2.0');
  assert.equal((await publishSuite(deps, 'stable', now)).kind, 'published');
  const low = await build('1.0');
  assert.equal((await publishSuite(deps, 'stable', now)).kind, 'published');

  const published = await told(high);
  assert.deepEqual(published.jobs, Array(2).fill('Installed: Published in stable@1'));
  assert.equal(published.message, 'alpha 2.0 is published in stable with all its packages.');
  assert.equal(published.sentence, 'Everything it makes is published.');
  assert.deepEqual(published.last, ['done', 'In the suite since snapshot stable@1.']);

  const late = await told(low);
  assert.deepEqual(
    late.jobs,
    Array(2).fill('Installed: Not published: stable@2 has a higher version, or it was removed'),
  );
  assert.match(late.message, /^alpha 1\.0 was built and not published: stable has a higher version/);
  assert.match(late.sentence, /^Built and not published: the suite stable had a higher version/);
  assert.deepEqual(late.last, [
    'skipped',
    'It is not published: the suite stable had a higher version by then, or it was removed.',
  ]);
});
