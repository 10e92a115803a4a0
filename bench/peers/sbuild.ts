/** Debian's own builder: a fresh chroot for every build, unpacked from a tarball by an ordinary user. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { hostEnvironment, runChecked } from '../../src/plumbing/process.ts';
import { makeChroot } from './chroot.ts';
import { peerUser, type PeerUser } from './user.ts';

/** What sbuild is told to leave out: all that is not the build itself. */
export const sbuildFlags = [
  '--chroot-mode=unshare',
  '--no-apt-update',
  '--no-apt-upgrade',
  '--no-apt-distupgrade',
  '--no-run-lintian',
  '--no-run-piuparts',
  '--no-run-autopkgtest',
  '--nolog',
  '--batch',
  `--jobs=${availableParallelism()}`,
];

export type SbuildSetup = {
  readonly directory: string;
  readonly architecture: string;
  readonly suite: string;
  /** Build dependencies, which are in the chroot's cache. */
  readonly packages: readonly string[];
  readonly signal: AbortSignal;
};

export type Run = (argv: readonly string[], cwd?: string) => Promise<string>;

export type Sbuild = {
  readonly user: PeerUser;
  readonly env: Readonly<Record<string, string>>;
  /** Runs a program as the user. */
  readonly run: Run;
  /** Builds a .dsc of a folder of the user's; what it makes comes there too. */
  readonly build: (dsc: string, folder: string) => Promise<unknown>;
  readonly close: () => Promise<void>;
};

export async function makeSbuild({ directory, architecture, suite, packages, signal }: SbuildSetup): Promise<Sbuild> {
  const user = await peerUser();
  const home = join(directory, 'home');
  const env = {
    ...hostEnvironment,
    HOME: home,
    GNUPGHOME: join(home, 'gnupg'),
    SBUILD_CONFIG: join(home, 'sbuildrc'),
    TMPDIR: join(directory, 'tmp'),
    GIT_CONFIG_GLOBAL: join(home, 'gitconfig'),
    GIT_CONFIG_NOSYSTEM: '1',
  };
  for (const path of [directory, home, env.GNUPGHOME, env.TMPDIR]) {
    await mkdir(path, { recursive: true, mode: path === env.GNUPGHOME ? 0o700 : 0o755 });
    await user.own(path);
  }
  const run: Run = (argv, cwd = directory) =>
    runChecked([...user.prefix, ...argv] as [string, ...string[]], { cwd, env, signal, timeout: 15 * 60_000 });
  await writeFile(env.SBUILD_CONFIG, `$unshare_tmpdir_template = '${env.TMPDIR}/sbuild.XXXXXXXXXX';\n1;\n`);
  const chroot = await makeChroot({ user, directory, env, architecture, packages: [...packages, 'fakeroot'], signal });
  const place = [`--chroot=${chroot}`, `--dist=${suite}`, `--arch=${architecture}`];
  return {
    ...{ user, env, run },
    build: (dsc, folder) => run(['sbuild', ...sbuildFlags, ...place, `--build-dir=${folder}`, dsc], folder),
    close: () => removeAll(user, directory),
  };
}

/** Left-over chroots belong to subordinate ids, which only a user namespace of the user's may remove. */
async function removeAll(user: PeerUser, directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true }).catch(() => {});
  if (user.prefix.length > 0) return;
  const argv = ['unshare', '--map-root-user', '--map-auto', 'rm', '-rf', '--', directory] as const;
  await runChecked([...argv], { cwd: '/' }).catch(() => {});
}
