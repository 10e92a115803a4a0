import type { Lock } from '../model/lock.ts';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { historyWorld, type HistoryWorld } from '../../test/history-world.ts';
import { seedUpstream } from '../../test/seed-history.ts';
import { toyDistribution } from '../../test/toy-archive.ts';
import { field, parseStanzas } from '../formats/deb/deb822.ts';
import { compareVersions } from '../formats/deb/version.ts';
import { sha256, parseSha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import { lockedPackageFields, type SnapshotSolver } from '../lock/mod.ts';
import { checkLockSpec } from '../lock/spec.ts';
import { parseArchitecture, parsePackageName, parseVersion } from '../model/names.ts';
import { createLock } from './create-lock.ts';
import { updateLock, type Movable, type UpdateLockDeps, type UpdateOptions } from './update-lock.ts';

let world: HistoryWorld;
let deps: UpdateLockDeps;

/** Takes everything that the sources have: the kept version where it is there, else the newest. */
const solver: SnapshotSolver = {
  solve: async ({ sources, keep, exclude }) => {
    const best = new Map<string, { readonly version: string; readonly kept: boolean; readonly text: string }>();
    for (const { sha256: digest } of sources.flatMap(({ indexes }) => indexes)) {
      for (const stanza of parseStanzas((await world.store.read(digest)).toString())) {
        const [name, version] = [field(stanza, 'Package')!, field(stanza, 'Version')!];
        const known = best.get(name);
        const kept = keep.some((each) => each.name === name && each.version === version);
        const isBetter = known === undefined || (!known.kept && (kept || compareVersions(version, known.version) > 0));
        if (isBetter) best.set(name, { version, kept, text: stanza.text });
      }
    }
    if (exclude.some((name) => best.has(name))) return { kind: 'unmet', explanation: 'cannot do without' };
    return {
      kind: 'solved',
      packages: [...best].map(([name, { version, text }]) => {
        const [stanza] = parseStanzas(text);
        return {
          ...{ name: parsePackageName(name), version: parseVersion(version), architecture: parseArchitecture('amd64') },
          ...{ sha256: parseSha256(field(stanza!, 'SHA256')!), size: Number(field(stanza!, 'Size')) },
          ...{ url: `http://h/${field(stanza!, 'Filename')}`, fields: lockedPackageFields(stanza!) },
        };
      }),
    };
  },
};

const old = 'debian/trixie@20260101T000000Z';
const security = 'debian/trixie-security';

before(async () => {
  world = await historyWorld();
  const debian = seedUpstream('debian');
  const distribution = { ...toyDistribution('/tmp'), upstreams: new Map([[debian.name, debian]]) };
  deps = { db: world.db, distribution, history: world.deps, solver };
  const record = async (suite: string, snapshotId: string, ...packages: string[]) => {
    const entries = packages.map((text) => {
      const [name = '', version = '', source = name] = text.split(' ');
      return { name, version, source, sourceVersion: version };
    });
    const release = sha256(`${suite} ${snapshotId}`);
    await world.record({ origin: 'debian', suite, snapshotId, release }, entries);
  };
  await record('trixie', '20260101T000000Z', 'jq 1', 'libssl 1 openssl', 'openssl 1', 'web 1');
  await record('trixie', '20260201T000000Z', 'jq 2', 'jq 1', 'libssl 1 openssl', 'openssl 1', 'web 2');
  await record('trixie-security', '20260101T120000Z', 'other 1');
  await record('trixie-updates', '20260201T000000Z', 'web 1');
  await record('trixie-security', '20260215T000000Z', 'libssl 1+deb13u1 openssl', 'openssl 1+deb13u1', 'other 1');
});
after(async () => world.close());

const request = (from: readonly string[]) =>
  checkLockSpec({
    ...{ packages: ['web'], variant: undefined, from, architectures: ['amd64'] },
    ...{ recommends: undefined, exclude: undefined },
  });

async function lockOf(...from: string[]): Promise<readonly Lock[]> {
  const answer = await createLock(deps, request(from));
  assert.equal(answer.kind, 'locked');
  return answer.locks;
}

const versions = ([lock]: readonly Lock[]) =>
  lock!.packages.map(({ name, version }) => `${name} ${version}`).join(', ');

async function update(locks: readonly Lock[], movable: Movable, more: Partial<UpdateOptions> = {}) {
  const updated = await updateLock(deps, locks, { movable, ...more });
  assert.equal(updated.kind, 'updated');
  return updated;
}

test('updateLock moves everything to the newest snapshots of the same suites', async () => {
  const { locks, comparison, forced } = await update(await lockOf(old), { kind: 'all' });
  assert.equal(versions(locks), 'jq 2, libssl 1, openssl 1, web 2');
  assert.equal(locks[0]!.sources[0]!.snapshot, 'debian/trixie@20260201T000000Z');
  assert.equal(comparison.architectures[0]!.counts.upgraded, 2);
  assert.deepEqual(forced, []);
});

test('updateLock writes down a suite that is asked for now, also where no package comes from it yet', async () => {
  const spec = request(['debian/trixie', 'debian/trixie-updates']);
  const { locks, comparison } = await update(await lockOf('debian/trixie'), { kind: 'all' }, { spec });
  assert.equal(comparison.architectures[0]!.counts.upgraded, 0);
  assert.equal(locks[0]!.sources[1]!.snapshot, 'debian/trixie-updates@20260201T000000Z');
  assert.deepEqual(await updateLock(deps, locks, { movable: { kind: 'all' } }), { kind: 'unchanged' });
});

test('updateLock moves what cannot stay beside what moves, and nothing else', async () => {
  const strict: SnapshotSolver = {
    solve: async (asked) => {
      const names = asked.keep.map(({ name }) => name);
      const [web, jq] = [names.includes(parsePackageName('web')), names.includes(parsePackageName('jq'))];
      return !web && jq ? { kind: 'unmet', explanation: 'web : Depends: jq', kept: ['jq'] } : solver.solve(asked);
    },
  };
  const locks = await lockOf(old);
  const updated = await updateLock({ ...deps, solver: strict }, locks, { movable: { kind: 'only', names: ['web'] } });
  assert.equal(updated.kind, 'updated');
  assert.equal(versions(updated.locks), 'jq 2, libssl 1, openssl 1, web 2');
  assert.deepEqual(updated.forced, ['jq']);
});

test('updateLock tells why nothing fits when nothing more can be let go', async () => {
  const never: SnapshotSolver = {
    solve: async () => ({ kind: 'unmet', explanation: 'web : Depends: no', kept: ['jq'] }),
  };
  const answer = await updateLock({ ...deps, solver: never }, await lockOf(old), {
    movable: { kind: 'only', names: ['web'] },
  });
  assert.deepEqual(answer, { kind: 'unsatisfiable', explanation: 'web : Depends: no' });
});

test('updateLock leaves a lock alone whose packages stay the same', async () => {
  const newest = await lockOf('debian/trixie');
  assert.deepEqual(await updateLock(deps, newest, { movable: { kind: 'all' } }), { kind: 'unchanged' });
  const early = await lockOf(old);
  assert.deepEqual(
    await updateLock(deps, early, { movable: { kind: 'only', names: ['openssl'] } }).then(({ kind }) => kind),
    'updated',
  );
});

test('updateLock with names moves these, and tells what moved for lack of its version', async () => {
  const { locks, forced } = await update(await lockOf(old), { kind: 'only', names: ['openssl'] });
  // web 1 is in no index any more, jq 1 still is.
  assert.equal(versions(locks), 'jq 1, libssl 1, openssl 1, web 2');
  assert.deepEqual(forced, ['web']);
  const named = await update(await lockOf(old), { kind: 'only', names: ['w*'] });
  assert.deepEqual(named.forced, []);
});

test('updateLock takes a name for that of a source package too', async () => {
  const spec = request([old, security]);
  const { locks, forced } = await update(await lockOf(old), { kind: 'only', names: ['openssl'] }, { spec });
  assert.equal(versions(locks), 'jq 1, libssl 1+deb13u1, openssl 1+deb13u1, other 1, web 1');
  assert.deepEqual(forced, []);
});

test('updateLock with security moves only what a security suite has newer', async () => {
  const before = await lockOf(old, `${security}@20260101T120000Z`);
  const { locks, security: told } = await update(before, { kind: 'security' });
  assert.equal(versions(locks), 'jq 1, libssl 1+deb13u1, openssl 1+deb13u1, other 1, web 2');
  assert.deepEqual(
    told?.map(({ name, from, to, place }) => `${name} ${from} ${to} ${place}`),
    ['libssl', 'openssl'].map((name) => `${name} 1 1+deb13u1 ${security}@20260215T000000Z`),
  );
});

test('updateLock goes to a moment, to an id as a moment, or moves one suite alone', async () => {
  const newest = await lockOf('debian/trixie', security);
  const places = async (to: string) =>
    (await update(newest, { kind: 'all' }, { to })).locks[0]!.sources.map(({ snapshot }) => snapshot);
  const early = ['debian/trixie@20260101T000000Z', `${security}@20260101T120000Z`];
  assert.deepEqual(await places('2026-01-05'), early);
  assert.deepEqual(await places('20260101T120000Z'), early);
  assert.deepEqual(await places(`${security}@20260101T120000Z`), [
    'debian/trixie@20260201T000000Z',
    `${security}@20260101T120000Z`,
  ]);
});

test('updateLock tells what apt says when nothing fits', async () => {
  const spec = { ...request(['debian/trixie']), exclude: [parsePackageName('jq')] };
  assert.deepEqual(await updateLock(deps, await lockOf(old), { movable: { kind: 'all' }, spec }), {
    kind: 'unsatisfiable',
    explanation: 'cannot do without',
  });
});

test('updateLock refuses what it cannot decide', async () => {
  const locks = await lockOf(old);
  const [{ request: _, ...unasked }] = locks as [Lock];
  const cases: readonly (readonly [string, readonly Lock[], UpdateOptions])[] = [
    ['no-lock-request', [unasked], { movable: { kind: 'all' } }],
    ['no-lock-request', [{ ...locks[0]!, sources: [] }], { movable: { kind: 'all' } }],
    ['no-security-suite', locks, { movable: { kind: 'security' } }],
    ['not-in-lock', locks, { movable: { kind: 'only', names: ['nginx'] } }],
    ['unknown-place', locks, { movable: { kind: 'all' }, to: 'debian/sid@20260101T000000Z' }],
    ['unknown-place', locks, { movable: { kind: 'all' }, to: '2020-01-01' }],
  ];
  for (const [code, given, options] of cases) {
    await assert.rejects(
      () => updateLock(deps, given, options),
      (error) => error instanceof SheafError && error.code === code,
      code,
    );
  }
});
