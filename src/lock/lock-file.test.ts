import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sha256 } from '../kit/digest.ts';
import type { Lock } from '../model/lock.ts';
import { parseArchitecture, parsePackageName, parseVersion } from '../model/names.ts';
import { formatLock, parseLock } from './lock-file.ts';

const entry = (name: string, version: string, architecture = 'amd64') => ({
  name: parsePackageName(name),
  version: parseVersion(version),
  architecture: parseArchitecture(architecture),
  sha256: sha256(name),
  size: 1234,
  url: `http://h/pool/${name}.deb`,
});

const lock: Lock = {
  architecture: parseArchitecture('amd64'),
  sources: [
    { url: 'http://h/debian', suite: 'bookworm', inRelease: sha256('a'), date: 'Sat, 11 Jul 2026 10:16:37 UTC' },
    { url: 'http://h/own', suite: 'stable', inRelease: sha256('b'), date: '' },
  ],
  packages: [
    entry('apt', '2.6.1'),
    entry('g++', '4:12.2.0-3'),
    entry('libc6', '2.36', 'amd64'),
    entry('libc6', '2.36', 'i386'),
  ],
};

test('formatLock and parseLock are inverse', () => {
  assert.deepEqual(parseLock(formatLock(lock)), lock);
  const empty: Lock = { ...lock, sources: [], packages: [] };
  assert.deepEqual(parseLock(formatLock(empty)), empty);
});

test('formatLock writes the same text whatever the order', () => {
  assert.equal(formatLock({ ...lock, packages: lock.packages.toReversed() }), formatLock(lock));
});

test('parseLock says where a lock is wrong', () => {
  const text = formatLock(lock);
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['Version: 2', 'Version: 9', /format is "9"/],
    ['Package: sheaf-lock', 'Package: other', /does not begin/],
    ['Version: 2.6.1', 'Version: 2 6', /bad Version/],
    ['Package: apt', 'Package: zzz', /out of order/],
    ['Package: g++', 'Package: apt', /twice/],
    ['URL: http://h/pool/apt.deb', 'URL: file:/etc/passwd', /bad URL/],
    ['Size: 1234', 'Size: -1', /bad Size/],
    [sha256('a'), 'abc', /expected "SHA256 SUITE URL COMPONENTS/],
  ];
  for (const [from, to, message] of cases) {
    assert.throws(
      () => parseLock(text.replace(from, to), 'x.lock'),
      (error: { code?: string; message?: string; place?: { file?: string; line?: number } }) => {
        assert.equal(error.code, 'bad-lock');
        assert.match(error.message ?? '', message);
        assert.equal(error.place?.file, 'x.lock');
        assert.ok((error.place?.line ?? 0) > 0);
        return true;
      },
    );
  }
});
