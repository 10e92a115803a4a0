/** Archives as other people have them, made with the real programs: gpg, dpkg, reprepro, aptly. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { promisify } from 'node:util';

import { formatStanza } from '../../../../formats/deb/deb822.ts';

const run = promisify(execFile);

export type OldHouse = {
  readonly directory: string;
  readonly fingerprint: string;
  /** The public key, as clients have it, and the secret one as it is exported. */
  readonly keyring: string;
  readonly secret: string;
  readonly debs: string;
  readonly tool: (program: string, ...parameters: readonly string[]) => Promise<string>;
  readonly close: () => Promise<void>;
};

export async function oldHouse(): Promise<OldHouse> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-old-'));
  const gnupg = join(directory, 'gnupg');
  await mkdir(gnupg, { mode: 0o700 });
  const debs = join(directory, 'debs');
  await mkdir(debs);
  const env = { PATH: process.env['PATH'], HOME: directory, GNUPGHOME: gnupg, LC_ALL: 'C.UTF-8' };
  const tool = async (program: string, ...parameters: readonly string[]) =>
    (await run(program, [...parameters], { env, cwd: debs, maxBuffer: 2 ** 26 })).stdout;
  const quiet = ['--batch', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', ''];
  await tool('gpg', ...quiet, '--quick-gen-key', 'Old Archive <old@example.org>', 'rsa3072', 'sign', 'never');
  const listed = await tool('gpg', '--batch', '--with-colons', '--list-keys');
  const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listed)![1]!;
  const keyring = join(directory, 'old.gpg');
  const secret = join(directory, 'old-key.asc');
  await tool('gpg', '--batch', '--output', keyring, '--export', fingerprint);
  await tool('gpg', ...quiet, '--armor', '--output', secret, '--export-secret-keys', fingerprint);
  const close = async () => {
    await tool('gpgconf', '--kill', 'all').catch(() => {});
    await rm(directory, { recursive: true, force: true });
  };
  return { directory, fingerprint, keyring, secret, debs, tool, close };
}

export type OldPackage = {
  readonly name: string;
  readonly version: string;
  readonly architecture?: string;
  readonly source?: string;
  readonly content?: string;
};

/** A `.deb` in the folder of such; returns its name. */
export async function makeDeb({ debs, tool, directory }: OldHouse, each: OldPackage): Promise<string> {
  const { name, version, architecture = 'amd64', source = name, content = `${name} ${version}\n` } = each;
  const root = await mkdtemp(join(directory, 'root-'));
  await mkdir(join(root, 'DEBIAN'));
  await mkdir(join(root, 'usr/share', name), { recursive: true });
  await writeFile(join(root, 'usr/share', name, 'version'), content);
  const control = formatStanza([
    ['Package', name],
    ...(source === name ? [] : [['Source', source] as const]),
    ['Version', version],
    ['Architecture', architecture],
    ['Maintainer', 'Old Maintainer <old@example.org>'],
    ['Section', 'misc'],
    ['Priority', 'optional'],
    ['Description', `package ${name}\nIt is old.\n\nReally.`],
  ]);
  await writeFile(join(root, 'DEBIAN/control'), control);
  const file = `${name}_${version.replace(/^\d+:/, '')}_${architecture}.deb`;
  await tool('dpkg-deb', '--root-owner-group', '-z1', '--build', root, join(debs, file));
  return file;
}

/** A native source package; returns the name of its `.dsc`. */
export async function makeSource({ tool, directory }: OldHouse, name: string, version: string): Promise<string> {
  const root = join(await mkdtemp(join(directory, 'source-')), `${name}-${version}`);
  await mkdir(join(root, 'debian/source'), { recursive: true });
  await writeFile(join(root, 'debian/source/format'), '3.0 (native)\n');
  await writeFile(
    join(root, 'debian/control'),
    `Source: ${name}\nSection: misc\nPriority: optional\nMaintainer: Old <old@example.org>\nStandards-Version: 4.6.0\n\n` +
      `Package: ${name}\nArchitecture: any\nDescription: one\n\nPackage: ${name}-doc\nArchitecture: all\nDescription: two\n`,
  );
  await writeFile(
    join(root, 'debian/changelog'),
    `${name} (${version}) old; urgency=low\n\n  * New.\n\n -- Old <old@example.org>  Thu, 01 Jan 2026 00:00:00 +0000\n`,
  );
  await tool('dpkg-source', '--build', root);
  return `${name}_${version}.dsc`;
}

/** With an override, two names for one suite, a suite that does not say much, and what backports have. */
export async function makeReprepro(house: OldHouse): Promise<string> {
  const base = join(house.directory, 'reprepro');
  await mkdir(join(base, 'conf'), { recursive: true });
  await writeFile(join(base, 'conf/options'), 'outdir +b/www\n');
  await writeFile(join(base, 'conf/override'), 'beta Section utils\nbeta Priority extra\nbeta Task server\n');
  await writeFile(
    join(base, 'conf/distributions'),
    `Origin: Old Archive
Label: Old
Suite: oldstable
Codename: bookworm
Version: 12.1
Architectures: amd64 source
Components: main
Description: What was
SignWith: ${house.fingerprint}
DebOverride: override
NotAutomatic: yes
ButAutomaticUpgrades: yes

Codename: testing
Architectures: amd64 source
Components: main contrib
SignWith: ${house.fingerprint}
`,
  );
  const reprepro = (...parameters: string[]) => house.tool('reprepro', '--silent', '-b', base, ...parameters);
  await reprepro('includedsc', 'bookworm', await makeSource(house, 'alpha', '1.0'));
  for (const each of [
    { name: 'alpha', version: '1.0' },
    { name: 'alpha-doc', version: '1.0', architecture: 'all', source: 'alpha' },
    { name: 'beta', version: '2:0.5-1' },
  ]) {
    await reprepro('includedeb', 'bookworm', await makeDeb(house, each));
  }
  await reprepro('includedeb', 'testing', 'alpha_1.0_amd64.deb');
  await reprepro('-C', 'contrib', 'includedeb', 'testing', await makeDeb(house, { name: 'gamma', version: '3.0' }));
  await symlink('bookworm', join(base, 'www/dists/oldstable'));
  return base;
}

/** Two versions of one package, published at a prefix. */
export async function makeAptly(house: OldHouse): Promise<string> {
  const root = join(house.directory, 'aptly');
  const config = join(house.directory, 'aptly.conf');
  await writeFile(config, JSON.stringify({ rootDir: root, architectures: ['amd64', 'source'] }));
  const aptly = (...parameters: string[]) => house.tool('aptly', `-config=${config}`, ...parameters);
  await aptly('repo', 'create', 'apps');
  for (const version of ['1.0', '2.0'])
    await aptly('repo', 'add', 'apps', await makeDeb(house, { name: 'delta', version }));
  await aptly('repo', 'add', 'apps', await makeSource(house, 'epsilon', '1.0'));
  await aptly('repo', 'add', 'apps', await makeDeb(house, { name: 'epsilon', version: '1.0' }));
  const publish = ['publish', 'repo', '-batch', `-gpg-key=${house.fingerprint}`, '-distribution=bookworm'];
  await aptly(...publish, '-origin=Apps', '-label=Apps of old', 'apps', 'apps');
  return root;
}

/** One address whose folder can be changed under its clients. */
export async function movingServer() {
  const state = { root: '/nonexistent', asked: [] as string[] };
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(request.url ?? '/'));
    state.asked.push(path);
    readFile(join(state.root, path)).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    state,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
