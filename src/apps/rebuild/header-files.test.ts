/** What has changed in headers, from a real source package and a real package of an upstream. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';

import { FakeMirror } from '../../../test/fake-mirror.ts';
import { fakeUpstream } from '../../../test/follow-world.ts';
import { historyWorld, type HistoryWorld } from '../../../test/history-world.ts';
import { toyDistribution } from '../../../test/toy-archive.ts';
import { findHeaderPatches, type HeaderDeps } from '../../flows/rebuild-headers.ts';
import { lockKnown } from '../../flows/lock-known.ts';
import { sha256, type Sha256 } from '../../kit/digest.ts';
import { formatLock } from '../../lock/mod.ts';
import { parseArchitecture } from '../../model/names.ts';
import { Blobs } from '../../plumbing/blobs.ts';
import { createMirrorClient } from '../../plumbing/mirror/client.ts';
import { headerFiles } from './header-files.ts';

const amd64 = parseArchitecture('amd64');
const pool = 'pool/main/t/tls/tls_1.0-2+u1.debian.tar.xz';
const seconds = (day: string) => Date.parse(day) / 1000;
const changelog = `tls (1.0-2+u1) stable; urgency=medium

  * Fix it.

 -- A Person <a@example.org>  Tue, 15 Jul 2025 10:00:00 +0000

tls (1.0-2) unstable; urgency=medium

  * New.

 -- A Person <a@example.org>  Mon, 01 Jan 2024 10:00:00 +0000
`;
const hunks = '@@ -1 +1,2 @@\n int one;\n+int two;\n';
const patch = `Date: Tue, 01 Jul 2025 09:00:00 +0000\n\n--- a/include/tls.h.in\n+++ b/include/tls.h.in\n${hunks}--- a/src/tls.c\n+++ b/src/tls.c\n${hunks}`;

let directory: string;
let mirror: FakeMirror;
let world: HistoryWorld;
let deps: HeaderDeps;
let lock: Sha256;
let archive: Buffer;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sheaf-headers-'));
  mirror = await FakeMirror.start();
  world = await historyWorld();
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  };
  await write('source/debian/changelog', changelog);
  await write('source/debian/patches/series', 'fix.patch\n');
  await write('source/debian/patches/fix.patch', patch);
  await write('package/usr/include/tls/tls.h', 'int one;\nint two;\n');
  await write(
    'package/DEBIAN/control',
    'Package: libtls-dev\nVersion: 1.0-2+u1\nArchitecture: amd64\nMaintainer: A <a@example.org>\nDescription: toy\n',
  );
  execFileSync('tar', ['-C', join(directory, 'source'), '-cJf', join(directory, 'debian.tar.xz'), 'debian']);
  execFileSync('dpkg-deb', ['--root-owner-group', '--build', join(directory, 'package'), join(directory, 'a.deb')]);
  archive = await readFile(join(directory, 'debian.tar.xz'));
  const sums = `\n${sha256(archive)} ${archive.length} tls_1.0-2+u1.debian.tar.xz\n${sha256('orig')} 4 tls_1.0.orig.tar.xz`;
  const of = { source: 'tls', sourceVersion: '1.0-2+u1', version: '1.0-2+u1' };
  await world.record(
    {
      origin: 'toy',
      suite: 'trixie',
      snapshotId: '20260101T000000Z',
      release: sha256('1'),
      signedBy: ['A'.repeat(40)],
    },
    [
      { ...of, name: 'libtls-dev' },
      { name: 'libother-dev', version: '1' },
    ],
    [{ name: 'tls', version: '1.0-2+u1', fields: { 'Checksums-Sha256': sums } }],
  );
  const upstream = fakeUpstream(`${mirror.url}/`, '');
  const distribution = { ...toyDistribution(directory), upstreams: new Map([[upstream.name, upstream]]) };
  const blobs = new Blobs(join(directory, 'blobs'));
  const packages = ['libtls-dev', 'libother-dev'].map((name) => {
    return { name, version: name === 'libtls-dev' ? '1.0-2+u1' : '1', architecture: amd64 };
  });
  const known = await lockKnown({ ...world.deps, distribution }, { architecture: amd64, packages });
  assert.deepEqual(known.unknown, []);
  lock = (await blobs.putBytes(formatLock(known.lock))).sha256;
  deps = {
    ...{ history: world.deps, distribution, blobs, signal: new AbortController().signal },
    mirror: createMirrorClient({ directory: join(directory, 'partial'), version: '0', pauses: [1], stall: 1000 }),
    ...headerFiles({ fetch: async (wanted) => wanted.map(() => join(directory, 'a.deb')) }),
  };
});
after(async () => {
  await world.close();
  await mirror.close();
  await rm(directory, { recursive: true });
});
beforeEach(() => mirror.files.delete(pool));

test('findHeaderPatches finds nothing of a source that is not to be had', async () => {
  assert.deepEqual(await findHeaderPatches(deps, lock, seconds('2024-06-01')), []);
});

test('findHeaderPatches names what came later, for the header as it is installed; only what it needs is fetched', async () => {
  mirror.files.set(pool, archive);
  const text = `--- usr/include/tls/tls.h\n+++ usr/include/tls/tls.h\n${hunks}`;
  const found = { source: 'tls', version: '1.0-2+u1', patch: 'fix.patch', text };
  assert.deepEqual(await findHeaderPatches(deps, lock, seconds('2024-06-01')), [found]);
  assert.deepEqual(await findHeaderPatches(deps, lock, seconds('2025-08-01')), []);
});
