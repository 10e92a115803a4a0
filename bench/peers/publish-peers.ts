/**
 * aptly and reprepro with one suite of many packages, kept in a cache folder because filling them takes minutes. Neither
 * signs, and aptly writes neither Contents nor .bz2: that is less than by default.
 */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { run } from '../../src/plumbing/process.ts';

export type Peer = {
  readonly name: string;
  /** Takes in the `.deb`s of a folder and publishes them. */
  readonly fill: (debs: string, names: readonly string[]) => Promise<void>;
  /** Takes in one more; where that does not publish, the commands of `publish` do. */
  readonly include: (file: string) => readonly string[];
  readonly publish: readonly string[];
};

export async function aptlyPeer(directory: string): Promise<Peer> {
  await mkdir(directory, { recursive: true });
  const config = join(directory, 'aptly.conf');
  await writeFile(config, JSON.stringify({ rootDir: directory, architectures: ['amd64'], gpgDisableSign: true }));
  const aptly = (...args: string[]) => ['aptly', `-config=${config}`, ...args];
  const less = ['-skip-signing', '-skip-contents', '-skip-bz2'];
  return {
    name: 'aptly',
    fill: async (debs) => {
      await check(aptly('repo', 'create', '-distribution=stable', '-component=main', 'bench'));
      await check(aptly('repo', 'add', 'bench', debs));
      await check(aptly('publish', 'repo', ...less, '-architectures=amd64', 'bench'));
    },
    include: (file) => aptly('repo', 'add', '-force-replace', 'bench', file),
    publish: aptly('publish', 'update', ...less, 'stable'),
  };
}

export async function repreproPeer(directory: string): Promise<Peer> {
  await mkdir(join(directory, 'conf'), { recursive: true });
  const suite = 'Codename: stable\nArchitectures: amd64\nComponents: main\n';
  await writeFile(join(directory, 'conf/distributions'), suite);
  const reprepro = (...args: string[]) => ['reprepro', '--basedir', directory, ...args];
  return {
    name: 'reprepro',
    fill: async (debs, names) => {
      for (let at = 0; at < names.length; at += 5000) {
        const files = names.slice(at, at + 5000).map((name) => join(debs, name));
        await check(reprepro('--silent', '--export=never', 'includedeb', 'stable', ...files));
      }
      await check(reprepro('--silent', 'export', 'stable'));
    },
    include: (file) => reprepro('--export=never', 'includedeb', 'stable', file),
    publish: reprepro('export', 'stable'),
  };
}

/** The peer of this cache folder, filled: at once when it was before. */
export async function filledPeer(
  folder: string,
  open: (directory: string) => Promise<Peer>,
  debs: () => Promise<{ readonly directory: string; readonly names: readonly string[] }>,
): Promise<Peer> {
  const marker = join(folder, 'filled');
  const { code } = await run(['test', '-e', marker]);
  if (code !== 0) {
    await rm(folder, { recursive: true, force: true });
    const { directory, names } = await debs();
    await (await open(folder)).fill(directory, names);
    await writeFile(`${marker}.tmp`, '');
    await rename(`${marker}.tmp`, marker);
  }
  return open(folder);
}

async function check(argv: readonly string[]): Promise<void> {
  const { code, stderr } = await run([argv[0]!, ...argv.slice(1)], { limit: 2 ** 28, timeout: 60 * 60_000 });
  if (code !== 0) throw new Error(`${argv.slice(0, 6).join(' ')}: ${stderr.slice(-2000)}`);
}
