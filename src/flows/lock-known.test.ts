import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { historyWorld, type HistoryWorld } from '../../test/history-world.ts';
import { seedUpstream } from '../../test/seed-history.ts';
import { toyDistribution } from '../../test/toy-archive.ts';
import { SheafError } from '../kit/error.ts';
import { sha256 } from '../kit/digest.ts';
import { formatLock, parseLock } from '../lock/mod.ts';
import { parseArchitecture } from '../model/names.ts';
import { lockFromBuildinfo } from './lock-from-buildinfo.ts';
import { lockFromSystem } from './lock-from-system.ts';
import { lockKnown, type LockKnownDeps, type WantedPackage } from './lock-known.ts';

let world: HistoryWorld;
let deps: LockKnownDeps;
const amd64 = parseArchitecture('amd64');
const release = sha256('a Release file');
const key = 'A'.repeat(40);

const libc = { name: 'libc6', version: '2.41-1', source: 'glibc', fields: { 'Installed-Size': '100' } };
const hello = (version: string, more = {}) => ({ name: 'hello', version, ...more });

before(async () => {
  world = await historyWorld();
  const upstreams = [seedUpstream('debian'), seedUpstream('partner', { url: 'http://partner.example.org/' })];
  deps = {
    ...world.deps,
    distribution: { ...toyDistribution('/tmp'), upstreams: new Map(upstreams.map((each) => [each.name, each])) },
  };
  const at = (snapshotId: string, suite = 'trixie', origin = 'debian') => ({
    ...{ origin, suite, snapshotId, release, signedBy: [key] },
  });
  const doc = { name: 'hello-doc', version: '1.0', architecture: 'all' };
  await world.record(at('20260101T000000Z'), [libc, hello('1.0'), doc]);
  await world.record(at('20260201T000000Z'), [libc, hello('2.0'), doc]);
  await world.record(at('20260301T000000Z'), [libc, hello('3.0'), doc]);
  await world.record(at('20260301T000000Z', 'trixie-security'), [hello('2.0+deb13u1')]);
  const other = hello('2.0', { sha256: sha256('rebuilt by others') });
  await world.record(at('20260201T000000Z', 'stable', 'partner'), [other]);
  const { release: _, ...unsigned } = at('20250101T000000Z', 'old', 'partner');
  await world.record(unsigned, [hello('0.1'), { name: 'signed-later' }]);
  await world.record(at('20250201T000000Z', 'old', 'partner'), [{ name: 'signed-later' }]);
  // An upstream that was taken out of sheaf.toml.
  await world.record(at('20260101T000000Z', 'sid', 'gone'), [{ name: 'only-gone' }]);
});
after(async () => world.close());

const wanted = (text: string): WantedPackage => {
  const [, name = '', architecture, version = ''] = /^([^: ]+)(?::(\S+))? (\S+)$/.exec(text)!;
  return { name, version, architecture };
};
const lock = (...packages: string[]) => lockKnown(deps, { architecture: amd64, packages: packages.map(wanted) });

test('lockKnown takes the files of the versions from a snapshot that has all of them', async () => {
  const { lock: made, unknown, ambiguous } = await lock('libc6 2.41-1', 'hello 1.0', 'hello-doc 1.0');
  assert.deepEqual(unknown, []);
  assert.deepEqual(ambiguous, []);
  assert.deepEqual(made.sources, [
    {
      ...{ url: 'http://deb.example.org/debian', suite: 'trixie', components: ['main'] },
      ...{ snapshot: 'debian/trixie@20260101T000000Z', inRelease: release, keys: [key] },
      date: 'Thu, 01 Jan 2026 00:00:00 UTC',
    },
  ]);
  assert.deepEqual(
    made.packages.map(({ name, version, architecture, url }) => [name, version, architecture, url]),
    [
      ['hello', '1.0', 'amd64', 'http://deb.example.org/debian/pool/main/h/hello/hello_1.0_amd64.deb'],
      ['hello-doc', '1.0', 'all', 'http://deb.example.org/debian/pool/main/h/hello-doc/hello-doc_1.0_all.deb'],
      ['libc6', '2.41-1', 'amd64', 'http://deb.example.org/debian/pool/main/l/glibc/libc6_2.41-1_amd64.deb'],
    ],
  );
  assert.equal(made.packages[2]!.fields?.find(([name]) => name === 'Source')?.[1], 'glibc');
  assert.deepEqual(parseLock(formatLock(made)), made);
});

test('lockKnown takes several snapshots where no one has all', async () => {
  const { lock: made } = await lock('libc6 2.41-1', 'hello 2.0+deb13u1', 'hello-doc 1.0');
  assert.deepEqual(
    made.sources.map(({ snapshot }) => snapshot),
    ['debian/trixie-security@20260301T000000Z', 'debian/trixie@20260101T000000Z'],
  );
  assert.equal(made.packages.length, 3);
});

test('lockKnown tells of every package that is not known, and where it may be', async () => {
  const { lock: made, unknown } = await lock(
    'hello 1.0',
    'hello 9',
    'hello:arm64 1.0',
    'hello 0.1',
    'only-gone 1.0-1',
    'Bad_Name 1',
  );
  assert.equal(made.packages.length, 1);
  assert.deepEqual(
    unknown.map(({ name, architecture, version, why }) => [name, architecture, version, why]),
    [
      ['hello', undefined, '9', 'never'],
      ['hello', 'arm64', '1.0', 'never'],
      ['hello', undefined, '0.1', 'unsigned'],
      ['only-gone', undefined, '1.0-1', 'never'],
      ['Bad_Name', undefined, '1', 'never'],
    ],
  );
  assert.deepEqual(unknown[0]!.others, ['3.0', '2.0+deb13u1', '2.0', '1.0', '0.1']);
  assert.equal(unknown[0]!.hint, 'https://snapshot.debian.org/binary/hello/');
});

test('lockKnown goes on to the first snapshot that somebody signed', async () => {
  const { lock: made } = await lock('signed-later 1.0-1');
  assert.equal(made.sources[0]!.snapshot, 'partner/old@20250201T000000Z');
});

test('lockKnown says where a version had two files', async () => {
  const { ambiguous } = await lock('libc6 2.41-1', 'hello 2.0');
  assert.deepEqual(ambiguous, [
    { ...wanted('hello 2.0'), taken: sha256('hello 2.0 amd64'), others: [sha256('rebuilt by others')] },
  ]);
});

const buildinfo = `Format: 1.0
Source: toy
Binary: toy
Architecture: amd64
Version: 1
Checksums-Sha256:
 ${sha256('x')} 1 toy_1_amd64.deb
Build-Architecture: amd64
Build-Date: Sun, 15 Feb 2026 10:00:00 +0000
Installed-Build-Depends:
 hello (= 2.0),
 libc6 (= 2.41-1),
 missing (= 1)
`;

test('lockFromBuildinfo takes what was current on the day of the build', async () => {
  const found = await lockFromBuildinfo(deps, buildinfo, 'toy.buildinfo');
  assert.equal(found.signed, false);
  assert.deepEqual(
    found.lock.sources.map(({ snapshot }) => snapshot),
    ['debian/trixie@20260201T000000Z'],
  );
  assert.deepEqual(
    found.unknown.map(({ name, hint }) => [name, hint]),
    [['missing', 'https://snapshot.debian.org/archive/debian/20260215T100000Z/']],
  );
  assert.equal(found.lock.request, undefined);
  await assert.rejects(
    () => lockFromBuildinfo(deps, buildinfo.replace('hello (= 2.0)', 'hello'), 'toy.buildinfo'),
    (error) => error instanceof SheafError && error.place?.file === 'toy.buildinfo',
  );
});

const stanza = (name: string, version: string, status: string, architecture = 'amd64') =>
  `Package: ${name}\nStatus: ${status}\nVersion: ${version}\nArchitecture: ${architecture}\nMaintainer: A <a@h>\n\n`;

test('lockFromSystem locks what is installed, and tells the rest', async () => {
  const status =
    stanza('libc6', '2.41-1', 'install ok installed') +
    stanza('hello', '1.0', 'hold ok triggers-pending') +
    stanza('hello-doc', '1.0', 'install ok installed', 'all') +
    stanza('was-here', '1.0', 'deinstall ok config-files') +
    stanza('half', '1.0', 'install reinstreq half-installed') +
    stanza('google-thing', '9', 'install ok installed');
  const extendedStates =
    'Package: libc6\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: hello-doc\nArchitecture: amd64\nAuto-Installed: 1\n';
  const found = await lockFromSystem(deps, { status, file: 'status', extendedStates });
  assert.deepEqual(
    found.lock.packages.map(({ name }) => name),
    ['hello', 'hello-doc', 'libc6'],
  );
  // An update could not find what is not known here.
  assert.deepEqual(found.lock.request?.packages, ['hello']);
  assert.equal(found.lock.request?.recommends, false);
  assert.deepEqual(found.held, ['hello=1.0']);
  assert.deepEqual(found.configFiles, ['was-here']);
  assert.deepEqual(found.unfinished, [{ name: 'half', version: '1.0', state: 'half-installed' }]);
  assert.deepEqual(
    found.unknown.map(({ name }) => name),
    ['google-thing'],
  );
});

test('lockFromSystem refuses a status that is none, with its place', async () => {
  for (const [status, line] of [
    ['Package: a\nStatus: who knows\n', 2],
    ['not a control file', 1],
    ['', undefined],
  ] as const) {
    await assert.rejects(
      () => lockFromSystem(deps, { status, file: 'status' }),
      (error) => error instanceof SheafError && error.place?.file === 'status' && error.place.line === line,
    );
  }
});
