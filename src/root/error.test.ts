import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { SandboxUsage } from '../plumbing/sandbox/port.ts';
import { findDpkgFailure, rootFailed } from './error.ts';

test('findDpkgFailure names package, script and exit code', () => {
  const output = `Setting up hello (1) ...
dpkg: error processing package hello:amd64 (--configure):
 installed hello package post-installation script subprocess returned error exit status 3
Errors were encountered while processing:
 hello
`;
  assert.deepEqual(findDpkgFailure(output), { package: 'hello:amd64', script: 'postinst', code: 3 });
});

test('findDpkgFailure names the script that a signal ended, and rootFailed says so', () => {
  const output = `dpkg: error processing package hello (--configure):
 installed hello package post-installation script subprocess was killed by signal (Killed)
`;
  assert.deepEqual(findDpkgFailure(output), {
    package: 'hello',
    script: 'postinst',
    code: undefined,
    signal: 'Killed',
  });
  const { message } = rootFailed('dpkg', { kind: 'exited', code: 1, usage: {} as SandboxUsage }, output);
  assert.match(message, /: the postinst script of the package hello was ended by "Killed"\. /);
});

test('findDpkgFailure names the package of an archive that cannot be unpacked', () => {
  const archive = `dpkg: error processing archive /mnt/hello_1_amd64.deb (--unpack):
 new hello package pre-installation script subprocess returned error exit status 1
`;
  assert.deepEqual(findDpkgFailure(archive), { package: 'hello', script: 'preinst', code: 1 });
  const broken = 'dpkg: error processing package a (--configure):\n dependency problems - leaving unconfigured\n';
  assert.deepEqual(findDpkgFailure(broken), { package: 'a', script: undefined, code: undefined });
  assert.equal(findDpkgFailure('all is well'), undefined);
});
