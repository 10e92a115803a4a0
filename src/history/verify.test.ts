import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

import { sql } from 'kysely';

import { historyWorld } from '../../test/history-world.ts';
import { sha256 } from '../kit/digest.ts';
import { Blobs } from '../plumbing/blobs.ts';
import { encoders } from '../plumbing/history/encoders.ts';
import type { FileIndexStore } from '../plumbing/history/store.ts';
import { keepCompressed, proveCompressed } from './compressed.ts';
import { verifyHistory, type VerifyDeps } from './verify.ts';

/** Two snapshots of a small suite, a Release file and two compressed indexes, one of them proved. */
async function world(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-verify-'));
  t.after(() => rm(directory, { recursive: true }));
  const { db, record, keep, close, ...world } = await historyWorld();
  t.after(close);
  const store = world.store as FileIndexStore;
  const name = { path: 'InRelease', kind: 'other', component: '', architecture: '' } as const;
  const { sha256: release } = await keep(name, 'Origin: toy\nSuite: trixie\n');
  const suite = { origin: 'toy', suite: 'trixie' };
  const old = { ...suite, snapshotId: '20260101T000000Z', release };
  await record(old, [{ name: 'a' }, { name: 'b' }], [{ name: 'a' }]);
  await record(
    { ...suite, snapshotId: '20260102T000000Z' },
    [{ name: 'a', version: '2-1' }, { name: 'b' }],
    [{ name: 'a' }],
  );
  const deps: VerifyDeps = { db, store, blobs: new Blobs(join(directory, 'blobs')), encoders };
  const contents = await keep({ ...name, path: 'main/Contents-amd64', kind: 'contents' }, 'usr/bin/a a\n');
  const index = await store.read(contents.sha256);
  const file = Buffer.from(await encoders.find((each) => each.name.startsWith('bzip2'))!.encode(index));
  await keepCompressed(deps, { sha256: sha256(file), bytes: file, of: contents.sha256 });
  await proveCompressed(deps);
  await keepCompressed(deps, { sha256: sha256('other'), bytes: Buffer.from('other'), of: contents.sha256 });
  return { deps, db, release };
}

test('verifyHistory: finds nothing wrong with what is right, and says what it read', async (t) => {
  const { deps } = await world(t);
  const steps: [number, number][] = [];
  const { bytes, pieces, rawBytes, ...report } = await verifyHistory(deps, (done, total) => steps.push([done, total]));
  assert.deepEqual(report, { indexes: 5, compressed: 1, kept: 1, stanzas: 3, problems: [] });
  assert.ok(bytes > 0 && rawBytes > 0 && pieces >= 5);
  assert.deepEqual(steps.at(-1), [9, 9]);
  assert.ok(steps.every(([done], index) => done === index + 1));
});

const damages: readonly (readonly [string, string, RegExp])[] = [
  [
    'a stanza says another version',
    `update stanza set version = '9' where name = 'b'`,
    /toy\/trixie main\/binary-amd64\/Packages: b .*: the tables say version "9"/,
  ],
  [
    'a stanza is missing where it stands',
    `delete from presence where until is null and piece in (select piece from stanza where name = 'b')`,
    /1 stanzas stand in the index but not in the tables/,
  ],
  [
    'a stanza stands where it does not',
    `update presence set until = null`,
    /1 stanzas stand in the tables but not in the index/,
  ],
  [
    'an index is not in the store',
    `update history_index_version set sha256 = repeat('a', 64) where until is not null`,
    /since 20260101T000000Z: its index is not in the store/,
  ],
  [
    'an index has another size',
    `update history_index_version set size = 1 where until is not null`,
    /since 20260101T000000Z: its size differs/,
  ],
  [
    'a Release file is not in the store',
    `update history_snapshot set release_sha256 = repeat('b', 64) where release_sha256 is not null`,
    /toy\/trixie@20260101T000000Z: its Release file is not in the store/,
  ],
  [
    'a compressed file is made by nobody',
    `update compressed_index set encoder = 'nobody' where encoder like 'bzip2%'`,
    /"nobody" makes other bytes/,
  ],
  ['the tables belong to another store', `update history_store set id = 'other'`, /belongs to the index store other/],
];

for (const [what, statement, expected] of damages) {
  test(`verifyHistory: ${what}`, async (t) => {
    const { deps, db } = await world(t);
    await sql.raw(statement).execute(db);
    const { problems } = await verifyHistory(deps);
    assert.equal(problems.length, 1, JSON.stringify(problems));
    assert.match(problems[0]!.message, expected);
  });
}
