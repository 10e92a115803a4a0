import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { historyWorld, toyBinary, toySource, type HistoryWorld, type ToyEntry } from '../../test/history-world.ts';
import { seedDistribution } from '../../test/seed.ts';
import { compareEntries } from '../compare/mod.ts';
import { missing, refusal, run } from '../formats/deb/testdata/oracle.ts';
import { differingEntries, findSnapshot, indexesAt } from '../history/mod.ts';
import type { Upstream } from '../model/distribution.ts';
import type { Label } from '../model/names.ts';
import { indexFiles } from '../plumbing/index-files.ts';
import { comparePlaces, ComparisonMemory, type CompareDeps, type PlaceComparison } from './compare-places.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-compare-'));
let world: HistoryWorld;
let deps: CompareDeps;

const old: readonly ToyEntry[] = [
  { name: 'hello', version: '2.10-3' },
  { name: 'hello-doc', version: '2.10-3', architecture: 'all', source: 'hello' },
  { name: 'jq', version: '1.7-1' },
  { name: 'many', version: '1-1' },
  { name: 'many', version: '2-1' },
  { name: 'firmware', version: '1-1', component: 'contrib' },
];
const now: readonly ToyEntry[] = [
  { name: 'hello', version: '2.12-1' },
  { name: 'hello-doc', version: '2.12-1', architecture: 'all', source: 'hello' },
  { name: 'jq', version: '1.7-1', sha256: 'e'.repeat(64) },
  { name: 'many', version: '2-1' },
  { name: 'firmware', version: '1-1', sha256: sha('firmware'), component: 'main' },
  { name: 'sed', version: '4.9-1', description: 'new here' },
];
function sha(word: string): string {
  return Buffer.from(word.padEnd(32, '.')).toString('hex');
}

const oldSources: readonly ToyEntry[] = [{ name: 'hello', version: '2.10-3' }];
const newSources: readonly ToyEntry[] = [{ name: 'hello', version: '2.12-1' }];

before(async () => {
  world = await historyWorld();
  const debian = { name: 'debian', suites: ['sid', 'mixed', 'bare'] } as unknown as Upstream;
  const distribution = { ...seedDistribution(), upstreams: new Map([['debian' as Label, debian]]) };
  deps = { history: { ...world.deps, distribution }, files: indexFiles };
  const older = old.map((each) => (each.name === 'firmware' ? { ...each, sha256: sha('firmware') } : each));
  await world.record({ origin: 'debian', suite: 'sid', snapshotId: '20260101T000000Z' }, older, oldSources);
  await world.record({ origin: 'debian', suite: 'sid', snapshotId: '20260102T000000Z' }, now, newSources);
  await world.record({ origin: 'debian', suite: 'bare', snapshotId: '20260102T000000Z' }, now);
});
after(async () => {
  await world.close();
  rmSync(directory, { recursive: true });
});

const tell = ({ sources }: PlaceComparison) =>
  sources.flatMap(({ changes }) => changes.map(({ change, kind, name }) => `${change} ${kind} ${name}`));

const neighbours = [
  'moved binary firmware',
  'upgraded source hello',
  'upgraded binary hello',
  'upgraded binary hello-doc',
  'altered binary jq',
  'added binary sed',
];

test('comparePlaces tells what differs between two snapshots, and counts all of it', async () => {
  const found = await comparePlaces(deps, 'debian/sid@20260101T000000Z', 'debian/sid@20260102T000000Z');
  assert.deepEqual(tell(found), neighbours);
  assert.deepEqual(found.counts.binary, { added: 1, removed: 0, upgraded: 2, downgraded: 0, altered: 1, moved: 1 });
  assert.deepEqual(found.counts.source, { added: 0, removed: 0, upgraded: 1, downgraded: 0, altered: 0, moved: 0 });
  assert.deepEqual(
    found.alarms.map(({ name }) => name),
    ['jq'],
  );
  assert.deepEqual(
    [found.kinds, found.architectures, found.leftOut, found.total],
    [['binary', 'source'], ['amd64'], [], 4],
  );
  assert.deepEqual(found.left, {
    ...{ kind: 'snapshot', place: 'debian/sid@20260101T000000Z' },
    ...{ origin: 'debian', suite: 'sid', snapshotId: '20260101T000000Z' },
  });
});

test('comparePlaces of one place compares it with the snapshot before', async () => {
  const found = await comparePlaces(deps, undefined, 'debian/sid');
  assert.deepEqual([found.left.snapshotId, found.right.snapshotId], ['20260101T000000Z', '20260102T000000Z']);
  assert.deepEqual(tell(found), neighbours);
  await assert.rejects(
    comparePlaces(deps, undefined, 'debian/sid@20260101T000000Z'),
    refusal('no-earlier-snapshot', /it is the first that is kept/),
  );
});

test('comparePlaces refuses an architecture that neither place has', async () => {
  const compare = (architectures: readonly string[]) => comparePlaces(deps, undefined, 'debian/sid', { architectures });
  await assert.rejects(
    compare(['amd46']),
    refusal('unknown-architecture', /amd46: neither .*; did you mean "amd64"\?$/),
  );
  assert.deepEqual(tell(await compare(['all', 'amd64'])), neighbours);
});

test('comparePlaces refuses a component that neither place has, unless a path may have any', async () => {
  const compare = (a: string, components: readonly string[]) => comparePlaces(deps, a, 'debian/sid', { components });
  const before = 'debian/sid@20260101T000000Z';
  await assert.rejects(
    compare(before, ['main', 'contirb']),
    refusal('unknown-component', /contirb: neither .*; did you mean "contrib"\?$/),
  );
  assert.deepEqual(tell(await compare(before, ['contrib'])), ['moved binary firmware']);
  const file = join(directory, 'any.Packages');
  writeFileSync(file, toyBinary({ name: 'blob', component: 'non-free' }));
  assert.deepEqual(tell(await compare(file, ['non-free'])), ['removed binary blob']);
});

test('comparePlaces of a place with itself is empty', async () => {
  const found = await comparePlaces(deps, 'debian/sid', 'debian/sid');
  assert.deepEqual([found.total, found.alarms, tell(found)], [0, [], []]);
});

test('comparePlaces reads by pieces what whole lists say', async () => {
  const indexes = async (at: string) => {
    const ref = { origin: 'debian', suite: 'sid' };
    const snapshot = await findSnapshot(world.db, ref, new Date(at));
    return indexesAt(world.db, snapshot!);
  };
  const [left, right] = [await indexes('2026-01-01T12:00Z'), await indexes('2026-01-02T12:00Z')];
  const all = async (side: typeof left) => (await differingEntries(world.deps, side, [])).left;
  const whole = compareEntries(await all(left), await all(right));
  assert.equal(whole.same.binary, 1);
  const differing = await differingEntries(world.deps, left, right);
  assert.deepEqual(compareEntries(differing.left, differing.right).changes, whole.changes);
});

/** The indexes of a snapshot as files. */
function writeFiles(name: string, packages: readonly ToyEntry[], sources?: readonly ToyEntry[]): string {
  const folder = join(directory, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'Packages'), packages.map(toyBinary).join(''));
  if (sources !== undefined) writeFileSync(join(folder, 'Sources'), sources.map(toySource).join(''));
  return folder;
}

test('comparePlaces compares a snapshot with files, and files without a history', async () => {
  const [before_, after_] = [writeFiles('before', old, oldSources), writeFiles('after', now, newSources)];
  assert.deepEqual(tell(await comparePlaces(deps, 'debian/sid', after_)), []);
  const mixed = await comparePlaces(deps, 'debian/sid@2026-01-01', after_);
  assert.deepEqual(tell(mixed), neighbours);
  const files = await comparePlaces({ files: indexFiles }, before_, after_);
  // These files do not say another hash of it.
  assert.deepEqual(tell(files), ['altered binary firmware', ...neighbours.slice(1)]);
  assert.deepEqual(files.left, { kind: 'files', place: before_ });
});

test('comparePlaces knows no paths where it is given no files, and no suites without a history', async () => {
  const path = join(directory, 'before');
  await assert.rejects(comparePlaces({ history: deps.history }, path, path), refusal('unknown-place', /before/));
  await assert.rejects(
    comparePlaces({ files: indexFiles }, path, 'debian/sid'),
    refusal('unknown-place', /debian\/sid/),
  );
  await assert.rejects(
    comparePlaces({ files: indexFiles }, undefined, path),
    refusal('no-earlier-snapshot', /it is a path/),
  );
});

test('comparePlaces leaves out the kinds that only one place has, and says so', async () => {
  const found = await comparePlaces(deps, 'debian/sid@2026-01-01', 'debian/bare');
  assert.deepEqual(
    [found.kinds, found.leftOut],
    [['binary'], [{ place: 'debian/sid@20260101T000000Z', what: 'sources' }]],
  );
  const asked = await comparePlaces(deps, 'debian/sid@2026-01-01', 'debian/bare', { kinds: ['source'] });
  assert.deepEqual(tell(asked), ['removed source hello']);
  const bare = join(directory, 'before');
  await assert.rejects(
    comparePlaces({ files: indexFiles }, join(bare, 'Packages'), join(bare, 'Sources')),
    refusal('nothing-to-compare', /one has only sources/),
  );
});

test('comparePlaces leaves out architectures that only one place has, unless they are asked for', async () => {
  const tree = (name: string, architectures: readonly string[]) => {
    for (const architecture of architectures) {
      const folder = join(directory, name, 'dists/sid/main', `binary-${architecture}`);
      mkdirSync(folder, { recursive: true });
      const list = [
        { name: 'hello', architecture },
        { name: 'data', architecture: 'all', version: name.length + '-1' },
      ];
      writeFileSync(join(folder, 'Packages'), list.map(toyBinary).join(''));
    }
    return join(directory, name);
  };
  const [left, right] = [tree('one', ['amd64']), tree('other', ['amd64', 'riscv64'])];
  const found = await comparePlaces({ files: indexFiles }, left, right);
  assert.deepEqual([tell(found), found.architectures], [['upgraded binary data'], ['amd64']]);
  assert.deepEqual(found.leftOut, [{ place: right, what: 'riscv64' }]);
  const asked = await comparePlaces({ files: indexFiles }, left, right, { architectures: ['riscv64'] });
  assert.deepEqual(tell(asked), ['upgraded binary data', 'added binary hello']);
  await assert.rejects(
    comparePlaces({ files: indexFiles }, join(left, 'dists/sid'), tree('third', ['arm64'])),
    refusal('nothing-to-compare', /one has amd64, the other arm64/),
  );
});

test('comparePlaces shows what is asked for, counts every class, and never hides an alarm', async () => {
  const ask = (options: Parameters<typeof comparePlaces>[3]) =>
    comparePlaces(deps, 'debian/sid@20260101T000000Z', 'debian/sid', options);
  const added = await ask({ only: ['added'] });
  assert.deepEqual([tell(added), added.total, added.alarms.length], [['added binary sed'], 1, 1]);
  assert.equal(added.counts.binary.upgraded, 2);
  const named = await ask({ names: ['hel*'], kinds: ['binary'] });
  assert.deepEqual([tell(named), named.alarms], [['upgraded binary hello', 'upgraded binary hello-doc'], []]);
  assert.deepEqual(tell(await ask({ components: ['contrib'] })), ['moved binary firmware']);
});

test('comparePlaces gives pages that join to the whole', async () => {
  const found: string[] = [];
  let next: string | undefined;
  do {
    const page: PlaceComparison = await comparePlaces(deps, undefined, 'debian/sid', { limit: 1, after: next });
    found.push(...tell(page));
    next = page.next;
  } while (next !== undefined);
  assert.deepEqual(found, neighbours);
});

test('comparePlaces with a memory asks the history once, and never keeps a failure', async () => {
  let reads = 0;
  const store = new Proxy(world.store, {
    get: (target, name) => {
      if (name === 'pieces') reads++;
      const found: unknown = Reflect.get(target, name);
      return typeof found === 'function' ? (found.bind(target) as unknown) : found;
    },
  });
  const remembering: CompareDeps = { history: { ...deps.history!, store }, memory: new ComparisonMemory() };
  const first = await comparePlaces(remembering, undefined, 'debian/sid');
  const afterFirst = reads;
  assert.ok(afterFirst > 0);
  assert.deepEqual(await comparePlaces(remembering, undefined, 'debian/sid'), first);
  assert.equal(reads, afterFirst);
  assert.notDeepEqual(await comparePlaces(remembering, undefined, 'debian/sid', { kinds: ['source'] }), first);
  const memory = new ComparisonMemory();
  await assert.rejects(memory.comparisons.get('key', () => Promise.reject(new Error('no'))));
  const empty = compareEntries([], []);
  assert.equal(await memory.comparisons.get('key', async () => empty), empty);
});

test('comparePlaces with changelogs reads one file of each upgraded source', async () => {
  const text = ['2.12-1', '2.11-1', '2.10-3']
    .map(
      (version) =>
        `hello (${version}) sid; urgency=medium\n\n  * ${version}.\n\n -- A <a@b.c>  Thu, 01 Jan 2026 00:00:00 +0000\n`,
    )
    .join('\n');
  const asked: string[] = [];
  const changelogs: CompareDeps['changelogs'] = async ({ kind, name }) => {
    asked.push(`${kind} ${name}`);
    return kind === 'source' ? { state: 'absent' } : { state: 'found', text };
  };
  const { sources } = await comparePlaces({ ...deps, changelogs }, undefined, 'debian/sid', { changelogs: true });
  assert.deepEqual(asked, ['source hello', 'binary hello']);
  const told = sources.flatMap(({ changelog }) => (changelog === undefined ? [] : [changelog]));
  assert.deepEqual(
    told.map(({ state, from, entries }) => [state, from, entries?.map(({ version }) => version)]),
    [['found', 'hello', ['2.12-1', '2.11-1']]],
  );
});

test('comparePlaces of files agrees with python3-apt', { skip: noPythonApt() }, async () => {
  // Versions of few parts, so that all of dpkg's order is met; one version of each package, all of one architecture.
  let seed = 7;
  const pick = <T>(list: readonly T[]): T => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return list[(seed >> 8) % list.length]!;
  };
  const version = () =>
    `${pick(['', '1:'])}${pick(['1', '1.0', '1.10', '2~rc1', '2', '2+b'])}-${pick(['1', '1.1', '2~', '10'])}`;
  const list = (): ToyEntry[] =>
    Array.from({ length: 400 }, (_, index) => ({ name: `package${index}`, version: version() }))
      .filter(() => pick([true, true, true, false]))
      .map((each) => ({ ...each, sha256: pick(['a', 'b']).repeat(64) }));
  const [left, right] = [writeFiles('random-a', list()), writeFiles('random-b', list())];
  const script = join(import.meta.dirname, '../../bench/peers/diff-apt.py');
  const theirs = run('/usr/bin/python3', [script, join(left, 'Packages'), join(right, 'Packages'), '--list']);
  const found = await comparePlaces({ files: indexFiles }, left, right);
  const ours = found.sources.flatMap(({ changes }) => changes.map(({ change, name }) => `${change} ${name} amd64`));
  assert.ok(new Set(ours.map((line) => line.split(' ')[0])).size === 5);
  assert.deepEqual(ours.sort(), theirs.toString().trim().split('\n').sort());
});

function noPythonApt(): string | false {
  try {
    run('/usr/bin/python3', ['-c', 'import apt_pkg']);
    return false;
  } catch {
    return missing('python3') || 'not installed: python3-apt';
  }
}
