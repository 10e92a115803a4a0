import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sha256 } from '../kit/digest.ts';
import type { Lock, LockedPackage } from '../model/lock.ts';
import { parseArchitecture, parsePackageName, parseVersion } from '../model/names.ts';
import { changedUnits, identity, withMoved } from './units.ts';

function locked(name: string, version: string, fields: Readonly<Record<string, string>> = {}): LockedPackage {
  return {
    ...{ name: parsePackageName(name), version: parseVersion(version), architecture: parseArchitecture('amd64') },
    ...{ sha256: sha256(`${name} ${version}`), size: 1, url: `http://h/${name}_${version}.deb` },
    fields: Object.entries(fields),
  };
}

function lock(...packages: readonly LockedPackage[]): Lock {
  return { architecture: parseArchitecture('amd64'), sources: [], packages };
}

const good = lock(
  locked('app', '1', { Depends: 'libx1' }),
  locked('libx1', '1', { Source: 'x' }),
  locked('same', '1'),
  locked('x-doc', '1', { Source: 'x' }),
);
const bad = lock(
  locked('app', '2', { Depends: 'libx2 (>= 2) | other, same' }),
  locked('libx2', '2', { Source: 'x (2-1)', Depends: 'zlib' }),
  locked('same', '1'),
  locked('x-doc', '2', { Source: 'x (2-1)' }),
  locked('zlib', '3'),
);

test('changedUnits has the changed packages of a source together, and what they need before them', () => {
  const units = changedUnits(good, bad);
  assert.deepEqual(
    units.map((unit) => [unit.source, unit.old.map(({ name }) => name), unit.new.map(({ name }) => name)]),
    [
      ['zlib', [], ['zlib']],
      ['x', ['libx1', 'x-doc'], ['libx2', 'x-doc']],
      ['app', ['app'], ['app']],
    ],
  );
});

test('changedUnits bears packages that need each other', () => {
  const from = lock(locked('aa', '1'), locked('bb', '1'));
  const to = lock(locked('aa', '2', { Depends: 'bb' }), locked('bb', '2', { Depends: 'aa' }));
  assert.deepEqual(
    changedUnits(from, to).map(({ source }) => source),
    ['bb', 'aa'],
  );
});

test('withMoved goes from the one lock to the other', () => {
  const units = changedUnits(good, bad);
  assert.equal(identity(withMoved(good, units, new Set())), identity(good.packages));
  assert.equal(identity(withMoved(good, units, new Set(units))), identity(bad.packages));
  assert.deepEqual(
    withMoved(good, units, new Set([units[0]!])).map(({ name, version }) => `${name} ${version}`),
    ['app 1', 'libx1 1', 'same 1', 'x-doc 1', 'zlib 3'],
  );
});
