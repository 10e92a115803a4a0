/**
 * From a signed tag to a package that apt can install: the same real hello by us and by sbuild + reprepro, in turns and
 * warm, and by nothing but dpkg-buildpackage.
 *
 *     ./run bench tag-to-apt [--runs N] [--json] [--write] [--without-peer]
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { runTool } from '../src/apps/demo/tool.ts';
import { readDistribution } from '../src/policy/mod.ts';
import { makeBare, type Bare } from './bare.ts';
import { makeHello, type Hello } from './hello.ts';
import { median, medianStages, progress, sumStages, withInterrupt, type Spent, type Stages } from './measure.ts';
import { makeOurs, type Measured, type Ours } from './ours.ts';
import { makePeer, sbuildFlags, type Peer } from './peers/sbuild-reprepro.ts';
import { publishReport, reportFlags, type Report, type ReportRow } from './report.ts';

const suite = 'stable';
const stageTitles = {
  intake: 'tag pushed, fetched, verified',
  source: 'source package',
  binary: 'binary packages',
  publish: 'into the archive, published',
  apt: 'apt-get update sees it',
};

type Subjects = { readonly hello: Hello; readonly ours: Ours; readonly bare: Bare; readonly peer: Peer | undefined };
type Results = { readonly ours: Measured[]; readonly bare: Spent[]; readonly peer: Stages[] };

const { values: options } = parseArgs({
  options: {
    ...reportFlags,
    runs: { type: 'string', default: '3' },
    'without-peer': { type: 'boolean', default: false },
  },
});
const runs = Math.max(1, Math.min(50, Math.trunc(Number(options.runs)) || 1));

await withInterrupt(async (signal) => {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-bench-'));
  await chmod(directory, 0o755);
  const closing: (() => Promise<void>)[] = [];
  try {
    const subjects = await prepare(directory, closing, signal);
    await publishReport(await makeReport(await measure(subjects, signal), subjects.peer !== undefined), options);
  } finally {
    for (const close of closing.toReversed()) await close().catch((error: unknown) => progress(String(error)));
    await rm(directory, { recursive: true, force: true });
  }
});

async function prepare(directory: string, closing: (() => Promise<void>)[], signal: AbortSignal): Promise<Subjects> {
  const source = 'hello';
  const architecture = (await runTool(['dpkg', '--print-architecture'])).trim();
  const common = { source, architecture, suite, signal };
  progress('making a distribution of ours, and a repository of Debian’s hello');
  const home = join(directory, 'ours');
  const ours = await makeOurs({ ...common, directory: home });
  closing.push(ours.close);
  const hello = await makeHello(home, ours.maintainer, suite, ours.hook);
  await ours.start();
  signal.throwIfAborted();
  progress('preparing the root of the bare build');
  const { environment } = (await readDistribution(home)).build;
  const buildDepends = hello.buildDepends.join(', ');
  const bare = await makeBare({
    ...common,
    directory: join(directory, 'bare'),
    repository: hello.work,
    buildDepends,
    environment,
  });
  closing.push(bare.close);
  if (options['without-peer']) return { hello, ours, bare, peer: undefined };
  progress('preparing sbuild and reprepro');
  const keyFile = join(home, 'keys/mia.asc');
  const folder = join(directory, 'peer');
  const peer = await makePeer({
    ...common,
    directory: folder,
    repository: hello.peer,
    keyFile,
    buildDepends: hello.buildDepends,
  });
  closing.push(peer.close);
  return { hello, ours, bare, peer };
}

/** One round that does not count, for caches of all sides, then rounds in turns: noise of the machine meets all alike. */
async function measure({ hello, ours, bare, peer }: Subjects, signal: AbortSignal): Promise<Results> {
  const results: Results = { ours: [], bare: [], peer: [] };
  for (let round = 0; round <= runs; round += 1) {
    const release = await hello.release();
    const steps = [
      async () => {
        const measured = await ours.release(release, () => hello.push('ours', release));
        if (round > 0) results.ours.push(measured);
        return measured.total;
      },
      async () => {
        const stages = await peer?.release(release, () => hello.push('peer', release));
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

async function makeReport(results: Results, withPeer: boolean): Promise<Report> {
  const ours = medianStages(results.ours.map(({ stages }) => stages));
  const peer = medianStages(results.peer);
  const oursTotal = medianSpent(results.ours.map(({ total }) => total));
  const peerTotal = withPeer ? medianSpent(results.peer.map((stages) => sumStages(stages.values()))) : undefined;
  const bare = medianSpent(results.bare);
  const stages = Object.entries(stageTitles);
  const inside = [...results.ours[0]!.inside.keys()].map((what): ReportRow => {
    return { what: `· ${what}`, ours: median(results.ours.map((run) => run.inside.get(what) ?? 0)), unit: 's' };
  });
  const over = (of: keyof Spent, what: string, aim?: string): ReportRow => ({
    what,
    ours: oursTotal[of] - bare[of],
    peer: peerTotal && peerTotal[of] - bare[of],
    unit: 's',
    ...(aim === undefined ? {} : { aim }),
  });
  return {
    bench: 'tag-to-apt',
    title: `From a signed tag of hello to installable by apt, warm: median of ${runs} runs in turns.`,
    peer: 'sbuild + reprepro',
    rows: [
      { what: 'wall time', ours: oursTotal.wall, peer: peerTotal?.wall, unit: 's', aim: '≤ 1/3' },
      { what: 'CPU time', ours: oursTotal.cpu, peer: peerTotal?.cpu, unit: 's' },
      over('wall', 'wall time over bare dpkg-buildpackage', '≤ 3 s'),
      over('cpu', 'CPU time over bare dpkg-buildpackage'),
      ...stages.map(([key, title]) => ({
        what: `wall: ${title}`,
        ours: ours.get(key)!.wall,
        peer: peer.get(key)?.wall,
        unit: 's',
      })),
      ...stages.map(([key, title]) => ({
        what: `CPU: ${title}`,
        ours: ours.get(key)!.cpu,
        peer: peer.get(key)?.cpu,
        unit: 's',
      })),
      { what: 'bare dpkg-buildpackage, wall', ours: bare.wall, unit: 's' },
      { what: 'bare dpkg-buildpackage, CPU', ours: bare.cpu, unit: 's' },
      ...inside,
    ],
    notes: [
      'Bare: `dpkg-buildpackage -us -uc -b` of the same tree in the same prepared root and sandbox; nothing can be quicker without building less.',
      ...(withPeer ? await peerNotes() : []),
      'Ours: `sheaf serve` and `sheaf worker run` as processes on this machine, from `git push` (the hook reports the tag) on; CPU of both, of PostgreSQL, the push and apt. The lines with a dot are what server and worker wrote down about the inside of the stages.',
    ],
  };
}

async function peerNotes(): Promise<string[]> {
  const packages = ['sbuild', 'mmdebstrap', 'reprepro'];
  const versions = (
    await runTool(['dpkg-query', '--show', '--showformat=${Package} ${Version}, ', ...packages])
  ).replace(/, $/, '');
  const user = process.getuid!() === 0 ? ' as the ordinary user "sheaf-bench"' : '';
  return [
    `Peer: ${versions}${user}: git fetch and \`git verify-tag\`; orig tarball already there, \`dpkg-source --build\`; \`sbuild ${sbuildFlags.join(' ')}\` on an uncompressed chroot tarball (mmdebstrap --variant=buildd, made before) whose apt cache already holds lists and build dependencies, so that it downloads nothing; \`reprepro includedsc\` and \`includedeb\` with one signed export; apt reads the archive by file:. Each is the choice that favours the peer.`,
  ];
}

function medianSpent(all: readonly Spent[]): Spent {
  return { wall: median(all.map(({ wall }) => wall)), cpu: median(all.map(({ cpu }) => cpu)) };
}

function formatSpent({ wall, cpu }: Spent): string {
  return `${wall.toFixed(1)} s (CPU ${cpu.toFixed(1)} s)`;
}
