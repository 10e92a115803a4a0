import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { matchesArchitecture } from './architecture.ts';

const wildcards = [
  'any',
  'all',
  'amd64',
  'linux-any',
  'any-amd64',
  'kfreebsd-any',
  'hurd-i386',
  'linux-amd64',
  'any-i386',
  'any-arm',
  'gnu-any-any',
  'musl-any-any',
  'eabihf-any-any-any',
];
const architectures = ['amd64', 'arm64', 'i386', 'kfreebsd-amd64', 'hurd-i386', 'armhf', 'x32', 'musl-linux-arm64'];

test('matchesArchitecture agrees with dpkg-architecture', () => {
  for (const wildcard of wildcards) {
    for (const architecture of architectures) {
      const { status } = spawnSync('dpkg-architecture', ['--host-arch', architecture, '--is', wildcard], {
        stdio: 'ignore',
      });
      assert.equal(matchesArchitecture(wildcard, architecture), status === 0, `${wildcard} covers ${architecture}`);
    }
  }
});
