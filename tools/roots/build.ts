/** Builds of one lock: twice ours, as differently as one machine can do it, and mmdebstrap's. Each is a tar archive. */
import { chown, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { formatStanza } from '../../src/formats/deb/deb822.ts';
import { sha256 } from '../../src/kit/digest.ts';
import { SheafError } from '../../src/kit/error.ts';
import type { Lock } from '../../src/model/lock.ts';
import type { DebCache } from '../../src/plumbing/deb-cache.ts';
import { run } from '../../src/plumbing/process.ts';
import type { Sandbox } from '../../src/plumbing/sandbox/port.ts';
import { asOrdinaryUser, ordinaryUser } from '../../test/ordinary-user.ts';

const program = join(import.meta.dirname, '../../src/apps/cli/main.ts');
const hour = 3600_000;

export type Place = {
  readonly signal: AbortSignal;
  /** On a disk; only its owner can write there. */
  readonly disk: string;
  /** On a tmpfs; everybody can read what is there. */
  readonly memory: string;
};

/** An archive of exactly the locked packages, whose pool `sheaf root build --from` reads too. */
export async function makeArchive(place: Place, debs: DebCache, lock: Lock, suite: string): Promise<void> {
  const directory = join(place.memory, 'archive');
  const binary = `main/binary-${lock.architecture}`;
  await mkdir(join(directory, 'dists', suite, binary), { recursive: true });
  const paths = await debs.fetch(lock.packages, { signal: place.signal });
  const stanzas: string[] = [];
  for (const [number, each] of lock.packages.entries()) {
    const file = `pool/${each.sha256.slice(0, 2)}/${each.sha256}.deb`;
    await mkdir(join(directory, file, '..'), { recursive: true });
    await copyFile(paths[number]!, join(directory, file));
    const fields = (each.fields ?? []).filter(([name]) => name !== 'Filename');
    const own = [
      ['Package', each.name],
      ['Version', each.version],
      ['Architecture', each.architecture],
    ] as const;
    const at = [
      ['Filename', file],
      ['Size', String(each.size)],
      ['SHA256', each.sha256],
    ] as const;
    stanzas.push(formatStanza([...own, ...at, ...fields]));
  }
  const packages = stanzas.join('\n');
  await writeFile(join(directory, 'dists', suite, binary, 'Packages'), packages);
  const head = `Suite: ${suite}\nCodename: ${suite}\nDate: ${lock.sources[0]!.date}\n`;
  const files = `SHA256:\n ${sha256(packages)} ${Buffer.byteLength(packages)} ${binary}/Packages\n`;
  await writeFile(
    join(directory, 'dists', suite, 'Release'),
    `${head}Architectures: ${lock.architecture}\nComponents: main\n${files}`,
  );
}

/** As who started us, on the disk, in the usual environment. */
export async function buildAsRoot(place: Place, lockFile: string, sandbox: Sandbox): Promise<string> {
  const output = join(place.disk, 'root.tar');
  const cache = join(place.disk, 'cache');
  const env = { PATH: process.env['PATH']!, HOME: place.disk, SHEAF_CACHE: cache };
  await checked(place, ['sh', '-c', 'umask 022; exec "$@"', 'sh', ...buildWords(place, lockFile, output)], env);
  await sandbox.remove(cache);
  return output;
}

/** As an ordinary user, in memory, at a closed umask and in another language and time zone. */
export async function buildAsUser(place: Place, lockFile: string, sandbox: Sandbox): Promise<string> {
  const home = await makeHome(place, 'user');
  const output = join(home, 'root.tar');
  const env = { PATH: process.env['PATH']!, HOME: home, TZ: 'Asia/Tokyo', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' };
  const words = ['sh', '-c', 'umask 077; exec "$@"', 'sh', ...buildWords(place, lockFile, output)] as const;
  await checked(place, asOrdinaryUser([...words]), env);
  await sandbox.remove(join(home, '.cache'));
  return output;
}

function buildWords(place: Place, lockFile: string, output: string): string[] {
  const from = join(place.memory, 'archive/pool');
  return [process.execPath, program, 'root', 'build', lockFile, '--from', from, '--output', output, '--json'];
}

/** The file in the peer's archive with the times of all files: those of its entries are cut to SOURCE_DATE_EPOCH. */
export const timesFile = 'sheaf-times';

const sameEnvironment = { SOURCE_DATE_EPOCH: '1577836800', FORCE_SOURCE_DATE: '1', TZ: 'UTC', LC_ALL: 'C.UTF-8' };

/**
 * In a mount namespace where the place is `/mnt` and /dev/shm is empty: mmdebstrap binds that, which cannot be while
 * somebody has mounted something below it.
 */
const apart = 'mount --bind "$1" /mnt && mount -t tmpfs -o mode=1777 tmpfs /dev/shm && shift && exec "$@"';

/** By mmdebstrap, as an ordinary user, in memory. */
export async function buildByPeer(place: Place, lock: Lock, suite: string): Promise<string> {
  const home = await makeHome(place, 'peer');
  const include = lock.packages.map(({ name }) => name).join(',');
  const hook = `cd "$1" && find boot etc usr var -printf '%T@ %p\\0' >"$1/${timesFile}"`;
  const words = ['--quiet', '--mode=unshare', '--variant=minbase', `--include=${include}`, `--customize-hook=${hook}`];
  const source = `deb [trusted=yes] copy:/mnt/archive ${suite} main`;
  // The variables that our steps have too; what else differs is worth a look.
  const env = { PATH: process.env['PATH']!, HOME: '/mnt/peer', TMPDIR: '/mnt/peer', ...sameEnvironment };
  const mmdebstrap = asOrdinaryUser(['mmdebstrap', ...words, suite, '/mnt/peer/root.tar', source]);
  await checked(place, ['unshare', '--mount', 'sh', '-c', apart, 'sh', place.memory, ...mmdebstrap], env);
  return join(home, 'root.tar');
}

async function makeHome(place: Place, name: string): Promise<string> {
  const home = join(place.memory, name);
  await rm(home, { recursive: true, force: true });
  await mkdir(home, { mode: 0o755 });
  await chown(home, ordinaryUser!.uid, ordinaryUser!.gid);
  return home;
}

async function checked(
  { signal }: Place,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const result = await run(argv as [string], { cwd: '/', env, timeout: 2 * hour, signal });
  if (result.code === 0) return;
  throw new SheafError(
    'program-failed',
    `Cannot build: ${argv.join(' ').slice(0, 300)}: ${result.stderr.slice(-3000)}`,
  );
}
