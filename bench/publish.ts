/**
 * Publishing one more package into a large suite, publishing when nothing has changed, and the memory of a publication
 * from nothing: ours beside aptly and reprepro, all with the same packages in the same run.
 *
 *     ./run bench publish [--packages N] [--rounds N] [--no-peers] [--json] [--write]
 *
 * The packages are real stanzas of bookworm's main; the peers get small real `.deb`s made of them. Filling the peers with
 * 60,000 takes minutes, so they stay in ~/.cache/sheaf/bench/publish.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { publishSuite } from '../src/archive/mod.ts';
import { connect, migrate } from '../src/db/connect.ts';
import { startCluster, type Cluster } from '../src/plumbing/postgres/cluster.ts';
import { run } from '../src/plumbing/process.ts';
import { createSigningKey } from '../src/plumbing/signer.ts';
import { addQuickPackages, fillSuite, realPackages, type RealPackage } from '../test/quick-packages.ts';
import { toyDeps } from '../test/toy-archive.ts';
import { openIndex, openSuite } from '../tools/corpus/archive.ts';
import { benchCorpus } from './corpus.ts';
import { median, progress, spent, type Spent } from './measure.ts';
import { writeDebs } from './peers/publish-debs.ts';
import { aptlyPeer, filledPeer, repreproPeer, type Peer } from './peers/publish-peers.ts';
import { publishReport, reportFlags, type ReportRow } from './report.ts';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...reportFlags,
    packages: { type: 'string', default: '60000' },
    rounds: { type: 'string', default: '7' },
    'no-peers': { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds);

/** A process of ours from its start to its end, and the most memory it had. */
type Whole = Spent & { readonly memory: number };
type Ours = {
  /** One more binary package of a source that is there, as the peers have it. */
  readonly one: Spent[];
  /** A source package and its binary package. */
  readonly both: Spent[];
  readonly none: Spent[];
  readonly coldOne: Whole;
  readonly coldNone: Whole;
  readonly whole: Whole;
};
type Theirs = {
  readonly name: string;
  readonly one: Spent[];
  readonly publish: Spent[];
  readonly none: Spent[];
  readonly memory: number;
};

async function main(): Promise<void> {
  const [task, directory] = positionals;
  if (task !== undefined) return inChild(task, directory!);
  const count = Number(options.packages);
  const ours = await measureOurs(count);
  const theirs = options['no-peers'] ? [] : await measurePeers(await readPackages(count));
  await report(count, ours, theirs);
}

async function readPackages(count: number): Promise<RealPackage[]> {
  const corpus = benchCorpus(progress);
  const suite = await openSuite(corpus, 'bookworm');
  return realPackages((await openIndex(corpus, suite, 'main/binary-amd64/Packages'))!.bytes, count);
}

async function measureOurs(count: number): Promise<Ours> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-bench-publish-'));
  const cluster = await startCluster(join(directory, 'postgres'));
  try {
    return await measureIn(directory, cluster, count);
  } finally {
    await cluster.stop({ always: true });
    await rm(directory, { recursive: true });
  }
}

async function measureIn(directory: string, cluster: Cluster, count: number): Promise<Ours> {
  const connection = connect(cluster.connection);
  await migrate(connection.db);
  const deps = toyDeps(directory, connection.db);
  await createSigningKey(join(directory, 'main.asc'), { name: 'Bench' }, new Date('2026-01-01T00:00:00Z'));
  const some = await fill(deps, count);
  progress('publishing all of them');
  const whole = await child('whole', directory);
  // PostgreSQL does so by itself within a minute of such a change.
  await connection.pool.query('vacuum analyze');
  const [one, both, none]: [Spent[], Spent[], Spent[]] = [[], [], []];
  const publish = () => spent(() => publishSuite(deps, 'stable', new Date()));
  for (let round = 0; round < rounds; round++) {
    progress(`one more package, ${round + 1} of ${rounds}`);
    await addBinary(deps, some);
    one.push(await publish());
    none.push(await publish());
    await addBoth(deps);
    both.push(await publish());
  }
  await addBinary(deps, some);
  const coldOne = await child('one', directory);
  const coldNone = await child('none', directory);
  await connection.close();
  return { one, both, none, coldOne, coldNone, whole };
}

/** Gives one of them; no server holds the texts of all packages while it publishes. */
async function fill(deps: ReturnType<typeof toyDeps>, count: number): Promise<RealPackage> {
  const packages = await readPackages(count);
  progress(`filling ours with ${packages.length} packages`);
  await fillSuite(deps, 'stable', packages, new Date());
  return packages[0]!;
}

async function addBinary(deps: ReturnType<typeof toyDeps>, of: RealPackage): Promise<void> {
  const binaries = [{ name: 'sheaf-bench', version: String(Date.now()), architecture: 'amd64' }];
  const source = { name: of.source, version: of.sourceVersion, component: 'main', binaries };
  await addQuickPackages(deps, 'stable', source, new Date());
}

async function addBoth(deps: ReturnType<typeof toyDeps>): Promise<void> {
  const version = String(Date.now());
  const binaries = [{ name: 'hello', version, architecture: 'amd64' }];
  await addQuickPackages(deps, 'stable', { name: 'hello', version, component: 'main', binaries }, new Date());
}

/** In a process of its own: what it says of itself, and what the machine counts for it. */
async function child(task: string, directory: string): Promise<Whole> {
  let memory = 0;
  const all = await spent(async () => {
    const flags = ['--max-semi-space-size=8', '--heap-growing-percent=40'];
    const argv = [process.execPath, ...flags, import.meta.filename, task, directory] as const;
    const { code, stdout, stderr } = await run([...argv], { timeout: 60 * 60_000, env: asLaunched });
    if (code !== 0) throw new Error(stderr);
    memory = Number(stdout.toString().trim());
  });
  return { ...all, memory };
}

/** How the launcher `sheaf` starts Node. */
const asLaunched = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  HOME: homedir(),
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '65536',
  MALLOC_TRIM_THRESHOLD_: '131072',
};

async function inChild(task: string, directory: string): Promise<void> {
  const cluster = await startCluster(join(directory, 'postgres'));
  const connection = connect(cluster.connection);
  const deps = toyDeps(directory, connection.db);
  await publishSuite(deps, 'stable', new Date(), { whole: task === 'whole' });
  await connection.close();
  // Kilobytes: getrusage(2).
  process.stdout.write(`${process.resourceUsage().maxRSS * 1024}\n`);
}

async function measurePeers(packages: readonly RealPackage[]): Promise<Theirs[]> {
  const cache = join(homedir(), '.cache/sheaf/bench/publish', String(packages.length));
  const debs = async () => {
    progress('writing .debs');
    const directory = join(cache, 'debs');
    return { directory, names: await writeDebs(directory, packages) };
  };
  const found: Theirs[] = [];
  for (const [name, open] of [['reprepro', repreproPeer] as const, ['aptly', aptlyPeer] as const]) {
    progress(`filling ${name}`);
    found.push(await measurePeer(await filledPeer(join(cache, name), open, debs), packages));
  }
  return found;
}

async function measurePeer(peer: Peer, packages: readonly RealPackage[]): Promise<Theirs> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-bench-publish-'));
  const hello = packages.find((each) => each.architecture === 'amd64')!;
  const theirs: Theirs = { name: peer.name, one: [], publish: [], none: [], memory: 0 };
  let memory = 0;
  const timed = async (argv: readonly string[]) => {
    const file = join(directory, 'memory');
    const result = await spent(async () => {
      const { code, stderr } = await run(['/usr/bin/time', '-f', '%M', '-o', file, ...argv], { timeout: 60 * 60_000 });
      if (code !== 0) throw new Error(stderr);
    });
    const { stdout } = await run(['tail', '-n', '1', file]);
    memory = Math.max(memory, Number(stdout.toString()) * 1024);
    return result;
  };
  for (let round = 0; round < Math.min(rounds, 3); round++) {
    progress(`${peer.name}: one more package, ${round + 1}`);
    const version = String(Date.now());
    const control = hello.control
      .replace(/^Package: .*$/m, 'Package: sheaf-bench')
      .replace(/^Version: .*$/m, `Version: ${version}`)
      .replace(/^Source: .*\n/m, '');
    const [name] = await writeDebs(directory, [{ ...hello, name: 'sheaf-bench', version, control }]);
    const include = await timed(peer.include(join(directory, name!)));
    const publish = await timed(peer.publish);
    theirs.publish.push(publish);
    theirs.one.push({ wall: include.wall + publish.wall, cpu: include.cpu + publish.cpu });
    theirs.none.push(await timed(peer.publish));
  }
  await writeFile(join(directory, 'memory'), '');
  await rm(directory, { recursive: true });
  return { ...theirs, memory };
}

async function report(count: number, ours: Ours, theirs: readonly Theirs[]): Promise<void> {
  const middle = (spents: readonly Spent[], what: keyof Spent) => median(spents.map((each) => each[what]));
  const aims: Record<string, string> = { aptly: '≤ 1/50', reprepro: '≤ 1/10' };
  const rows: ReportRow[] = [];
  for (const each of theirs) {
    const one = { ours: middle(ours.one, 'wall'), peer: middle(each.one, 'wall'), unit: 's', aim: aims[each.name]! };
    rows.push({ what: `one more package, wall, beside ${each.name}`, ...one });
    const cold = { ours: ours.coldOne.wall, peer: middle(each.one, 'wall'), unit: 's' };
    rows.push({ what: '· ours with the start of a process', ...cold });
    const publish = { ours: middle(ours.one, 'wall'), peer: middle(each.publish, 'wall'), unit: 's' };
    rows.push({ what: '· their publication alone', ...publish });
    rows.push({ what: '· CPU', ours: middle(ours.one, 'cpu'), peer: middle(each.one, 'cpu'), unit: 's' });
    const both = { ours: middle(ours.both, 'wall'), peer: middle(each.one, 'wall'), unit: 's' };
    rows.push({ what: '· ours with a new source package too, of which theirs know nothing', ...both });
    const none = { ours: middle(ours.none, 'wall') * 1000, peer: middle(each.none, 'wall') * 1000, unit: 'ms' };
    rows.push({ what: `no change, beside ${each.name}`, ...none, aim: '≤ 50' });
    const memory = { ours: ours.whole.memory / 2 ** 20, peer: each.memory / 2 ** 20, unit: 'MiB', aim: '≤ 300' };
    rows.push({ what: `most memory, ours of a publication from nothing, ${each.name}'s of one more`, ...memory });
  }
  if (theirs.length === 0) {
    rows.push({ what: 'one more package, wall', ours: middle(ours.one, 'wall'), unit: 's' });
    rows.push({ what: '· CPU', ours: middle(ours.one, 'cpu'), unit: 's' });
    rows.push({ what: '· with a new source package too', ours: middle(ours.both, 'wall'), unit: 's' });
    rows.push({ what: 'no change, wall', ours: middle(ours.none, 'wall') * 1000, unit: 'ms', aim: '≤ 50' });
    rows.push({ what: 'most memory', ours: ours.whole.memory / 2 ** 20, unit: 'MiB', aim: '≤ 300' });
  }
  rows.push({ what: 'no change, ours with the start of a process', ours: ours.coldNone.wall * 1000, unit: 'ms' });
  const oneMemory = ours.coldOne.memory / 2 ** 20;
  rows.push({ what: 'most memory, ours of one more package', ours: oneMemory, unit: 'MiB', aim: '≤ 300' });
  rows.push({ what: 'all packages from nothing, wall', ours: ours.whole.wall, unit: 's' });
  rows.push({ what: '· CPU', ours: ours.whole.cpu, unit: 's' });
  const notes = [
    `${count} packages of bookworm's main (amd64). Ours: median of ${rounds}, in a process that runs already, as the server does; an archive with sources, signed, .xz and .gz, everything flushed to the disk, a database of its own that flushes too, vacuumed after the filling as it does by itself.`,
    'Theirs: the commands as they are, with their start, median of 3; no signature, no sources, no .xz, no Contents, no .bz2. reprepro: includedeb without export, then export; aptly: repo add, then publish update.',
  ];
  const title = 'One more package published into a large suite';
  await publishReport({ bench: 'publish', title, peer: 'peer', rows, notes }, options);
}

await main();
