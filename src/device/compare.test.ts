import assert from 'node:assert/strict';
import { test } from 'node:test';

import { compareDevice, type ListedPackage, type Manifest, type ManifestPackage } from './mod.ts';

/** `hello 2 amd64`, with anything else changed. */
function installed(words: string, more: Partial<ManifestPackage> = {}): ManifestPackage {
  const [name = '', version = '', architecture = 'amd64'] = words.split(' ');
  const status = 'install ok installed';
  return { name, version, architecture, source: name, sourceVersion: version, status, auto: false, ...more };
}

function listed(words: string): ListedPackage {
  const { name, version, architecture, source, sourceVersion } = installed(words);
  return { name, version, architecture, source, sourceVersion, sha256: '' };
}

function device(...packages: readonly ManifestPackage[]): Manifest {
  return { architecture: 'amd64', foreign: [], date: '2026-11-21T10:00:00Z', filesChecked: false, packages };
}

const none = { altered: [], missing: [], conffiles: [], unverified: [] };
const cases: readonly (readonly [string, readonly ManifestPackage[], readonly string[], readonly string[]])[] = [
  [
    'behind, ahead, the same, foreign and missing',
    [installed('a 1'), installed('b 2'), installed('c 1.0'), installed('d 1')],
    ['a 2', 'b 2~rc1', 'c 1.00', 'e 1'],
    ['a:amd64 behind', 'b:amd64 ahead', 'c:amd64 same', 'd:amd64 foreign', 'e:amd64 missing'],
  ],
  [
    'several things that are true of one package',
    [
      installed('a 1', { status: 'hold ok installed' }),
      installed('b 1', { status: 'install reinstreq half-installed', files: { ...none, missing: ['/x'] } }),
      installed('c 1', { files: { ...none, conffiles: ['/etc/x'] } }),
      installed('d 1', { files: { ...none, altered: ['/x'], unverified: ['/y'] } }),
    ],
    ['a 2', 'b 1', 'c 1', 'd 1'],
    ['a:amd64 behind held', 'b:amd64 tampered half-installed', 'c:amd64 edited', 'd:amd64 tampered unverified'],
  ],
  [
    'architectures: each by itself, and `all` for the own one',
    [installed('a 1'), installed('a 1 i386'), installed('b 1 all'), installed('c 1'), installed('d 1 i386')],
    ['a 1', 'a 2 i386', 'b 2', 'c 2 all', 'd 1 all'],
    ['a:amd64 same', 'a:i386 behind', 'b:all behind', 'c:amd64 behind', 'd:all missing', 'd:i386 foreign'],
  ],
  ['the newest of several versions', [installed('a 2')], ['a 1', 'a 3', 'a 2'], ['a:amd64 behind']],
];

for (const [what, packages, list, expected] of cases) {
  test(`compareDevice tells ${what}`, () => {
    const found = compareDevice(device(...packages), { packages: list.map(listed), isWhole: true });
    assert.deepEqual(
      found.packages.map(({ name, architecture, kinds }) => `${name}:${architecture} ${kinds.join(' ')}`),
      expected,
    );
    assert.equal(found.differs, true);
  });
}

test('compareDevice holds nothing against a device that is held and edited, but else as listed', () => {
  const own = installed('a 1', { status: 'hold ok installed', files: { ...none, conffiles: ['/etc/a'] } });
  const found = compareDevice(device(own), { packages: [listed('a 1')], isWhole: true });
  assert.equal(found.differs, false);
  assert.deepEqual([found.counts.held, found.counts.edited, found.counts.same], [1, 1, 0]);
});

test('compareDevice misses nothing that a suite only offers, and says what a suite does not list', () => {
  const list = { packages: [listed('a 1'), listed('b 1')], isWhole: false, architectures: ['amd64'] };
  const found = compareDevice(device(installed('a 1'), installed('x 1 i386')), list);
  assert.deepEqual([found.differs, found.leftOut, found.counts.missing], [false, ['i386'], 0]);
});
