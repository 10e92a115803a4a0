import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { historyWorld, type HistoryWorld, type ToyEntry } from '../../test/history-world.ts';
import { seedUpstream } from '../../test/seed-history.ts';
import { toyDistribution } from '../../test/toy-archive.ts';
import { sha256, type Sha256 } from '../kit/digest.ts';
import { formatLock, parseLock } from '../lock/mod.ts';
import type { BuildSpec } from '../model/job.ts';
import { parseArchitecture, parsePackageName, parseVersion } from '../model/names.ts';
import { Blobs } from '../plumbing/blobs.ts';
import type { OlderSource } from '../rebuild/mod.ts';
import { lockKnown } from './lock-known.ts';
import { compareAll, type ComparedPart } from './rebuild-compared.ts';
import { explain } from './rebuild-explain.ts';
import { earlierReleases, findOlder, placesOfTime, withVersions, type OlderDeps } from './rebuild-older.ts';
import type { RebuildDeps } from './rebuild.ts';

const amd64 = parseArchitecture('amd64');
let directory: string;
let world: HistoryWorld;
let deps: OlderDeps & { readonly house: NonNullable<OlderDeps['house']> };

const of = (source: string, version: string, ...names: readonly string[]): ToyEntry[] =>
  names.map((name) => ({ name, version, source, sourceVersion: version }));
const seconds = (day: string) => Date.parse(day) / 1000;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sheaf-older-'));
  world = await historyWorld();
  const debian = seedUpstream('debian');
  deps = {
    house: {
      history: world.deps,
      distribution: { ...toyDistribution(directory), upstreams: new Map([[debian.name, debian]]) },
    },
    blobs: new Blobs(directory),
  };
  const record = async (day: string, suite: string, packages: readonly ToyEntry[]) => {
    const snapshotId = `${day.replaceAll('-', '')}T000000Z`;
    return world.record(
      { origin: 'debian', suite, snapshotId, release: sha256(day), signedBy: ['A'.repeat(40)] },
      packages,
    );
  };
  const zlib = of('zlib', '1.3-1', 'zlib1g');
  await record('2025-01-01', 'buster', of('gcc-defaults', '4:8-1', 'gcc'));
  await record('2025-01-01', 'bullseye', [
    ...[
      ...of('glibc', '2.31-13', 'libc6', 'libc-dev'),
      ...of('gcc-defaults', '4:10-1', 'gcc'),
      ...of('extra', '0-1', 'extra'),
    ],
  ]);
  await record('2025-01-01', 'forky', of('gcc-defaults', '4:16-1', 'gcc'));
  await record('2026-01-01', 'bookworm', [
    ...[...of('glibc', '2.36-9', 'libc6', 'libc-dev'), ...of('tool', '1-1', 'tool'), ...zlib],
    ...[...of('pair', '1-1', 'one'), ...of('extra', '1-1', 'extra'), ...of('gcc-defaults', '4:11-1', 'gcc')],
  ]);
  await record('2026-02-01', 'bookworm', [
    ...[...of('glibc', '2.36-9+u1', 'libc6', 'libc-dev'), ...of('tool', '2-1', 'tool'), ...zlib],
    ...[...of('pair', '1-2', 'one', 'two'), ...of('extra', '1-1', 'extra'), ...of('gcc-defaults', '4:12-1', 'gcc')],
  ]);
  await record('2026-03-01', 'bookworm', [
    ...[...of('glibc', '2.36-9+u2', 'libc6', 'libc-dev'), ...of('tool', '3-1', 'tool'), ...zlib],
    ...[...of('pair', '1-3', 'one', 'two'), ...of('extra', '1-1', 'extra'), ...of('gcc-defaults', '4:12-1', 'gcc')],
  ]);
});
after(async () => {
  await world.close();
  await rm(directory, { recursive: true });
});

/** The environment of today. */
async function today(...packages: readonly (readonly [string, string])[]): Promise<Sha256> {
  const { lock, unknown } = await lockKnown(
    { ...deps.house.history, distribution: deps.house.distribution },
    { architecture: amd64, packages: packages.map(([name, version]) => ({ name, version, architecture: amd64 })) },
  );
  assert.deepEqual(unknown, []);
  return (await deps.blobs.putBytes(formatLock(lock))).sha256;
}

const all = [
  ...[['libc6', '2.36-9+u2'] as const, ['libc-dev', '2.36-9+u2'] as const, ['tool', '3-1'] as const],
  ...[['zlib1g', '1.3-1'] as const, ['one', '1-3'] as const, ['two', '1-3'] as const],
];
const told = (older: readonly OlderSource[]) =>
  older.map(({ source, version, packages }) => [source, version, packages.map(({ name }) => name).join(' ')]);

test('findOlder takes what was current at that time, by whole sources', async () => {
  const older = await findOlder(deps, await today(...all), seconds('2026-02-10'));
  assert.deepEqual(told(older), [
    ['glibc', '2.36-9+u1', 'libc-dev libc6'],
    ['pair', '1-2', 'one two'],
    ['tool', '2-1', 'tool'],
  ]);
});

test('findOlder takes the oldest that is known where none is so old, and of the same upstream version', async () => {
  const older = await findOlder(deps, await today(...all), seconds('2024-01-01'));
  assert.deepEqual(told(older), [
    // bullseye's is older still, and of another distribution.
    ['glibc', '2.36-9', 'libc-dev libc6'],
    // 1-1 had no `two`.
    ['pair', '1-2', 'one two'],
    ['tool', '1-1', 'tool'],
  ]);
});

test('earlierReleases are those with an older compiler, the nearest first; findOlder takes nothing of them', async () => {
  const lock = await today(['gcc', '4:12-1'], ['extra', '1-1']);
  assert.deepEqual(await earlierReleases(deps, lock), ['debian/bullseye', 'debian/buster']);
  assert.deepEqual(told(await findOlder(deps, lock, 0)), [['gcc-defaults', '4:11-1', 'gcc']]);
  // Where nothing is compiled, no release is another.
  const bare = await today(['extra', '1-1']);
  assert.deepEqual(await earlierReleases(deps, bare), []);
  assert.deepEqual(told(await findOlder(deps, bare, 0)), [['extra', '0-1', 'extra']]);
  assert.deepEqual(await earlierReleases({ ...deps, house: undefined }, lock), []);
});

test('placesOfTime are suites as they were then, the nearest first, with the same compiler', async () => {
  const lock = await today(['gcc', '4:12-1']);
  const [february, march] = ['debian/bookworm@20260201T000000Z', 'debian/bookworm@20260301T000000Z'];
  const on = async (day: string) => placesOfTime(deps, lock, seconds(day));
  assert.deepEqual(await on('2026-02-27'), [february]);
  assert.deepEqual(await on('2026-03-20'), [march]);
  // Nothing says that it was still so.
  assert.deepEqual(await on('2026-06-20'), []);
  // Then it had another compiler, and long before that nobody looked.
  assert.deepEqual(await on('2026-01-10'), []);
  assert.deepEqual(await on('2024-01-10'), []);
  await world.record(
    {
      origin: 'debian',
      suite: 'then',
      snapshotId: '20260210T120000Z',
      release: sha256('then'),
      signedBy: ['A'.repeat(40)],
    },
    of('gcc-defaults', '4:12-1', 'gcc'),
  );
  const then = 'debian/then@20260210T120000Z';
  assert.deepEqual(await on('2026-02-12'), [then, february]);
  assert.deepEqual(await on('2026-02-08'), [then, february]);
  assert.deepEqual(await placesOfTime({ ...deps, house: undefined }, lock, 0), []);
});

test('findOlder finds nothing where nothing is older, and without a history', async () => {
  const lock = await today(['zlib1g', '1.3-1']);
  assert.deepEqual(await findOlder(deps, lock, seconds('2024-01-01')), []);
  assert.deepEqual(await findOlder({ ...deps, house: undefined }, lock, 0), []);
});

test('withVersions gives the lock with the other versions, or nothing where the history does not vouch for one', async () => {
  const lock = await today(...all);
  const at = seconds('2026-02-10');
  const glibc = (await findOlder(deps, lock, at)).find(({ source }) => source === 'glibc')!;
  const other = (await withVersions(deps, lock, glibc.packages, at))!;
  const packages = new Map(
    parseLock((await deps.blobs.read(other)).toString(), 'lock').packages.map((each) => [each.name as string, each]),
  );
  assert.deepEqual(
    all.map(([name]) => packages.get(name)?.version),
    ['2.36-9+u1', '2.36-9+u1', '3-1', '1.3-1', '1-3', '1-3'],
  );
  assert.equal(await withVersions(deps, lock, [], at), lock);
  const [{ name }] = glibc.packages as [OlderSource['packages'][number]];
  assert.equal(await withVersions(deps, lock, [{ name, version: parseVersion('9') }], at), undefined);
});

test('explain says what a binary-only upload was made for, where the environment has another version', async () => {
  const lock = await today(['libc6', '2.36-9+u2']);
  const causesFor = async (change: string) => {
    const changelogEntry = `toy (1+b1) sid; urgency=low, binary-only=yes\n\n  * ${change}\n`;
    const part = { spec: { lock, conditions: { changelogEntry } }, files: [] };
    const built = { outcome: 'failed', seconds: 1, log: '', reason: '' };
    const compared = await compareAll(deps as unknown as RebuildDeps, [], []);
    const { causes } = await explain(
      deps as unknown as RebuildDeps,
      { part, built, compared } as unknown as ComparedPart,
      0,
      0,
    );
    return causes.map(({ detail, confirmed }) => `${detail}: ${confirmed}`);
  };
  const said = 'as the changelog of the binary-only upload says: false';
  assert.deepEqual(await causesFor('Rebuild against glibc 2.36-9+u1'), [`glibc 2.36-9+u1, ${said}`]);
  assert.deepEqual(await causesFor('Rebuild against libc6 2.36-9+u1'), [`libc6 2.36-9+u1, ${said}`]);
  assert.deepEqual(await causesFor('Rebuild against glibc 2.36-9+u2'), []);
  assert.deepEqual(await causesFor('Rebuild against zlib 1.2'), []);
});

/** What explaining finds when the published file was built with these, and how many builds that took. */
async function explained(published: readonly string[], most: number): Promise<readonly [string, number]> {
  const lock = await today(...all);
  const build = async (spec: BuildSpec) => {
    const { packages } = parseLock((await deps.blobs.read(spec.lock)).toString(), 'lock');
    const older = packages.filter(({ name, version }) => all.find(([each]) => each === name)![1] !== version);
    const used = older.map(({ name }) => name).filter((name) => published.includes(name));
    const { sha256: hash, size } = await new Blobs(directory).putBytes(`built with ${used.toSorted().join()}`);
    const file = { name: 'toy_1_amd64.deb', sha256: hash, size, path: '' };
    return { outcome: 'built', seconds: 1, log: '', files: [file] } as const;
  };
  const spec: BuildSpec = {
    ...{ kind: 'binary', builds: 'any', source: parsePackageName('toy'), version: parseVersion('1') },
    ...{ architecture: amd64, inputs: [], lock, baseLock: lock, sourceDateEpoch: 0 },
    limits: { wall: 1, silence: 1, memory: 1, disk: 1, log: 1, processes: 1 },
  };
  const names = { name: parsePackageName('toy'), version: parseVersion('1'), architecture: amd64 };
  const original = { ...names, file: 'toy_1_amd64.deb', sha256: sha256(`built with ${published.join()}`), size: 1 };
  const explainDeps = {
    ...{ ...deps, limits: spec.limits, clock: { now: () => new Date() }, run: build },
    ...{ readFacts: async () => ({ date: 0, buildPaths: [] }), compare: undefined, compilers: async () => [] },
    ...{ headers: async () => [], report: () => {}, signal: new AbortController().signal },
  } as unknown as RebuildDeps;
  const made = { part: { spec, files: [original] }, built: await build(spec) };
  const compared = await compareAll(explainDeps, made.part.files, made.built.files);
  const { causes, experiments } = await explain(explainDeps, { ...made, compared }, seconds('2026-02-10'), most);
  assert.ok(causes.every(({ confirmed }) => confirmed));
  return [causes.map(({ detail }) => detail).join(), experiments.length];
}

test('explain names of all that is older only what it takes', async () => {
  // The same once more, libc alone, everything; then halves of three: the first two, of those each.
  assert.deepEqual(await explained(['tool'], 9), ['tool 2-1', 5]);
  assert.deepEqual(await explained(['one', 'two'], 9), ['pair 1-2', 5]);
  assert.deepEqual(await explained(['one', 'tool', 'two'], 9), ['glibc 2.36-9+u1, pair 1-2, tool 2-1', 5]);
  // As far as there may be builds.
  assert.deepEqual(await explained(['one', 'two'], 4), ['glibc 2.36-9+u1, pair 1-2', 4]);
});
