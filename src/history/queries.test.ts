import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { historyWorld, type HistoryWorld } from '../../test/history-world.ts';
import { toyDistribution } from '../../test/toy-archive.ts';
import { sha256 } from '../kit/digest.ts';
import type { SnapshotRef } from '../model/index-history.ts';
import { snapshotTime, type SnapshotId } from '../model/names.ts';
import {
  differingEntries,
  entriesAt,
  entryCursor,
  findSnapshot,
  hashesOf,
  indexesAt,
  listSnapshots,
  listTrackedSuites,
  locate,
  previousSnapshot,
  readStanza,
  relationsTo,
  searchNames,
  whereWas,
} from './mod.ts';

let world: HistoryWorld;
const [first, second, third] = ['20260901T080000Z', '20260912T075541Z', '20260913T020000Z'] as SnapshotId[] as [
  SnapshotId,
  SnapshotId,
  SnapshotId,
];
const trixie = { origin: 'debian', suite: 'trixie' };
const at = (snapshotId: SnapshotId): SnapshotRef => ({ ...trixie, snapshotId });

before(async () => {
  world = await historyWorld();
  const libc = { name: 'libc6', source: 'glibc' };
  const hello = { name: 'hello', depends: 'libc6 (>= 2.14), libc6:any' };
  const sources = [{ name: 'glibc', buildDepends: 'gcc-14 [!ia64], bison <!nocheck>' }, { name: 'hello' }];
  await world.record({ ...at(first), codename: 'trixie' }, [{ ...libc, version: '2.41-1' }, hello], sources);
  await world.record(
    { ...at(second), codename: 'trixie', signedBy: ['AA', 'BB'], validUntil: snapshotTime(third) },
    [
      { ...libc, version: '2.41-2' },
      { ...hello, description: 'says it in other words' },
    ],
    sources,
  );
  await world.record(
    { ...at(third), codename: 'trixie' },
    [
      { ...libc, version: '2.41-2' },
      { name: 'bash', fields: { 'Pre-Depends': 'libc6 (>= 2.38) | libc6-udeb' } },
      { name: 'libhello', architecture: 'all', component: 'contrib', provides: 'libc6 (= 1)' },
    ],
    sources,
  );
  await world.record({ ...at(second), origin: '', suite: 'stable' }, [{ name: 'hello', version: '3' }]);
});
after(() => world.close());

test('listTrackedSuites, listSnapshots, findSnapshot and previousSnapshot say what is kept', async () => {
  const { db } = world;
  assert.deepEqual(await listTrackedSuites(db), [
    { origin: '', suite: 'stable', newest: second, snapshots: 1, binaries: 1, sources: 0 },
    { ...trixie, codename: 'trixie', newest: third, snapshots: 3, binaries: 3, sources: 2 },
  ]);
  const ids = async (options: { before?: string; limit: number }) =>
    (await listSnapshots(db, trixie, options)).map((each) => each.snapshotId);
  assert.deepEqual(await ids({ limit: 2 }), [third, second]);
  assert.deepEqual(await ids({ limit: 2, before: second }), [first]);
  const found = async (when?: SnapshotId | Date) => (await findSnapshot(db, trixie, when))?.snapshotId;
  assert.equal(await found(), third);
  assert.equal(await found(second), second);
  assert.equal(await found('20260912T075542Z' as SnapshotId), undefined);
  assert.equal(await found(new Date('2026-09-12T07:55:41.999Z')), second);
  assert.equal(await found(new Date('2026-09-12T07:55:40Z')), first);
  assert.equal(await found(new Date('2026-08-12T07:55:40Z')), undefined);
  const view = await previousSnapshot(db, at(third));
  assert.deepEqual(
    { ...view, changes: view?.changes?.binary.upgraded },
    {
      ...at(second),
      codename: 'trixie',
      validUntil: snapshotTime(third),
      seenAt: snapshotTime(second),
      signedBy: ['AA', 'BB'],
      changes: 1,
    },
  );
  assert.equal(await previousSnapshot(db, at(first)), undefined);
});

test('indexesAt gives the indexes of a snapshot with the time of their content, and none of an unknown one', async () => {
  const seen = (await indexesAt(world.db, at(second))).map(({ path, since, until }) => [path, since, until]);
  assert.deepEqual(seen, [
    ['main/binary-amd64/Packages', second, third],
    ['main/source/Sources', first, undefined],
  ]);
  assert.deepEqual(await indexesAt(world.db, at('20260912T075542Z' as SnapshotId)), []);
});

test('whereWas joins texts of one version, and knows when it came and went', async () => {
  const seen = async (query: Parameters<typeof whereWas>[1]) =>
    (await whereWas(world.db, query)).map(({ origin, entry, since, until }) =>
      [origin, entry.kind, entry.name, entry.version, since, until ?? ''].join(' ').trim(),
    );
  assert.deepEqual(await seen({ name: 'hello', kind: 'binary', origin: 'debian' }), [
    `debian binary hello 1.0-1 ${first} ${third}`,
  ]);
  assert.deepEqual(await seen({ name: 'libc6' }), [
    `debian binary libc6 2.41-2 ${second}`,
    `debian binary libc6 2.41-1 ${first} ${second}`,
  ]);
  assert.deepEqual(await seen({ source: 'glibc', version: '2.41-1' }), [
    `debian binary libc6 2.41-1 ${first} ${second}`,
  ]);
  assert.deepEqual(await seen({ source: 'glibc', kind: 'source' }), [`debian source glibc 1.0-1 ${first}`]);
  assert.deepEqual(await seen({ name: 'hello', suite: 'stable' }), [`binary hello 3 ${second}`]);
  assert.deepEqual(await seen({ sha256: sha256('hello 3 amd64') }), [`binary hello 3 ${second}`]);
  assert.deepEqual(await seen({ name: 'libc6', architecture: 'arm64' }), []);
  assert.deepEqual(await seen({}), []);
});

test('hashesOf gives the files of a version by origin', async () => {
  assert.deepEqual(await hashesOf(world.db, { name: 'hello', architecture: 'amd64', version: '1.0-1' }), [
    { origin: 'debian', sha256: sha256('hello 1.0-1 amd64'), since: first, until: third },
  ]);
});

test('entriesAt filters, and pages end nowhere in the middle of nothing', async () => {
  const { deps } = world;
  const list = async (ref: SnapshotRef, filter?: Parameters<typeof entriesAt>[2]) =>
    (await entriesAt(deps, ref, filter)).map(
      (each) => `${each.component}/${each.name}_${each.version}_${each.architecture}`,
    );
  const all = [
    'main/bash_1.0-1_amd64',
    'main/glibc_1.0-1_source',
    'main/hello_1.0-1_source',
    'main/libc6_2.41-2_amd64',
    'contrib/libhello_1.0-1_all',
  ];
  assert.deepEqual(await list(at(third)), all);
  assert.deepEqual(await list(at(third), { kind: 'source' }), all.slice(1, 3));
  assert.deepEqual(await list(at(third), { component: 'contrib' }), all.slice(4));
  assert.deepEqual(await list(at(third), { architecture: 'all' }), all.slice(4));
  assert.deepEqual(await list(at(third), { nameContains: 'hello' }), [all[2], all[4]]);
  assert.deepEqual(await list(at(third), { source: 'glibc' }), [all[1], all[3]]);
  assert.deepEqual(await list(at(third), { name: 'bash' }), all.slice(0, 1));
  assert.deepEqual(await list(at(first), { name: 'bash' }), []);
  assert.deepEqual(await list(at(third), { after: 'glibc', limit: 2 }), all.slice(2, 4));
  const pages: string[] = [];
  for (let after = ''; ;) {
    const page = await entriesAt(deps, at(third), { limit: 2, after });
    if (page.length === 0) break;
    pages.push(...page.map((each) => `${each.component}/${each.name}_${each.version}_${each.architecture}`));
    after = entryCursor(page.at(-1)!);
  }
  assert.deepEqual(pages, all);
  const [bash] = await entriesAt(deps, at(third), { name: 'bash' });
  assert.match(await readStanza(deps.store, bash!.piece!), /^Package: bash\nVersion: 1.0-1\n[^]*\n\n$/);
});

test('relationsTo says who names a package, in which field, page by page', async () => {
  const list = async (ref: SnapshotRef, options: { limit: number; after?: string }, target = 'libc6') => {
    const page = await relationsTo(world.db, { target, ref, ...options });
    return { ...page, items: page.items.map(({ field, entry }) => `${field}: ${entry.name}`) };
  };
  assert.deepEqual(await list(at(first), { limit: 5 }), { items: ['Depends: hello'], total: 1 });
  const page = await list(at(third), { limit: 1 });
  assert.deepEqual([page.items, page.total], [['Pre-Depends: bash'], 2]);
  const next = await list(at(third), { limit: 1, after: page.next! });
  assert.deepEqual(next, { items: ['Provides: libhello'], total: 2 });
  assert.deepEqual((await list(at(third), { limit: 5 }, 'gcc-14')).items, ['Build-Depends: glibc']);
  assert.deepEqual(await list(at(third), { limit: 5, after: 'nonsense' }, 'nobody'), { items: [], total: 0 });
});

test('searchNames gives each name once, and only those that begin so', async () => {
  const names = async (prefix: string, limit = 9) =>
    (await searchNames(world.db, { prefix, limit })).map(({ name, kind }) => `${name} ${kind}`);
  assert.deepEqual(await names('h'), ['hello binary', 'hello source']);
  assert.deepEqual(await names(''), [
    'bash binary',
    'glibc source',
    'hello binary',
    'hello source',
    'libc6 binary',
    'libhello binary',
  ]);
  assert.deepEqual(await names('lib', 1), ['libc6 binary']);
  assert.deepEqual(await names('%'), []);
});

test('differingEntries gives what only one side has, with all versions of what differs', async () => {
  const [left, right] = [await indexesAt(world.db, at(first)), await indexesAt(world.db, at(third))];
  const { left: gone, right: come, same } = await differingEntries(world.deps, left, right);
  const names = (entries: typeof gone) => entries.map((each) => `${each.name} ${each.version}`).toSorted();
  assert.deepEqual(names(gone), ['hello 1.0-1', 'libc6 2.41-1']);
  assert.deepEqual(names(come), ['bash 1.0-1', 'libc6 2.41-2', 'libhello 1.0-1']);
  assert.equal(same, 2);
  assert.deepEqual(await differingEntries(world.deps, right, right), { left: [], right: [], same: 5 });
  assert.equal((await differingEntries(world.deps, right, [])).left.length, 5);
});

test('locate finds a snapshot by id, day, moment, codename and in a suite of ours', async () => {
  const distribution = toyDistribution('/nowhere');
  const found = async (text: string) => {
    const { origin, suite, snapshotId } = await locate({ db: world.db, distribution }, text);
    return [origin, suite, snapshotId];
  };
  for (const [text, expected] of [
    ['debian/trixie', third],
    [`debian/trixie@${first}`, first],
    ['debian/trixie@2026-09-12', second],
    ['debian/trixie@2026-09-12T07:55Z', first],
    ['debian/trixie@2026-09-12T07:56', second],
    ['debian/trixie@2026-09-12T07:55:41Z', second],
    ['debian/trixie@2030-01-01', third],
  ]) {
    assert.deepEqual(await found(text!), ['debian', 'trixie', expected], text);
  }
  assert.deepEqual(await found('stable'), ['', 'stable', second]);
  await world.record({ origin: 'ubuntu', suite: 'devel', codename: 'zesty', snapshotId: first }, []);
  assert.deepEqual(await found('ubuntu/zesty'), ['ubuntu', 'devel', first]);
});

test('locate says what there is when it finds nothing', async () => {
  const distribution = toyDistribution('/nowhere');
  const cases = [
    ['debian/sid', 'no suite is called debian/sid', /debian\/trixie/],
    ['debian/trixie@2020-01-01', 'no such snapshot of debian/trixie is kept', new RegExp(`${first} to .*${third}`)],
    ['debian/trixie@20260912T075542Z', 'no such snapshot', /go from/],
    ['stable@20200101T000000Z', 'no such snapshot of stable', /There is one, stable@20260912T075541Z/],
    ['stable@7', 'no such snapshot of stable', /There is one/],
    ['debian/trixie@yesterday', '"yesterday" is neither a snapshot nor a time', /@YYYY-MM-DD/],
    ['debian/trixie@2026-02-30', 'neither a snapshot nor a time', /@YYYY-MM-DD/],
    ['debian/trixie@12', 'neither a snapshot nor a time', /@YYYY-MM-DD/],
    ['', 'no suite is called', /There is/],
  ] as const;
  for (const [text, state, hint] of cases) {
    await assert.rejects(
      locate({ db: world.db, distribution }, text),
      (error: Error & { code?: string; hint?: string }) => {
        assert.equal(error.code, 'unknown-place', text);
        assert.ok(error.message.includes(state), `${text}: ${error.message}`);
        assert.match(error.hint ?? '', hint, text);
        return true;
      },
    );
  }
});
