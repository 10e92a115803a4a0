import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseStanza } from '../formats/deb/deb822.ts';
import { bootstrapSet, describePackage, dpkgName, planSteps, type Described } from './order.ts';

const described = (name: string, fields: Readonly<Record<string, string>> = {}): Described => {
  const text = Object.entries({ Package: name, ...fields }).map(([key, value]) => `${key}: ${value}\n`);
  return describePackage(parseStanza(text.join('')), `${name}.deb`);
};
const names = (packages: readonly Described[]) => packages.map((each) => each.name);

test('bootstrapSet is the essential packages with all they need, virtual ones included', () => {
  const packages = [
    described('app', { Depends: 'libc6' }),
    described('awk-of-choice', { Provides: 'awk' }),
    described('base-files', { Essential: 'yes', 'Pre-Depends': 'awk', Depends: 'libgone | libcrypt1 (>= 1)' }),
    described('libc6', { Depends: 'libgcc-s1' }),
    described('libcrypt1', { Depends: 'libc6 (>= 2.36)' }),
    described('libgcc-s1', { Depends: 'libc6' }),
  ];
  assert.deepEqual(names(bootstrapSet(packages)), ['awk-of-choice', 'base-files', 'libc6', 'libcrypt1', 'libgcc-s1']);
});

test('planSteps unpacks all at once where nothing has pre-dependencies of its own', () => {
  const packages = [described('a1', { Depends: 'b1' }), described('b1', { 'Pre-Depends': 'dpkg (>= 1.16)' })];
  assert.deepEqual(
    planSteps(packages).map(({ unpack, configure }) => [names(unpack), names(configure)]),
    [[['a1', 'b1'], []]],
  );
});

test('planSteps configures a pre-dependency, and what it depends on, before its dependent is unpacked', () => {
  const packages = [
    described('last', { 'Pre-Depends': 'middle' }),
    described('library'),
    described('middle', { 'Pre-Depends': 'tool | other', Depends: 'unrelated' }),
    described('tool', { Depends: 'library' }),
    described('unrelated'),
  ];
  assert.deepEqual(
    planSteps(packages).map(({ unpack, configure }) => [names(unpack), names(configure)]),
    [
      [
        ['library', 'tool', 'unrelated'],
        ['library', 'tool'],
      ],
      [['middle'], ['middle', 'unrelated']],
      [['last'], []],
    ],
  );
});

test('planSteps configures nothing whose dependencies are not unpacked yet', () => {
  const packages = [
    described('app', { 'Pre-Depends': 'common' }),
    described('common', { Depends: 'daemon' }),
    described('daemon', { 'Pre-Depends': 'library' }),
    described('library'),
  ];
  const plan = (unpacked: readonly string[]) =>
    planSteps(packages, (each) => unpacked.includes(each.name)).map(({ unpack, configure }) => [
      names(unpack),
      names(configure),
    ]);
  assert.deepEqual(plan([]), [
    [['common', 'library'], ['library']],
    [['daemon'], ['common', 'daemon']],
    [['app'], []],
  ]);
  assert.deepEqual(plan(['common', 'library']), [
    [[], ['library']],
    [['daemon'], ['common', 'daemon']],
    [['app'], []],
  ]);
});

test('planSteps ends on a cycle of pre-dependencies', () => {
  const packages = [described('a1', { 'Pre-Depends': 'b1' }), described('b1', { 'Pre-Depends': 'a1' })];
  assert.deepEqual(
    planSteps(packages).flatMap(({ unpack }) => names(unpack)),
    ['a1', 'b1'],
  );
});

test('planSteps waits for the pre-dependency of the same architecture, or for one that serves all', () => {
  const packages = [
    described('app', { Architecture: 'i386', 'Pre-Depends': 'lib, tool, data' }),
    described('data', { Architecture: 'all' }),
    described('lib', { Architecture: 'amd64', 'Multi-Arch': 'same' }),
    described('lib', { Architecture: 'i386', 'Multi-Arch': 'same' }),
    described('tool', { Architecture: 'amd64', 'Multi-Arch': 'foreign' }),
  ];
  assert.deepEqual(
    planSteps(packages).map(({ unpack, configure }) => [unpack.map(dpkgName), configure.map(dpkgName)]),
    [
      [
        ['data', 'lib:amd64', 'lib:i386', 'tool'],
        ['data', 'lib:i386', 'tool'],
      ],
      [['app'], []],
    ],
  );
});
