import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { toyArchive, toyPackage } from '../../test/toy-archive.ts';
import { acceptBinaries, acceptSource } from './accept.ts';
import { acceptUpload } from './accept-upload.ts';
import { freezeSuite, frozenReason, thawSuite } from './freeze.ts';
import { rollBack } from './operations-rollback.ts';
import { copyPackages } from './operations.ts';
import { publishSuite } from './publish.ts';

const now = new Date('2026-11-21T03:00:00Z');
const toy = await toyArchive();
after(() => toy.close());
const { deps } = toy;
const suite = [...deps.distribution.suites.values()][0]!;
const by = { by: 'ann', reason: 'a release' };

test('a suite that a person has frozen takes no upload, no copy and no rollback until it is thawed', async () => {
  const first = await toyPackage(deps.blobs, 'toy-a', '1.0');
  await acceptSource(deps, first.source, now);
  await acceptBinaries(deps, first.binaries, now);
  const waiting = await toyPackage(deps.blobs, 'toy-c', '1.0');
  await acceptSource(deps, waiting.source, now);
  await publishSuite(deps, 'stable', now);
  assert.equal((await freezeSuite(deps, { suite: 'stable', ...by }, now)).kind, 'done');
  assert.equal((await freezeSuite(deps, { suite: 'stable', by: 'bo', reason: undefined }, now)).kind, 'unchanged');
  const reason = await frozenReason(deps.db, suite);
  assert.match(reason!, /frozen by ann since 2026-11-21T03:00:00\.000Z \(a release\)/);

  const ask = { suite: 'stable', by: 'ann', reason: undefined, dryRun: false };
  assert.deepEqual(await rollBack(deps, { ...ask, snapshot: '1' }, now), { kind: 'refused', reasons: [reason] });
  const copied = await copyPackages(deps, { ...ask, from: 'stable', to: 'stable', packages: ['toy-a'] }, now);
  assert.ok(copied.kind === 'refused' && copied.reasons.includes(reason!));
  const second = await toyPackage(deps.blobs, 'toy-b', '1.0');
  const files = second.source.files;
  const offered = { suite: 'stable', files, by: 'ann', newNames: 'accept', against: [] } as const;
  const refused = await acceptUpload(deps, offered, now);
  assert.ok(refused.kind === 'refused' && refused.reasons.includes(reason!), JSON.stringify(refused));

  // What was admitted before goes on.
  assert.equal((await acceptBinaries(deps, waiting.binaries, now)).kind, 'accepted');
  assert.equal((await publishSuite(deps, 'stable', now)).kind, 'published');

  assert.equal((await thawSuite(deps, { suite: 'stable', ...by }, now)).kind, 'done');
  assert.equal((await thawSuite(deps, { suite: 'stable', ...by }, now)).kind, 'unchanged');
  assert.equal(await frozenReason(deps.db, suite), undefined);
  const { rows } = await toy.database.pool.query(
    `select kind, actor, message from event where kind in ('suite-frozen', 'suite-thawed') order by id`,
  );
  assert.deepEqual(rows, [
    { kind: 'suite-frozen', actor: 'ann', message: 'Suite stable frozen by ann: a release' },
    { kind: 'suite-thawed', actor: 'ann', message: 'Suite stable thawed by ann: a release' },
  ]);
});

test('thawSuite cannot undo what sheaf.toml says', async () => {
  const frozen = { ...suite, frozen: true };
  const distribution = { ...deps.distribution, suites: new Map([[frozen.name, frozen]]) };
  const result = await thawSuite({ ...deps, distribution }, { suite: 'stable', ...by }, now);
  assert.ok(result.kind === 'refused' && /set frozen = false/.test(result.reasons[0]!));
  assert.match((await frozenReason(deps.db, frozen))!, /see frozen of the suite in sheaf\.toml/);
});
