import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { testDatabase, type TestDatabase } from '../../test/database.ts';
import { rebuildResult, testRebuilder } from '../../test/rebuilds.ts';
import { sha256 } from '../kit/digest.ts';
import type { RebuildResult } from '../model/rebuild.ts';
import { verifyEd25519 } from '../plumbing/keys.ts';
import { findRebuilds, listStatuses, recordRebuild, signRebuild, type RecordDeps } from './mod.ts';

let database: TestDatabase;
let deps: RecordDeps;
const one = testRebuilder('one');
const blobs = new Map<string, string>();

before(async () => {
  database = await testDatabase();
  deps = {
    db: database.db,
    blobs: {
      putBytes: async (bytes) => {
        blobs.set(sha256(bytes), bytes);
        return { sha256: sha256(bytes) };
      },
    },
    distribution: { notifiers: new Map() },
    verify: verifyEd25519,
    now: () => new Date('2026-02-01T00:00:00Z'),
  };
});
after(() => database.close());
beforeEach(async () => {
  for (const table of ['rebuild_file', 'rebuild', 'statement', 'event'] as const) {
    await database.db.deleteFrom(table).execute();
  }
});

let invocations = 0;
function record(result: RebuildResult, by = one): Promise<number> {
  const envelope = signRebuild({ rebuilder: by.name, invocation: `run ${++invocations}`, result }, by.sign);
  return recordRebuild(deps, result, envelope, { rebuilder: by });
}
const first = { limit: 50 };

test('recordRebuild keeps the statement as a blob, and it is found by every hash and name', async () => {
  const lock = sha256('lock');
  const result = rebuildResult({ verdict: 'differs', lock, causes: [{ kind: 'clock', detail: '', confirmed: true }] });
  const id = await record(result);
  const [file] = result.files;
  for (const by of [
    { id },
    { sha256: file!.original.sha256 },
    { sha256: file!.rebuilt!.sha256 },
    { sha256: lock },
    { name: 'hello', version: '2.10-3' },
    { place: 'stable', architecture: 'amd64' },
  ]) {
    const [found, ...others] = await findRebuilds(deps.db, by);
    assert.deepEqual([found?.id, found?.result, others], [id, result, []], JSON.stringify(by));
    assert.ok(blobs.has(found!.statement));
  }
  for (const by of [{ sha256: sha256('other') }, { name: 'hello', version: '1' }, { place: 'testing' }]) {
    assert.deepEqual(await findRebuilds(deps.db, by), []);
  }
  const [event] = await deps.db.selectFrom('event').select(['kind', 'message', 'source']).execute();
  assert.deepEqual(event, {
    kind: 'rebuild-recorded',
    message: 'one: hello 2.10-3 (amd64) differs: clock',
    source: 'hello',
  });
});

test('recordRebuild records the same envelope once, however often and from how many at once it comes', async () => {
  const result = rebuildResult();
  const envelope = signRebuild({ rebuilder: 'one', invocation: 'same', result }, one.sign);
  const ids = await Promise.all([1, 2, 3].map(() => recordRebuild(deps, result, envelope, { rebuilder: one })));
  assert.equal(new Set(ids).size, 1);
  assert.equal((await findRebuilds(deps.db, {})).length, 1);
});

test('recordRebuild refuses a statement of something else, of somebody else, and one signed by nobody known', async () => {
  const result = rebuildResult();
  const two = testRebuilder('two');
  const envelope = signRebuild({ rebuilder: 'one', invocation: 'x', result }, one.sign);
  const other = rebuildResult({ verdict: 'differs' });
  await assert.rejects(recordRebuild(deps, other, envelope, { rebuilder: one }), { code: 'statement-mismatch' });
  await assert.rejects(recordRebuild(deps, result, envelope, { rebuilder: two }), { code: 'bad-signature' });
  const renamed = { ...two, publicKey: one.publicKey };
  await assert.rejects(recordRebuild(deps, result, envelope, { rebuilder: renamed }), { code: 'statement-mismatch' });
  assert.deepEqual(await findRebuilds(deps.db, {}), []);
});

test('listStatuses has the newest of every file, by name, and the history stays', async () => {
  await record(rebuildResult({ verdict: 'failed', reason: 'no disk' }));
  await record(rebuildResult({ finishedOn: '2026-01-02T00:00:00Z' }), testRebuilder('two'));
  await record(rebuildResult({ name: 'zlib', version: '1:1.3', architecture: 'arm64', verdict: 'differs' }));
  const rows = await listStatuses(deps.db, {}, [], first);
  assert.deepEqual(
    rows.map(({ name, verdict, rebuilder }) => [name, verdict, rebuilder]),
    [
      ['hello', 'reproduced', 'two'],
      ['zlib', 'differs', 'one'],
    ],
  );
  assert.equal((await findRebuilds(deps.db, { name: 'hello' })).length, 2);
  const [hello, zlib] = rows;
  assert.deepEqual(await listStatuses(deps.db, {}, [], { after: hello!.key, limit: 1 }), [zlib]);
});

test('listStatuses no longer counts a rebuilder who was revoked', async () => {
  await record(rebuildResult({ verdict: 'differs' }));
  await record(rebuildResult(), testRebuilder('two'));
  assert.deepEqual(
    (await listStatuses(deps.db, {}, ['two'], first)).map(({ verdict }) => verdict),
    ['differs'],
  );
  assert.deepEqual(await listStatuses(deps.db, {}, ['one', 'two'], first), []);
});

test('listStatuses filters by verdict, confirmed cause, place, architecture and part of a name', async () => {
  await record(rebuildResult());
  const causes = [
    { kind: 'clock', detail: 'the year', confirmed: true },
    { kind: 'locale', detail: '', confirmed: false },
  ] as const;
  await record(rebuildResult({ name: 'zlib', verdict: 'differs', architecture: 'arm64', place: 'debian/sid', causes }));
  for (const [filters, names] of [
    [{ verdict: 'differs' }, ['zlib']],
    [{ cause: 'clock' }, ['zlib']],
    [{ cause: 'locale' }, []],
    [{ place: 'debian/sid' }, ['zlib']],
    [{ architecture: 'amd64' }, ['hello']],
    [{ contains: 'l' }, ['hello', 'zlib']],
    [{ contains: '%' }, []],
  ] as const) {
    const rows = await listStatuses(deps.db, filters, [], first);
    assert.deepEqual(
      rows.map(({ name }) => name),
      names,
      JSON.stringify(filters),
    );
  }
});

test('recordRebuild refuses another statement under a known invocation, and an older one of the same file', async () => {
  await record(rebuildResult({ finishedOn: '2026-01-03T00:00:00Z' }));
  await assert.rejects(record(rebuildResult()), {
    code: 'replayed',
    message: /something newer of hello_2.10-3_amd64.deb/,
  });
  invocations--;
  invocations--;
  await assert.rejects(record(rebuildResult({ name: 'other' })), { code: 'replayed', message: /invocation/ });
});
