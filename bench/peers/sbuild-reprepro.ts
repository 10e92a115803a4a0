/**
 * The peer: what a small distribution does today with Debian's own tools. Fetch the tag and verify it, make the source
 * package, sbuild it in a fresh chroot, put source and binaries into a signed reprepro archive.
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { makeAptClient } from '../apt-client.ts';
import { childrenCpu, Stopwatch, type Stages } from '../measure.ts';
import { makeSbuild, type Run, type Sbuild } from './sbuild.ts';

export type PeerSetup = {
  readonly directory: string;
  readonly source: string;
  readonly architecture: string;
  readonly suite: string;
  /** A bare repository that the user may fetch from, and the signer's public key. */
  readonly repository: string;
  readonly keyFile: string;
  readonly buildDepends: readonly string[];
  readonly signal: AbortSignal;
};

export type Tagged = {
  readonly tag: string;
  readonly version: string;
  readonly upstreamTag: string;
  readonly upstream: string;
};

export type Peer = {
  /** `push` brings the tag into the repository; its time counts as the begin of the way, as it does for ours. */
  readonly release: (tagged: Tagged, push: () => Promise<unknown>) => Promise<Stages>;
  readonly close: () => Promise<void>;
};

export async function makePeer(setup: PeerSetup): Promise<Peer> {
  const { directory, signal } = setup;
  const { user, run, env, build, close } = await makeSbuild({
    ...setup,
    packages: setup.buildDepends,
  });
  const home = env['HOME']!;
  for (const path of [join(directory, 'archive'), join(directory, 'archive/conf')]) {
    await mkdir(path);
    await user.own(path);
  }
  // The repository belongs to whoever pushes into it.
  await writeFile(env['GIT_CONFIG_GLOBAL']!, '[safe]\n\tdirectory = *\n');
  await copyFile(setup.keyFile, join(home, 'signer.asc'));
  await run(['gpg', '--batch', '--quiet', '--import', join(home, 'signer.asc')]);
  await makeArchive(setup, run);
  const archive = join(directory, 'archive');
  const source = { uri: `file:${archive}`, suite: setup.suite, component: 'main', keyFile: join(archive, 'key.asc') };
  const apt = await makeAptClient(join(directory, 'apt'), source, signal);
  await run(['git', 'clone', '--quiet', '--bare', '--', setup.repository, join(directory, 'clone.git')]);

  return {
    release: async (tagged, push) => {
      const stopwatch = new Stopwatch(childrenCpu);
      const work = join(directory, 'work', tagged.version);
      await mkdir(work, { recursive: true });
      await user.own(work);
      await releaseOnce({ setup, run, build, work, stopwatch, tagged, push, sees: apt.sees });
      await rm(work, { recursive: true });
      return stopwatch.stages;
    },
    close: async () => {
      await run(['gpgconf', '--kill', 'all'], '/').catch(() => {});
      await close();
    },
  };
}

type OneRelease = {
  readonly setup: PeerSetup;
  readonly run: Run;
  readonly build: Sbuild['build'];
  readonly work: string;
  readonly stopwatch: Stopwatch;
  readonly tagged: Tagged;
  readonly push: () => Promise<unknown>;
  readonly sees: (name: string, version: string) => Promise<boolean>;
};

async function releaseOnce({ setup, run, build, work, stopwatch, tagged, push, sees }: OneRelease): Promise<void> {
  const { directory, source, suite } = setup;
  const { tag, version, upstreamTag, upstream } = tagged;
  const git = ['git', '-C', join(directory, 'clone.git')];
  const tree = `${source}-${upstream}`;
  await stopwatch.stage('intake', async () => {
    await push();
    await run([...git, 'fetch', '--quiet', 'origin', `refs/tags/${tag}:refs/tags/${tag}`]);
    await run([...git, 'verify-tag', '--', tag]);
  });
  await stopwatch.stage('source', async () => {
    const orig = join(directory, `${source}_${upstream}.orig.tar.gz`);
    // Made once, as any archive has it from the upstream version's first upload on.
    if (!existsSync(orig)) {
      await run([
        ...git,
        'archive',
        '--format=tar.gz',
        `--prefix=${tree}/`,
        `--output=${orig}`,
        `refs/tags/${upstreamTag}`,
      ]);
    }
    await run(['ln', orig, work]);
    await run([...git, 'archive', `--prefix=${tree}/`, `--output=${join(work, 'tree.tar')}`, `refs/tags/${tag}`]);
    await run(['tar', '--extract', '--file', 'tree.tar'], work);
    await run(['dpkg-source', '--build', tree], work);
  });
  const dsc = `${source}_${version}.dsc`;
  await stopwatch.stage('binary', async () => {
    await build(dsc, work);
  });
  const debs = (await readdir(work)).filter((file) => file.endsWith('.deb'));
  await stopwatch.stage('publish', async () => {
    const reprepro = ['reprepro', '--basedir', join(directory, 'archive')];
    // One export for source and binaries: the quicker way.
    const section = ['--section', 'devel', '--priority', 'optional'];
    await run([...reprepro, '--export=never', ...section, 'includedsc', suite, dsc], work);
    await run([...reprepro, 'includedeb', suite, ...debs], work);
  });
  await stopwatch.stage('apt', async () => {
    if (!(await sees(source, version))) throw new Error(`the peer's archive does not offer ${source} ${version}`);
  });
}

async function makeArchive(setup: PeerSetup, run: Run): Promise<void> {
  const batch = ['gpg', '--batch', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', ''];
  await run([...batch, '--quick-gen-key', 'Bench archive <archive@bench.invalid>', 'ed25519', 'sign', '1y']);
  const archive = join(setup.directory, 'archive');
  await run([...batch, '--armor', '--output', join(archive, 'key.asc'), '--export', 'archive@bench.invalid']);
  const fields = {
    Codename: setup.suite,
    Components: 'main',
    Architectures: `${setup.architecture} source`,
    SignWith: 'archive@bench.invalid',
  };
  const text = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`); // prettier-ignore
  await writeFile(join(archive, 'conf/distributions'), text.join(''));
}
