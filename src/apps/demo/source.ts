/** A real Debian source package, fetched by apt with its signatures checked, in a state directory of its own. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { runTool } from './tool.ts';

export type FetchedSource = {
  readonly name: string;
  readonly version: string;
  /** The folder that `dpkg-source --extract --skip-patches` made. */
  readonly tree: string;
};

const mirror = 'http://deb.debian.org/debian';
export const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Fetches and unpacks the newest source of each package in bookworm. */
export async function fetchSources(directory: string, names: readonly string[]): Promise<FetchedSource[]> {
  const apt = join(directory, 'apt');
  const options = await privateApt(apt);
  await runTool(['apt-get', ...options, 'update', '--quiet'], { timeout: 300_000 });
  return Promise.all(names.map((name) => fetchSource(directory, options, name)));
}

async function fetchSource(directory: string, options: readonly string[], name: string): Promise<FetchedSource> {
  const folder = join(directory, name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const env = { TMPDIR: folder };
  await runTool(['apt-get', ...options, 'source', '--download-only', '--only-source', '--', name], {
    cwd: folder,
    env,
    timeout: 300_000,
  });
  const dsc = (await readdir(folder)).find((file) => file.endsWith('.dsc'))!;
  await runTool(['dpkg-source', '--no-check', '--skip-patches', '--extract', dsc, 'tree'], { cwd: folder, env });
  const version = await runTool(['dpkg-parsechangelog', '-l', 'tree/debian/changelog', '-S', 'Version'], {
    cwd: folder,
  });
  return { name, version: version.trim(), tree: join(folder, 'tree') };
}

async function privateApt(directory: string): Promise<string[]> {
  for (const name of ['lists/partial', 'cache/archives/partial', 'etc/preferences.d', 'etc/apt.conf.d']) {
    await mkdir(join(directory, name), { recursive: true });
  }
  await writeFile(join(directory, 'status'), '');
  const source = [
    'Types: deb-src',
    `URIs: ${mirror}`,
    'Suites: bookworm',
    'Components: main',
    `Signed-By: ${debianKeyring}`,
  ];
  await writeFile(join(directory, 'debian.sources'), `${source.join('\n')}\n`);
  const settings = {
    Dir: directory,
    'Dir::Etc': join(directory, 'etc'),
    'Dir::Etc::sourcelist': join(directory, 'debian.sources'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::trusted': '/dev/null',
    'Dir::Etc::trustedparts': '/dev/null',
    'Dir::State': directory,
    'Dir::State::status': join(directory, 'status'),
    'Dir::Cache': join(directory, 'cache'),
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}
