import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { historyWorld, type HistoryWorld } from '../../test/history-world.ts';
import { rebuildResult, recordResults, testRebuilder } from '../../test/rebuilds.ts';
import { seedUpstream } from '../../test/seed-history.ts';
import { toyDistribution } from '../../test/toy-archive.ts';
import { sha256 } from '../kit/digest.ts';
import { countPlaces } from '../rebuild/mod.ts';
import { challengeSystem } from './challenge-system.ts';
import type { LockKnownDeps } from './lock-known.ts';

let world: HistoryWorld;
let deps: LockKnownDeps;
let recording: Parameters<typeof recordResults>[0];
const nobody = { foreign: new Map() };
const at = { origin: 'debian', suite: 'trixie', release: sha256('a Release file'), signedBy: ['A'.repeat(40)] };

before(async () => {
  world = await historyWorld();
  const upstream = seedUpstream('debian');
  deps = {
    ...world.deps,
    distribution: { ...toyDistribution('/tmp'), upstreams: new Map([[upstream.name, upstream]]) },
  };
  const toy = (name: string, version = '1') => ({ name, version, sha256: sha256(`${name} ${version}`) });
  await world.record({ ...at, snapshotId: '20260101T000000Z' }, [toy('hello'), toy('sed'), toy('zlib'), toy('bash')]);
  await world.record({ ...at, snapshotId: '20260201T000000Z' }, [
    toy('hello', '2'),
    toy('sed'),
    toy('zlib'),
    toy('bash'),
  ]);
  const blobs = { putBytes: async (bytes: string) => ({ sha256: sha256(bytes) }) };
  const about = { version: '1', place: 'debian/trixie' };
  recording = { db: world.deps.db, blobs, now: () => new Date('2026-02-01T00:00:00Z') };
  await recordResults(recording, testRebuilder('one'), [
    rebuildResult({ ...about, name: 'hello' }),
    rebuildResult({
      ...about,
      name: 'sed',
      verdict: 'differs',
      causes: [{ kind: 'clock', detail: '', confirmed: true }],
    }),
    rebuildResult({ ...about, name: 'zlib', verdict: 'failed', reason: 'no disk' }),
  ]);
});
after(async () => world.close());

function status(...packages: string[]): { status: string; file: string } {
  const stanzas = packages.map((text) => {
    const [name, version] = text.split(' ');
    return `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n`;
  });
  return { status: stanzas.join('\n'), file: 'status' };
}

test('challengeSystem tells of every installed package what was said of exactly its file', async () => {
  const found = await challengeSystem(deps, status('hello 1', 'sed 1', 'zlib 1', 'bash 1', 'own 1'), nobody);
  assert.deepEqual(
    found.map(({ name, verdict, why, reason, causes }) => [name, verdict, why ?? reason ?? causes?.[0]?.kind]),
    [
      ['bash', 'unknown', 'no-rebuild'],
      ['hello', 'reproduced', undefined],
      ['own', 'unknown', 'no-index'],
      ['sed', 'differs', 'clock'],
      ['zlib', 'failed', 'no disk'],
    ],
  );
});

test('challengeSystem takes no verdict from another version', async () => {
  const [hello] = await challengeSystem(deps, status('hello 2'), nobody);
  assert.deepEqual([hello!.verdict, hello!.why], ['unknown', 'no-rebuild']);
});

test('countPlaces counts what an upstream has now, also what nobody has rebuilt', async () => {
  assert.deepEqual(await countPlaces(deps.db, [], nobody), [
    {
      ...{ place: 'debian/trixie', architecture: 'amd64' },
      counts: { reproduced: 0, differs: 1, unknown: 2, failed: 1 },
    },
  ]);
});

test('countPlaces follows another rebuild and another snapshot', async () => {
  const counts = async () => (await countPlaces(deps.db, [], nobody))[0]!.counts;
  const about = { version: '2', place: 'debian/trixie' };
  await recordResults(recording, testRebuilder('one'), [rebuildResult({ ...about, name: 'hello' })]);
  assert.deepEqual(await counts(), { reproduced: 1, differs: 1, unknown: 1, failed: 1 });
  const toys = ['hello', 'grep'].map((name) => ({ name, version: '2', sha256: sha256(`${name} 2`) }));
  await world.record({ ...at, snapshotId: '20260301T000000Z' }, toys);
  assert.deepEqual(await counts(), { reproduced: 1, differs: 0, unknown: 1, failed: 0 });
});
