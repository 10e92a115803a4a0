/** The client at the end of the way: a real apt with a state of its own, that knows only the archive under test. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { hostEnvironment, run } from '../src/plumbing/process.ts';

export type AptClient = {
  /** `apt-get update`, then whether this version of the package can be fetched. */
  readonly sees: (name: string, version: string) => Promise<boolean>;
};

export type AptSource = {
  readonly uri: string;
  readonly suite: string;
  readonly component: string;
  readonly keyFile: string;
};

/** The options of an apt with a state of its own in this folder, which knows one source and nothing of the machine's. */
export async function privateApt(
  directory: string,
  source: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  for (const name of ['lists/partial', 'cache/archives/partial', 'etc/preferences.d', 'etc/apt.conf.d']) {
    await mkdir(join(directory, name), { recursive: true });
  }
  await writeFile(join(directory, 'status'), '');
  const sources = join(directory, 'bench.sources');
  await writeFile(sources, Object.entries(source).map(([name, value]) => `${name}: ${value}\n`).join('')); // prettier-ignore
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
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    // apt-file, where it is installed, has every apt fetch them.
    'Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled': 'false',
    ...more,
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

export async function makeAptClient(directory: string, source: AptSource, signal: AbortSignal): Promise<AptClient> {
  const flags = await privateApt(directory, {
    Types: 'deb',
    URIs: source.uri,
    Suites: source.suite,
    Components: source.component,
    'Signed-By': source.keyFile,
  });
  const apt = async (...args: string[]) => {
    const { code, stderr } = await run(['apt-get', '--quiet', ...flags, ...args], {
      env: hostEnvironment,
      timeout: 60_000,
      signal,
    });
    return code === 0 && !/^[WE]: /m.test(stderr);
  };
  return {
    sees: async (name, version) => (await apt('update')) && apt('download', '--print-uris', `${name}=${version}`),
  };
}
