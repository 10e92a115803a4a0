import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sha256 } from '../kit/digest.ts';
import type { Lock, LockedPackage } from '../model/lock.ts';
import { parseArchitecture, parsePackageName, parseVersion } from '../model/names.ts';
import { groupUnits } from './groups.ts';
import { changedUnits } from './units.ts';

function locked(name: string, version: string, fields: Readonly<Record<string, string>> = {}): LockedPackage {
  return {
    ...{ name: parsePackageName(name), version: parseVersion(version), architecture: parseArchitecture('amd64') },
    ...{ sha256: sha256(`${name} ${version}`), size: 1, url: `http://h/${name}_${version}.deb` },
    fields: Object.entries(fields),
  };
}

function groups(from: readonly LockedPackage[], to: readonly LockedPackage[]): string[] {
  const lock = (packages: readonly LockedPackage[]): Lock => ({
    ...{ architecture: parseArchitecture('amd64'), sources: [], packages },
  });
  const units = changedUnits(lock(from), lock(to));
  return groupUnits(lock(from), units).map((group) => group.map(({ source }) => source).join('+'));
}

test('groupUnits has the newer version that is needed first, and together what needs each other', () => {
  assert.deepEqual(
    groups(
      [
        locked('aa', '1', { Depends: 'bb' }),
        locked('bb', '1'),
        locked('cc', '1', { Depends: 'dd (= 1)' }),
        locked('dd', '1'),
      ],
      [
        locked('aa', '2', { Depends: 'bb (>= 2)' }),
        locked('bb', '2'),
        locked('cc', '2', { Depends: 'dd (= 2)' }),
        locked('dd', '2'),
      ],
    ),
    ['bb', 'aa', 'dd+cc'],
  );
});

test('groupUnits moves what is refused before what refuses it', () => {
  assert.deepEqual(
    groups(
      [locked('aa', '1'), locked('bb', '1'), locked('same', '1')],
      [locked('aa', '2', { Breaks: 'bb (<< 2), same (<< 1)' }), locked('bb', '2'), locked('same', '1')],
    ),
    ['bb', 'aa'],
  );
});

test('groupUnits moves what needs a package before that goes away', () => {
  assert.deepEqual(
    groups(
      [locked('aa1', '1', { Source: 'aa' }), locked('bb', '1', { Depends: 'aa1' })],
      [locked('aa2', '2', { Source: 'aa' }), locked('bb', '2', { Depends: 'aa2 | aa3' })],
    ),
    ['aa+bb'],
  );
  assert.deepEqual(
    groups(
      [locked('aa1', '1', { Source: 'aa' }), locked('bb', '1', { Depends: 'aa1' })],
      [locked('aa2', '2', { Source: 'aa', Provides: 'aa1' }), locked('bb', '2', { Depends: 'aa1' })],
    ),
    ['aa', 'bb'],
  );
});
