/**
 * A small real root for tests: Debian's essential packages, solved and materialised once, kept in the cache directory
 * (SHEAF_CACHE, else ~/.cache/sheaf). Needs the network the first time only.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { AptUpstream } from '../src/model/distribution.ts';
import type { Lock } from '../src/model/lock.ts';
import { parseArchitecture, parseLabel } from '../src/model/names.ts';
import { cacheDirectory, rootDeps as depsOf } from '../src/apps/roots.ts';
import { createApt } from '../src/plumbing/apt.ts';
import { withFileLock } from '../src/plumbing/file-lock.ts';
import { nativeArchitecture } from '../src/plumbing/native-architecture.ts';
import type { Sandbox } from '../src/plumbing/sandbox/port.ts';
import { createUnshareSandbox } from '../src/plumbing/sandbox/unshare.ts';
import { formatLock, parseLock, solve } from '../src/lock/mod.ts';
import { materialise, type Root, type RootDeps } from '../src/root/mod.ts';

export const testCache = cacheDirectory();

export const hostArchitecture = nativeArchitecture();

export function debian(suite: string): AptUpstream {
  return {
    name: parseLabel('debian'),
    url: 'http://deb.debian.org/debian',
    suites: [suite],
    components: ['main'],
    keyring: '/usr/share/keyrings/debian-archive-keyring.gpg',
  };
}

/** A day old indexes are good enough for tests. */
export const testApt = () => createApt({ directory: join(testCache, 'apt'), upstreamAge: 24 * 3600_000 });

export function rootDeps(sandbox: Sandbox = createUnshareSandbox(), directory = testCache): RootDeps {
  return { ...depsOf(sandbox), directory };
}

export async function smallRoot(): Promise<Root> {
  return materialise(rootDeps(), await smallLock());
}

/** Another architecture than the host's, and a root of it: the few packages with which dpkg runs, as an emulator is slow. */
export const foreignArchitecture = parseArchitecture(hostArchitecture === 'arm64' ? 'amd64' : 'arm64');

export async function foreignLock(): Promise<Lock> {
  const lock = await smallLock(foreignArchitecture);
  const programs =
    'base-files base-passwd coreutils dash debianutils diffutils dpkg findutils grep mawk perl-base sed tar';
  const libraries =
    'gcc-12-base libacl1 libattr1 libbz2-1.0 libc-bin libc6 libcrypt1 libdebconfclient0 libgcc-s1 libgmp10 liblzma5 ' +
    'libmd0 libpcre2-8-0 libselinux1 libzstd1 zlib1g';
  const names = new Set<string>(`${programs} ${libraries}`.split(' '));
  return { ...lock, packages: lock.packages.filter(({ name }) => names.has(name)) };
}

/** Of Debian's essential packages. */
export async function smallLock(architecture = hostArchitecture): Promise<Lock> {
  return testLock('bookworm', [], architecture);
}

/** All essential packages and these. Solved once a machine: the packages of a lock stay fetched. */
export async function testLock(
  name: string,
  packages: readonly string[],
  architecture = hostArchitecture,
): Promise<Lock> {
  const file = join(testCache, 'test', `${name}-${architecture}.2.lock`);
  return withFileLock(`${file}.busy`, async () => {
    const known = await readFile(file, 'utf8').catch(() => undefined);
    if (known !== undefined) return parseLock(known, file);
    const request = { packages, own: [], buildDepends: '', buildConflicts: '' };
    const answer = await solve({ solver: testApt() }, { ...request, architecture, upstream: debian('bookworm') });
    if (answer.kind !== 'solved') throw new Error(answer.explanation);
    await mkdir(join(testCache, 'test'), { recursive: true });
    await writeFile(file, formatLock(answer.lock));
    return answer.lock;
  });
}
