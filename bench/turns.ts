/**
 * One real package by us, by sbuild + reprepro, and by nothing but dpkg-buildpackage: from a signed tag to what apt can
 * install, in turns and warm.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { runTool } from '../src/apps/demo/tool.ts';
import { readDistribution } from '../src/policy/mod.ts';
import { makeBare, type Bare } from './bare.ts';
import { median, progress, sumStages, type Spent, type Stages } from './measure.ts';
import { makeOurs, type Measured, type Ours } from './ours.ts';
import { makePackage, type Package } from './package.ts';
import { sbuildFlags } from './peers/sbuild.ts';
import { makePeer, type Peer } from './peers/sbuild-reprepro.ts';

const suite = 'stable';

export type TurnOptions = {
  readonly source: string;
  readonly runs: number;
  readonly withPeer: boolean;
  readonly signal: AbortSignal;
};

type Setup = TurnOptions & { readonly directory: string };

type Subjects = { readonly tagged: Package; readonly ours: Ours; readonly bare: Bare; readonly peer: Peer | undefined };
export type Results = { readonly ours: Measured[]; readonly bare: Spent[]; readonly peer: Stages[] };

export async function measurePackage(options: TurnOptions): Promise<Results> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-bench-'));
  await chmod(directory, 0o755);
  const closing: (() => Promise<void>)[] = [];
  try {
    const setup = { ...options, directory };
    return await measureTurns(await prepare(setup, closing), setup);
  } finally {
    for (const close of closing.toReversed()) await close().catch((error: unknown) => progress(String(error)));
    await rm(directory, { recursive: true, force: true });
  }
}

async function prepare(setup: Setup, closing: (() => Promise<void>)[]): Promise<Subjects> {
  const { source, directory, signal } = setup;
  const architecture = (await runTool(['dpkg', '--print-architecture'])).trim();
  const common = { source, architecture, suite, signal };
  progress(`making a distribution of ours, and a repository of Debian’s ${source}`);
  const home = join(directory, 'ours');
  const ours = await makeOurs({ ...common, directory: home });
  closing.push(ours.close);
  const tagged = await makePackage(source, home, ours.maintainer, suite, ours.hook);
  await ours.start();
  signal.throwIfAborted();
  progress('preparing the root of the bare build');
  const { environment } = (await readDistribution(home)).build;
  const buildDepends = tagged.buildDepends.join(', ');
  const bare = await makeBare({
    ...common,
    directory: join(directory, 'bare'),
    repository: tagged.work,
    buildDepends,
    environment,
  });
  closing.push(bare.close);
  if (!setup.withPeer) return { tagged, ours, bare, peer: undefined };
  progress('preparing sbuild and reprepro');
  const keyFile = join(home, 'keys/mia.asc');
  const folder = join(directory, 'peer');
  const peer = await makePeer({
    ...common,
    directory: folder,
    repository: tagged.peer,
    keyFile,
    buildDepends: tagged.buildDepends,
  });
  closing.push(peer.close);
  return { tagged, ours, bare, peer };
}

/** One round that does not count, for caches of all sides, then rounds in turns: noise of the machine meets all alike. */
async function measureTurns({ tagged, ours, bare, peer }: Subjects, setup: Setup): Promise<Results> {
  const { runs, signal } = setup;
  const results: Results = { ours: [], bare: [], peer: [] };
  for (let round = 0; round <= runs; round += 1) {
    const release = await tagged.release();
    const steps = [
      async () => {
        const measured = await ours.release(release, () => tagged.push('ours', release));
        if (round > 0) results.ours.push(measured);
        return measured.total;
      },
      async () => {
        const stages = await peer?.release(release, () => tagged.push('peer', release));
        if (stages === undefined) return undefined;
        if (round > 0) results.peer.push(stages);
        return sumStages(stages.values());
      },
      async () => {
        const spent = await bare.build(release);
        if (round > 0) results.bare.push(spent);
        return spent;
      },
    ];
    const names = ['ours', 'sbuild + reprepro', 'bare dpkg-buildpackage'];
    for (let turn = 0; turn < steps.length; turn += 1) {
      const index = (turn + round) % steps.length;
      const spent = await steps[index]!();
      signal.throwIfAborted();
      const what = round === 0 ? 'warming up' : `run ${round} of ${runs}`;
      if (spent !== undefined) progress(`${what}: ${names[index]} ${formatSpent(spent)}`);
    }
  }
  return results;
}

/** What has to be known of the peer to believe its numbers. */
export async function peerNotes(): Promise<string[]> {
  const packages = ['sbuild', 'mmdebstrap', 'reprepro'];
  const versions = (
    await runTool(['dpkg-query', '--show', '--showformat=${Package} ${Version}, ', ...packages])
  ).replace(/, $/, '');
  const user = process.getuid!() === 0 ? ' as the ordinary user "sheaf-bench"' : '';
  return [
    `Peer: ${versions}${user}: git fetch and \`git verify-tag\`; orig tarball already there, \`dpkg-source --build\`; \`sbuild ${sbuildFlags.join(' ')}\` on an uncompressed chroot tarball (mmdebstrap --variant=buildd, made before) whose apt cache already holds lists and build dependencies, so that it downloads nothing; \`reprepro includedsc\` and \`includedeb\` with one signed export; apt reads the archive by file:. Each is the choice that favours the peer.`,
  ];
}

export function medianSpent(all: readonly Spent[]): Spent {
  return { wall: median(all.map(({ wall }) => wall)), cpu: median(all.map(({ cpu }) => cpu)) };
}

function formatSpent({ wall, cpu }: Spent): string {
  return `${wall.toFixed(1)} s (CPU ${cpu.toFixed(1)} s)`;
}
