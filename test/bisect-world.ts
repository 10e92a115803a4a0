/** An upstream suite with snapshots of a small real Debian and of toy packages, whose `.deb` files lie in a folder. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

import type { CreateLockDeps } from '../src/flows/create-lock.ts';
import { formatStanza } from '../src/formats/deb/deb822.ts';
import { formatRelease } from '../src/formats/deb/release.ts';
import { sha256 } from '../src/kit/digest.ts';
import { formatLock, parseLock, solve } from '../src/lock/mod.ts';
import type { Lock } from '../src/model/lock.ts';
import { parseArchitecture, toSnapshotId } from '../src/model/names.ts';
import { createSnapshotApt } from '../src/plumbing/apt/snapshots.ts';
import { DebCache } from '../src/plumbing/deb-cache.ts';
import { historyWorld, type HistoryWorld } from './history-world.ts';
import { seedUpstream } from './seed-history.ts';
import { seedDistribution } from './seed.ts';
import { debian, hostArchitecture, testApt, testCache } from './small-root.ts';

const run = promisify(execFile);

export type SmallPackage = {
  readonly name: string;
  readonly version: string;
  /** More fields of the control file, such as Depends. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Text files by path, such as `usr/share/toy/version`. */
  readonly files?: Readonly<Record<string, string>>;
  /** Maintainer scripts: `postinst` and the like. */
  readonly scripts?: Readonly<Record<string, string>>;
  /** What the newest entry of its changelog says. */
  readonly change?: string;
};

export type BisectWorld = {
  readonly directory: string;
  /** Toy packages, by name. */
  readonly debs: string;
  readonly history: HistoryWorld;
  readonly lock: CreateLockDeps;
  /** A snapshot of `debian/small` on a day. */
  readonly record: (day: string, packages: readonly SmallPackage[]) => Promise<void>;
  readonly close: () => Promise<void>;
};

/** `packages` are wanted of Debian beside the essential ones. */
export async function bisectWorld(packages: readonly string[]): Promise<BisectWorld> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-bisect-'));
  const debs = join(directory, 'debs');
  await mkdir(debs);
  const history = await historyWorld();
  const base = await debianStanzas(packages);
  // An archive that has dropped all its files.
  const archive = createServer((_, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
  await once(archive, 'listening');
  const url = `http://127.0.0.1:${(archive.address() as AddressInfo).port}/debian`;
  const upstream = seedUpstream('debian', { suites: ['small'], url });
  const { store } = history;
  return {
    ...{ directory, debs, history },
    lock: {
      db: history.db,
      distribution: seedDistribution({ upstreams: new Map([[upstream.name, upstream]]) }),
      solver: createSnapshotApt({ directory: join(directory, 'apt'), read: async (hash) => store.read(hash) }),
    },
    record: async (day, toys) => {
      const stanzas: string[] = [];
      for (const toy of toys) stanzas.push(await stanzaOf(await buildPackage(debs, toy)));
      const architecture = hostArchitecture;
      const name = { path: `main/binary-${architecture}/Packages`, kind: 'packages' as const, component: 'main' };
      const index = await history.keep({ ...name, architecture }, [...base, ...stanzas].join('\n'));
      const date = new Date(day);
      const release = formatRelease({
        ...{ suite: 'small', date, architectures: [architecture], components: ['main'], files: [index] },
      });
      await store.put(Buffer.from(release), { sha256: sha256(release), split: 'lines' });
      const snapshot = { origin: 'debian', suite: 'small', snapshotId: toSnapshotId(date), signedBy: ['KEY'] };
      await history.record({ ...snapshot, release: sha256(release), indexes: [index] }, []);
    },
    close: async () => {
      await history.close();
      archive.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** The path of a real `.deb`, made unless it is there. */
async function buildPackage(debs: string, toy: SmallPackage): Promise<string> {
  const { name, version, fields, files = {}, scripts = {}, change = 'New version.' } = toy;
  // As apt names files that it keeps.
  const path = join(debs, `${name}_${version.replaceAll(':', '%3a')}_all.deb`);
  const known = await readFile(path).catch(() => undefined);
  if (known !== undefined) return path;
  const root = await mkdtemp(join(tmpdir(), 'sheaf-package-'));
  const control = { Package: name, Version: version, Architecture: 'all', Maintainer: 'T <t@example.org>', ...fields };
  const changelog = `${name} (${version}) small; urgency=medium\n\n  * ${change}\n\n -- T <t@example.org>  Thu, 01 Jan 2026 00:00:00 +0000\n`;
  const content: Record<string, string | Uint8Array> = {
    ...{ 'DEBIAN/control': `${formatStanza(Object.entries({ ...control, Description: 'toy' }))}` },
    ...Object.fromEntries(Object.entries(scripts).map(([script, text]) => [`DEBIAN/${script}`, text])),
    [`usr/share/doc/${name}/changelog.gz`]: gzipSync(changelog),
    ...files,
  };
  for (const [file, text] of Object.entries(content)) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text);
    await chmod(join(root, file), Object.keys(scripts).some((script) => file === `DEBIAN/${script}`) ? 0o755 : 0o644);
  }
  await run('dpkg-deb', ['--root-owner-group', '-Zgzip', '--build', root, `${path}.tmp`]);
  await rename(`${path}.tmp`, path);
  await rm(root, { recursive: true });
  return path;
}

/** As an index has it. */
async function stanzaOf(deb: string): Promise<string> {
  const bytes = await readFile(deb);
  const { stdout } = await run('dpkg-deb', ['--field', deb]);
  const digest = createHash('sha256').update(bytes).digest('hex');
  return `${stdout.trimEnd()}\nFilename: pool/${basename(deb).replace(/_\d+%3a/, '_')}\nSize: ${bytes.length}\nSHA256: ${digest}\n`;
}

/** Of Debian's essential packages and these, with all that they need; fetched once a machine. */
async function debianStanzas(packages: readonly string[]): Promise<string[]> {
  const lock = await debianLock(packages);
  const paths = await new DebCache({ directory: join(testCache, 'debs') }).fetch(lock.packages);
  const stanzas: string[] = [];
  for (const path of paths) stanzas.push(await stanzaOf(path));
  return stanzas;
}

async function debianLock(packages: readonly string[]): Promise<Lock> {
  const file = join(testCache, 'test', `bookworm-${['bisect', ...packages].join('-')}-${hostArchitecture}.lock`);
  const known = await readFile(file, 'utf8').catch(() => undefined);
  if (known !== undefined) return parseLock(known, file);
  const request = { packages, own: [], buildDepends: '', buildConflicts: '', upstream: debian('bookworm') };
  const answer = await solve({ solver: testApt() }, { ...request, architecture: parseArchitecture(hostArchitecture) });
  if (answer.kind !== 'solved') throw new Error(answer.explanation);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, formatLock(answer.lock));
  return answer.lock;
}
