/** The chroot that sbuild unpacks for every build: made by mmdebstrap, kept for a day, ready to build without a network. */
import { copyFile, mkdir, rename, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { sha256 } from '../../src/kit/digest.ts';
import { runChecked } from '../../src/plumbing/process.ts';
import { progress } from '../measure.ts';
import type { PeerUser } from './user.ts';

export type ChrootOptions = {
  readonly user: PeerUser;
  /** A folder of the user's; the tarball comes here. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly architecture: string;
  /** Build dependencies, whose packages are put into the chroot's cache: the peer's time has no download in it. */
  readonly packages: readonly string[];
  readonly signal: AbortSignal;
};

const freshFor = 24 * 3600_000;

/** The path of a tarball: not compressed, as that is the quickest to unpack. */
export async function makeChroot(options: ChrootOptions): Promise<string> {
  const { user, directory, architecture, signal } = options;
  const name = `sbuild-bookworm-${architecture}-${sha256(options.packages.join(' ')).slice(0, 8)}.tar`;
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sheaf/bench');
  const [kept, chroot] = [join(cache, name), join(directory, name)];
  const age = await stat(kept).then(({ mtimeMs }) => Date.now() - mtimeMs, () => Infinity); // prettier-ignore
  if (age < freshFor) {
    await copyFile(kept, chroot);
    await user.own(chroot);
    return chroot;
  }
  progress("making the peer's chroot with mmdebstrap");
  const inside = 'chroot "$1" env DEBIAN_FRONTEND=noninteractive apt-get --yes';
  const hooks = ['chroot "$1" apt-get clean', `${inside} --download-only install ${options.packages.join(' ')}`];
  const mmdebstrap = [
    'mmdebstrap',
    '--quiet',
    '--mode=unshare',
    '--variant=buildd',
    `--architectures=${architecture}`,
    // The lists stay, so that no "apt-get update" is needed before a build.
    '--skip=cleanup/apt',
    ...hooks.map((hook) => `--customize-hook=${hook}`),
    'bookworm',
    chroot,
    'http://deb.debian.org/debian',
  ];
  const limits = { cwd: directory, env: options.env, timeout: 15 * 60_000, signal };
  await runChecked([...user.prefix, ...mmdebstrap] as [string, ...string[]], limits);
  await mkdir(cache, { recursive: true });
  await copyFile(chroot, `${kept}.new`);
  await rename(`${kept}.new`, kept);
  return chroot;
}
