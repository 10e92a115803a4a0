/** Random wishes on Debian's own indexes: the answer must be that of an apt which was set up by other means. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { privateApt } from '../../../bench/apt-client.ts';
import { testCache } from '../../../test/small-root.ts';
import { openIndex, openSuite, type CorpusOptions } from '../../../tools/corpus/archive.ts';
import { formatRelease } from '../../formats/deb/release.ts';
import { sha256, type Sha256 } from '../../kit/digest.ts';
import { hostEnvironment, run, runChecked } from '../process.ts';
import { createSnapshotApt } from './snapshots.ts';

const corpus: CorpusOptions = {
  directory: join(testCache, 'corpus'),
  mirror: 'http://deb.debian.org/debian',
  keyring: '/usr/share/keyrings/debian-archive-keyring.gpg',
  update: false,
  say: () => {},
};
const path = 'main/binary-amd64/Packages';
const rounds = 3;

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sheaf-snapshots-'));
});
after(async () => rm(directory, { recursive: true }));

type Suite = {
  readonly name: string;
  readonly index: Buffer;
  readonly release: string;
  readonly names: readonly string[];
};

async function openDebian(name: string): Promise<Suite> {
  const index = (await openIndex(corpus, await openSuite(corpus, name), path))!.bytes;
  const release = formatRelease({
    ...{ suite: name, codename: name, date: new Date(0), architectures: ['amd64'], components: ['main'] },
    files: [{ path, size: index.length, sha256: sha256(index) }],
  });
  const names = [...new Set([...index.toString('latin1').matchAll(/^Package: (\S+)$/gm)].map(([, word]) => word!))];
  return { name, index, release, names };
}

/** An apt that fetches from a folder, with its own settings; answers `apt-get -s`. */
async function independent(suites: readonly Suite[]) {
  const root = join(directory, `independent-${suites.map(({ name }) => name).join('-')}`);
  for (const { name, index, release } of suites) {
    await mkdir(join(root, 'tree/dists', name, path, '..'), { recursive: true });
    await writeFile(join(root, 'tree/dists', name, path), index);
    await writeFile(join(root, 'tree/dists', name, 'Release'), release);
  }
  const source = {
    ...{ Types: 'deb', URIs: `file:${join(root, 'tree')}`, Suites: suites.map(({ name }) => name).join(' ') },
    ...{ Components: 'main', Architectures: 'amd64', Trusted: 'yes' },
  };
  const flags = await privateApt(join(root, 'apt'), source, { 'APT::Architecture': 'amd64' });
  await runChecked(['apt-get', '--quiet', ...flags, 'update'], { env: hostEnvironment });
  return async (words: readonly string[], recommends: boolean): Promise<string[] | undefined> => {
    const choice = recommends ? '--install-recommends' : '--no-install-recommends';
    const { code, stdout } = await run(['apt-get', '-s', ...flags, choice, 'install', '--', ...words], {
      env: hostEnvironment,
    });
    if (code !== 0) return undefined;
    return [...stdout.toString().matchAll(/^Inst (\S+) \((\S+) /gm)].map(([, name, version]) => `${name} ${version}`).toSorted(); // prettier-ignore
  };
}

function ours(suites: readonly Suite[]) {
  const kept = new Map<Sha256, Uint8Array>();
  const keep = (bytes: Uint8Array): Sha256 => {
    const hash = sha256(bytes);
    kept.set(hash, bytes);
    return hash;
  };
  const apt = createSnapshotApt({ directory: join(directory, 'states'), read: async (hash) => kept.get(hash)! });
  const sources = suites.map(({ name, index, release }) => ({
    ...{ url: 'http://deb.debian.org/debian', suite: name, components: ['main'], release: keep(Buffer.from(release)) },
    indexes: [{ path, architecture: 'amd64', sha256: keep(index), size: index.length }],
  }));
  return async (packages: readonly string[], recommends: boolean): Promise<string[] | undefined> => {
    const answer = await apt.solve({
      ...{ architecture: 'amd64', foreign: [], sources, packages, recommends },
      ...{ classes: ['essential', 'required'], exclude: [], keep: [] },
    });
    if (answer.kind === 'unmet') return undefined;
    return answer.packages.map(({ name, version }) => `${name} ${version}`).toSorted();
  };
}

/** Names by Debian's own fields, found by other means than ours. */
function classNames(suites: readonly Suite[]): string[] {
  const names = suites.flatMap(({ index }) =>
    index
      .toString('latin1')
      .split('\n\n')
      .filter((stanza) => /^(?:Essential: yes|Priority: required)$/m.test(stanza))
      .map((stanza) => /^Package: (\S+)$/m.exec(stanza)![1]!),
  );
  return [...new Set(names)];
}

/** The same sequence in every run of one seed, which a failure names. */
function random(seed: string) {
  let turn = 0;
  return (below: number) => Number.parseInt(sha256(`${seed} ${turn++}`).slice(0, 8), 16) % below;
}

test('createSnapshotApt answers as apt does on bookworm and trixie', async () => {
  const suites = await Promise.all(['bookworm', 'trixie'].map(openDebian));
  const [mine, theirs] = [ours(suites), await independent(suites)];
  const classes = classNames(suites);
  const all = suites[0]!.names;
  let solved = 0;
  for (let round = 0; round < rounds; round += 1) {
    const seed = `bookworm trixie ${round}`;
    const next = random(seed);
    const words = [...new Set(Array.from({ length: 1 + next(round < 4 ? 6 : 40) }, () => all[next(all.length)]!))];
    const recommends = next(3) === 0;
    const [answer, expected] = [await mine(words, recommends), await theirs([...classes, ...words], recommends)];
    assert.deepEqual(answer, expected, `seed ${seed}: ${words.join(' ')}`);
    if (answer !== undefined) solved += 1;
  }
  assert.ok(solved > rounds / 3, `only ${solved} of ${rounds} wishes could be met`);
});
