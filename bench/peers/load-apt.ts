/** apt learns of suites: `apt-get update` with an empty state of its own, binary and source indexes. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export async function aptUpdate(directory: string, url: string, suites: readonly string[]): Promise<string[]> {
  for (const name of ['lists/partial', 'cache/archives/partial', 'etc/preferences.d', 'etc/apt.conf.d']) {
    await mkdir(join(directory, name), { recursive: true });
  }
  await writeFile(join(directory, 'status'), '');
  const sources = join(directory, 'bench.sources');
  const stanza = {
    Types: 'deb deb-src',
    URIs: url,
    Suites: suites.join(' '),
    Components: 'main',
    Architectures: 'amd64',
    'Signed-By': '/usr/share/keyrings/debian-archive-keyring.gpg',
    // The Release of a frozen mirror may have expired.
    'Check-Valid-Until': 'no',
  };
  await writeFile(sources, Object.entries(stanza).map(([name, value]) => `${name}: ${value}\n`).join('')); // prettier-ignore
  const settings = {
    Dir: directory,
    'Dir::Etc': join(directory, 'etc'),
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::trusted': '/dev/null',
    'Dir::Etc::trustedparts': '/dev/null',
    'Dir::State': directory,
    'Dir::State::status': join(directory, 'status'),
    'Dir::Cache': join(directory, 'cache'),
    'APT::Architecture': 'amd64',
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::http::Proxy': 'false',
  };
  return [
    'apt-get',
    '--quiet',
    ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    'update',
  ];
}
