import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { historyWorld, type HistoryWorld } from '../../test/history-world.ts';
import type { Manifest, ManifestPackage } from '../device/mod.ts';
import { sha256 } from '../kit/digest.ts';
import type { Lock } from '../model/lock.ts';
import { parseArchitecture, parsePackageName, parseVersion } from '../model/names.ts';
import { diffDevice, type DeviceDeps } from './device-diff.ts';

let world: HistoryWorld;
let deps: DeviceDeps;
const newer = sha256('hello 3');

before(async () => {
  world = await historyWorld();
  const debian = { origin: 'debian', suite: 'trixie' };
  await world.record({ ...debian, snapshotId: '20260101T000000Z' }, [
    { name: 'hello', version: '1' },
    { name: 'libc6', version: '2' },
  ]);
  await world.record({ ...debian, snapshotId: '20260201T000000Z' }, [
    { name: 'hello', version: '3', sha256: newer },
    { name: 'libc6', version: '2' },
  ]);
  await world.record({ ...debian, snapshotId: '20260301T000000Z' }, [
    { name: 'hello', version: '3', sha256: newer },
    { name: 'libc6', version: '4' },
  ]);
  await world.record({ origin: '', suite: 'stable', snapshotId: '20260301T000000Z' }, [{ name: 'own', version: '2' }]);
  deps = {
    history: { ...world.deps, distribution: { suites: new Map(), upstreams: [] as never } },
    changelogs: async ({ sha256: digest }) =>
      digest === newer
        ? {
            state: 'found',
            text: [
              entry('3', 'CVE-2026-1234'),
              entry('2', 'CVE-2026-0001, CVE-2026-1234'),
              entry('1', 'CVE-2020-1111'),
            ].join('\n'),
          }
        : { state: 'absent' },
  };
});
after(() => world.close());

function entry(version: string, text: string): string {
  return `hello (${version}) trixie; urgency=high\n\n  * Fix ${text}.\n\n -- A <a@example.org>  Thu, 01 Jan 2026 00:00:00 +0000\n`;
}

function installed(name: string, version: string): ManifestPackage {
  const status = 'install ok installed';
  return { name, version, architecture: 'amd64', source: name, sourceVersion: version, status, auto: false };
}

const manifest: Manifest = {
  ...{ architecture: 'amd64', foreign: [], date: '2026-03-02T00:00:00Z', filesChecked: false },
  packages: [installed('hello', '1'), installed('libc6', '3'), installed('local', '1'), installed('own', '1')],
};

const places = (...names: string[]) => ({ kind: 'places', places: names }) as const;
const tellAll = async (...names: string[]) =>
  (await diffDevice(deps, manifest, places(...names))).packages.map(({ name, kinds }) => `${name} ${kinds.join(' ')}`);

test('diffDevice compares with what suites offered at a moment', async () => {
  assert.deepEqual(await tellAll('debian/trixie'), ['hello behind', 'libc6 behind', 'local foreign', 'own foreign']);
  assert.deepEqual(await tellAll('debian/trixie@2026-01-15'), [
    'hello same',
    'libc6 ahead',
    'local foreign',
    'own foreign',
  ]);
  assert.deepEqual(await tellAll('stable', 'debian/trixie'), [
    'hello behind',
    'libc6 behind',
    'local foreign',
    'own behind',
  ]);
});

test('diffDevice knows since when a newer version was there, and what its changelog fixes', async () => {
  const { packages, against } = await diffDevice(deps, manifest, places('debian/trixie'));
  assert.deepEqual(against, { kind: 'places', places: ['debian/trixie@20260301T000000Z'] });
  const [hello, libc6] = packages;
  assert.deepEqual([hello?.since, hello?.cves], ['2026-02-01T00:00:00Z', ['CVE-2026-0001', 'CVE-2026-1234']]);
  assert.deepEqual([libc6?.since, libc6?.cves], ['2026-03-01T00:00:00Z', undefined]);
});

test('diffDevice finds the snapshots that first had what is not listed', async () => {
  const only = { ...manifest, packages: [...manifest.packages, installed('hello', '3')].slice(1) };
  const { packages } = await diffDevice(deps, only, places('debian/trixie@2026-01-15'), { find: true });
  const known = (name: string) => packages.find((each) => each.name === name)!.known;
  assert.deepEqual(known('hello'), [{ place: 'debian/trixie@20260201T000000Z', sha256: newer }]);
  // Of libc6 other versions were there, of local none.
  assert.deepEqual([known('libc6'), known('local')], [[], []]);
  const { packages: unasked } = await diffDevice(deps, only, places('debian/trixie@2026-01-15'));
  assert.ok(unasked.every((each) => each.known === undefined));
});

test('diffDevice compares with the lock of the device’s architecture, without any history', async () => {
  const lockOf = (architecture: string): Lock => ({
    architecture: parseArchitecture(architecture),
    sources: [],
    packages: [
      {
        ...{ name: parsePackageName('hello'), version: parseVersion('1+b1'), url: 'http://h/x.deb', size: 1 },
        ...{ architecture: parseArchitecture(architecture), sha256: newer, fields: [['Source', 'hello-src (1)']] },
      },
    ],
  });
  const lock = { kind: 'lock', name: 'x.lock', locks: [lockOf('arm64'), lockOf('amd64')] } as const;
  const found = await diffDevice({}, manifest, lock);
  const [hello] = found.packages;
  assert.deepEqual([hello?.kinds, hello?.listed?.sourceVersion, found.counts.foreign], [['behind'], '1', 3]);
  await assert.rejects(
    diffDevice({}, manifest, { ...lock, locks: [lockOf('arm64')] }),
    (error: { code?: string }) => error.code === 'wrong-architecture',
  );
  await assert.rejects(
    diffDevice({}, manifest, places('stable')),
    (error: { code?: string }) => error.code === 'unknown-place',
  );
});
