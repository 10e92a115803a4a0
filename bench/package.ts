/** One of Debian's real packages as a packaging repository, and one signed release of it after the other. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { addRelease, makeRepository, type HookSettings } from '../src/apps/demo/packaging.ts';
import { signingConfig, type DemoPerson } from '../src/apps/demo/people.ts';
import { fetchSources } from '../src/apps/demo/source.ts';
import { runTool } from '../src/apps/demo/tool.ts';
import { field, parseStanzas } from '../src/formats/deb/deb822.ts';

export type TaggedRelease = {
  readonly tag: string;
  readonly version: string;
  readonly upstream: string;
  readonly upstreamTag: string;
};

export type Package = {
  /** The maintainer's checkout; the first to have a tag. */
  readonly work: string;
  /** A bare repository without a hook, for the peer to fetch from. */
  readonly peer: string;
  /** Build-Depends as apt takes them on a command line. */
  readonly buildDepends: readonly string[];
  /** A changelog entry and a signed tag, not yet pushed anywhere. */
  readonly release: () => Promise<TaggedRelease>;
  readonly push: (to: 'ours' | 'peer', release: TaggedRelease) => Promise<unknown>;
};

export async function makePackage(
  source: string,
  directory: string,
  maintainer: DemoPerson,
  suite: string,
  hook: HookSettings,
): Promise<Package> {
  const [fetched] = await fetchSources(join(directory, 'debian'), [source]);
  const { work, bare: ours } = await makeRepository(directory, fetched!, maintainer, hook);
  const peer = join(directory, 'git-peer', `${source}.git`);
  const { args, env } = signingConfig(maintainer);
  const git = (...words: string[]) => runTool(['git', ...args, ...words], { cwd: work, env });
  await git('clone', '--quiet', '--bare', '--', ours, peer);
  await git('remote', 'add', 'peer', peer);
  const upstream = fetched!.version.replace(/^\d+:/, '').replace(/-[^-]*$/, '');
  // A fetch runs no hook: this tag is no release, and nobody serves yet.
  for (const bare of [ours, peer]) {
    await git(
      '-C',
      bare,
      'fetch',
      '--quiet',
      work,
      'debian/latest:debian/latest',
      `refs/tags/upstream/${upstream}:refs/tags/upstream/${upstream}`,
    );
  }
  let number = 0;
  return {
    work,
    peer,
    buildDepends: await readBuildDepends(join(work, 'debian/control')),
    release: async () => {
      number += 1;
      const version = `${fetched!.version}+bench${number}`;
      const change = `Benchmark run ${number}.`;
      await addRelease({ source, work, bare: ours }, maintainer, {
        version,
        distribution: suite,
        change,
        date: new Date(),
      });
      const tag = `debian/${version}`;
      await git('tag', '--sign', '-m', `${source} ${version}`, '--', tag);
      return { tag, version, upstream, upstreamTag: `upstream/${upstream}` };
    },
    push: (to, { tag }) =>
      git('push', '--quiet', to === 'ours' ? 'origin' : 'peer', 'debian/latest', `refs/tags/${tag}`),
  };
}

async function readBuildDepends(file: string): Promise<string[]> {
  const [source] = parseStanzas(await readFile(file, 'utf8'), file);
  const relations = (field(source!, 'Build-Depends') ?? '').split(',').map((relation) => relation.trim());
  // "debhelper-compat (= 13)" is a virtual package of debhelper's; versions don't matter in a fresh Debian.
  return relations
    .filter((text) => text !== '')
    .map((text) => text.split(/[\s(]/)[0]!.replace('debhelper-compat', 'debhelper'));
}
