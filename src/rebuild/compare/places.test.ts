import assert from 'node:assert/strict';
import { test } from 'node:test';

import { places } from './places.ts';
import type { DebComparison, DebDifference } from './types.ts';

function comparison(...differences: DebDifference[]): DebComparison {
  const file = { file: 'a.deb', size: 1, sha256: '' };
  return { left: file, right: file, equal: false, differences, omitted: 0 };
}

const sizes = { left: { size: 1 }, right: { size: 2 } };
const content = (part: 'control' | 'data', path: string, section?: string): DebDifference => {
  const details = section === undefined ? [] : [{ kind: 'section', section, left: 1, right: 1 } as const];
  return { kind: 'content', part, path, format: 'elf', ...sizes, details, omitted: 0 };
};

test('places names where packages differ, but not what follows from the rest', () => {
  const found = comparison(
    { kind: 'field', field: 'Installed-Size', left: '1', right: '2' },
    { kind: 'field', field: 'Priority', left: 'optional', right: 'extra' },
    { kind: 'relation', field: 'Depends', package: 'libc6', left: 'libc6 (>= 2.15)', right: 'libc6 (>= 2.34)' },
    content('control', 'md5sums'),
    content('data', 'bin/a', '.text'),
    content('data', 'bin/b', '.dynsym'),
    { kind: 'only', part: 'data', path: 'usr/share/doc/a/NEWS', side: 'left', type: 'file', size: 1 },
    { kind: 'mode', part: 'data', path: 'bin/a', left: '644', right: '755' },
    { kind: 'time', part: 'data', paths: ['bin'], count: 1, left: '', right: '' },
    { kind: 'compression', part: 'data', left: { method: 'xz', size: 1 }, right: { method: 'zstd', size: 1 } },
  );
  assert.deepEqual(places(found), [
    ...['Priority', 'Depends on libc6', 'bin/a', 'code of bin/a', 'bin/b', 'usr/share/doc/a/NEWS', 'mode of bin/a'],
    ...['time of bin', 'compression of the archive'],
  ]);
  assert.equal(places({ ...found, omitted: 1 }), undefined);
});
