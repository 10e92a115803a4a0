import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { Lock } from '../model/lock.ts';
import { parseArchitecture, parsePackageName, parseVersion } from '../model/names.ts';
import { formatLock, parseLock, parseLocks } from './lock-file.ts';

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

test('parseLock refuses a lock that was cut between two packages, and reads one that does not say how many it has', () => {
  const text = formatLock(lock);
  const cut = text.slice(0, text.indexOf('Package: libc6'));
  assert.throws(() => parseLock(cut), { code: 'bad-lock', message: /it has 2 packages .* says 4/, hint: /It was cut/ });
  assert.equal(parseLock(cut.replace(/^Packages: .*\n/m, '')).packages.length, 2);
});

test('parseLock reads the first format, which old builds are recorded with', () => {
  const text = `Format: sheaf-lock-1
Architecture: amd64
Sources:
 ${sha256('a')} bookworm http://h/debian | Sat, 11 Jul 2026 10:16:37 UTC
 ${sha256('b')} stable http://h/own |
${lock.packages
  .map(
    ({ name, version, architecture, size, sha256: digest, url }) => `
Package: ${name}
Version: ${version}
Architecture: ${architecture}
Size: ${size}
SHA256: ${digest}
URL: ${url}
`,
  )
  .join('')}`;
  assert.deepEqual(parseLock(text), lock);
  assert.throws(() => parseLock(text.replace('sheaf-lock-1', 'sheaf-lock-9')), { message: /does not begin with/ });
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
    ['Packages: 4', 'Packages: x', /it has 4 packages for amd64, its head says x/],
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

const full: Lock = {
  architecture: parseArchitecture('amd64'),
  sources: lock.sources,
  request: { packages: ['hello'], recommends: false, exclude: ['vim'] },
  packages: [
    {
      ...entry('hello', '2.10-3'),
      fields: [
        ['Maintainer', 'T <t@example.org>'],
        ['Depends', 'libc6 (>= 2.34)'],
        ['Tag', 'one::two,\nthree::four'],
        ['Filename', 'pool/hello.deb'],
        ['Description', 'a greeting'],
      ],
    },
    {
      ...entry('libc6', '2.36'),
      fields: [
        ['Maintainer', 'T <t@example.org>'],
        ['Filename', 'pool/libc6.deb'],
      ],
    },
  ],
};

test('parseLocks says of a file with both sides of a merge how to go on', () => {
  const text = formatLock(full).replace(
    'Version: 2.36',
    '<<<<<<< HEAD\nVersion: 2.36\n=======\nVersion: 2.37\n>>>>>>> update',
  );
  const line = text.split('\n').indexOf('<<<<<<< HEAD') + 1;
  assert.throws(
    () => parseLocks(text, 'x.lock'),
    (error) => {
      assert.ok(error instanceof SheafError);
      assert.deepEqual([error.code, error.place], ['bad-lock', { file: 'x.lock', line }]);
      assert.match(`${error.message} ${error.hint}`, /both sides of a merge.*sheaf lock update/);
      return true;
    },
  );
});

test('formatLock and parseLocks keep fields, the request with its variant, and several architectures', () => {
  const arm = { ...full, architecture: parseArchitecture('arm64') };
  const wanted = { ...full, request: { ...full.request!, variant: 'minbase' as const } };
  const text = formatLock(wanted, arm);
  assert.deepEqual(parseLocks(text), [wanted, arm]);
  assert.throws(() => parseLock(text), { code: 'bad-lock', message: /several architectures/ });
  assert.throws(() => parseLocks(formatLock(full, full)), { code: 'bad-lock', message: /two locks for amd64/ });
  assert.throws(() => parseLocks(text.replace('minbase', 'tiny')), { message: /no variant "tiny"/ });
});

test('formatLock writes what apt-cache and grep-dctrl read as an index', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sheaf-lock-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'Packages');
  writeFileSync(file, formatLock(full));
  mkdirSync(join(directory, 'lists/partial'), { recursive: true });
  writeFileSync(join(directory, 'status'), '');
  const settings = {
    ...{ Dir: directory, 'Dir::State': directory, 'Dir::State::status': join(directory, 'status') },
    ...{ 'Dir::Cache': directory, 'Dir::Etc::sourcelist': '/dev/null', 'Dir::Etc::sourceparts': '/dev/null' },
    'APT::Architecture': 'amd64',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const shown = execFileSync('apt-cache', [...flags, '--with-source', file, 'show', 'hello']).toString();
  assert.match(shown, /^Version: 2\.10-3$/m);
  assert.match(shown, /^Tag: one::two,\n three::four$/m);
  assert.match(shown, new RegExp(`^SHA256: ${sha256('hello')}$`, 'm'));
  const depends = execFileSync('apt-cache', [...flags, '--with-source', file, 'depends', 'hello']).toString();
  assert.match(depends, /Depends: libc6/);
  const found = execFileSync('grep-dctrl', ['-n', '-s', 'URL', '-P', '-X', 'libc6', file]).toString();
  assert.equal(found.trim(), 'http://h/pool/libc6.deb');
});
