/**
 * Making a lock of some 500 packages from a kept snapshot of trixie (main, amd64), beside `apt-get -s install` of the same
 * packages on the same index by an apt of its own that has everything ready. Both choose by apt; ours also writes down
 * every package with its stanza.
 *
 *     ./run bench lock [--json] [--write] [--packages 500] [--rounds 7]
 */
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { countChanges } from '../src/compare/mod.ts';
import { connect, migrate } from '../src/db/connect.ts';
import { createLock, type CreateLockDeps } from '../src/flows/create-lock.ts';
import { formatRelease, parseRelease } from '../src/formats/deb/release.ts';
import { recordSnapshot, type HistoryDeps } from '../src/history/mod.ts';
import { sha256 } from '../src/kit/digest.ts';
import { formatLock } from '../src/lock/mod.ts';
import { checkLockSpec, type LockSpec } from '../src/lock/spec.ts';
import { toSnapshotId } from '../src/model/names.ts';
import { createSnapshotApt } from '../src/plumbing/apt/snapshots.ts';
import { openIndexStore } from '../src/plumbing/history/store.ts';
import { startCluster } from '../src/plumbing/postgres/cluster.ts';
import { hostEnvironment, run, runChecked } from '../src/plumbing/process.ts';
import { seedUpstream } from '../test/seed-history.ts';
import { seedDistribution } from '../test/seed.ts';
import { openIndex, openSuite } from '../tools/corpus/archive.ts';
import { privateApt } from './apt-client.ts';
import { benchCorpus } from './corpus.ts';
import { median, progress as say, spent, type Spent } from './measure.ts';
import { publishReport, reportFlags } from './report.ts';

const { values: options } = parseArgs({
  options: { ...reportFlags, packages: { type: 'string', default: '500' }, rounds: { type: 'string', default: '7' } },
});
const wanted = Number(options.packages);
const rounds = Number(options.rounds);
const suite = 'trixie';

const corpus = benchCorpus(say);

type Loaded = { readonly place: string; readonly index: Buffer };

/** The newest Release of the corpus, as `sheaf upstream update` would have recorded it. */
async function load(history: HistoryDeps): Promise<Loaded> {
  const opened = await openSuite(corpus, suite);
  const file = join(corpus.directory, suite, 'InRelease');
  const text = await runChecked(['gpgv', '--keyring', corpus.keyring, '--output', '-', file]);
  const snapshotId = toSnapshotId(parseRelease(text, file).date);
  const release = Buffer.from(text);
  const index = await openIndex(corpus, opened, 'main/binary-amd64/Packages');
  if (index === undefined) throw new Error(`${suite} has no Packages`);
  const digest = sha256(index.bytes);
  await history.store.put(release, { sha256: sha256(release), split: 'lines' });
  await history.store.put(index.bytes, { sha256: digest, split: 'stanzas' });
  await recordSnapshot(history, {
    ...{ origin: 'debian', suite, snapshotId, release: sha256(release), seenAt: new Date(), signedBy: ['bench'] },
    indexes: [
      {
        ...{ path: index.path, kind: 'packages', component: 'main', architecture: 'amd64' },
        ...{ sha256: digest, size: index.bytes.length },
      },
    ],
  });
  return { place: `debian/${suite}@${snapshotId}`, index: index.bytes };
}

/** Names whose lock has so many packages, the same every time: they are added as long as apt agrees. */
async function choose(deps: CreateLockDeps, { place, index }: Loaded): Promise<string[]> {
  const names = [...index.toString('latin1').matchAll(/^Package: (\S+)$/gm)].map(([, name]) => name!);
  const shuffled = [...new Set(names)].map((name) => [sha256(`lock ${name}`), name] as const).toSorted();
  const chosen: string[] = [];
  for (let [at, locked] = [0, 0]; locked < wanted && at < shuffled.length; at += 5) {
    const more = shuffled.slice(at, at + 5).map(([, name]) => name);
    const result = await createLock(deps, specOf(place, [...chosen, ...more]));
    // A desktop behind one name would be all of it.
    if (result.kind !== 'locked' || result.locks[0]!.packages.length > wanted * 1.1) continue;
    chosen.push(...more);
    locked = result.locks[0]!.packages.length;
  }
  return chosen;
}

function specOf(place: string, packages: readonly string[]): LockSpec {
  return checkLockSpec({
    ...{ packages, from: [place], architectures: ['amd64'], variant: 'essential' },
    ...{ recommends: undefined, exclude: undefined },
  });
}

/** An apt that read the same index from a folder, and has made its cache. */
async function makePeer(directory: string, index: Buffer): Promise<string[]> {
  const dists = join(directory, 'tree/dists/bench');
  await mkdir(join(dists, 'main/binary-amd64'), { recursive: true });
  await writeFile(join(dists, 'main/binary-amd64/Packages'), index);
  const files = [{ path: 'main/binary-amd64/Packages', size: index.length, sha256: sha256(index) }];
  const release = {
    suite: 'bench',
    codename: 'bench',
    date: new Date(),
    architectures: ['amd64'],
    components: ['main'],
  };
  await writeFile(join(dists, 'Release'), formatRelease({ ...release, files }));
  const flags = await privateApt(
    join(directory, 'apt'),
    {
      ...{ Types: 'deb', URIs: `file:${join(directory, 'tree')}`, Suites: 'bench', Components: 'main' },
      ...{ Architectures: 'amd64', Trusted: 'yes' },
    },
    {
      'APT::Architecture': 'amd64',
      // Containers tell apt to keep no cache and to compress indexes, which is not what is measured here.
      'Dir::Cache::pkgcache': 'pkgcache.bin',
      'Acquire::GzipIndexes': 'false',
    },
  );
  await runChecked(['apt-get', '--quiet', ...flags, 'update'], { env: hostEnvironment });
  await stat(join(directory, 'apt/cache/pkgcache.bin'));
  return flags;
}

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-bench-lock-'));
  const cluster = await startCluster(join(directory, 'postgres'));
  const connection = connect(cluster.connection);
  try {
    await migrate(connection.db);
    const store = await openIndexStore(join(directory, 'history'));
    const history: HistoryDeps = { db: connection.db, store, countChanges };
    const loaded = await load(history);
    const distribution = seedDistribution({
      suites: new Map(),
      upstreams: new Map([seedUpstream('debian', { suites: [suite] })].map((each) => [each.name, each])),
    });
    const read = async (hash: Parameters<typeof store.read>[0]) => store.read(hash);
    const solver = createSnapshotApt({ directory: join(directory, 'snapshots'), read });
    const deps: CreateLockDeps = { db: connection.db, distribution, solver };
    const first = await spent(async () => createLock(deps, specOf(loaded.place, ['hello'])));
    const packages = await choose(deps, loaded);
    say(`${packages.length} packages`);
    const flags = await makePeer(directory, loaded.index);
    const essential = [...loaded.index.toString('latin1').matchAll(/^Package: (\S+)$(?:\n.+)*?\nEssential: yes$/gm)].map(([, name]) => name!); // prettier-ignore
    const askPeer = async (...what: string[]) =>
      run(
        [
          'apt-get',
          '--quiet',
          '--no-install-recommends',
          ...what,
          ...flags,
          'install',
          '--',
          ...essential,
          ...packages,
        ],
        {
          env: hostEnvironment,
        },
      );
    const ours = async () => {
      const result = await createLock(deps, specOf(loaded.place, packages));
      if (result.kind !== 'locked') throw new Error(result.explanation);
      await writeFile(join(directory, 'bench.lock'), formatLock(...result.locks));
      return result.locks[0]!.packages.map(({ name, version }) => `${name} ${version}`);
    };
    const [mine, simulated, listed]: [Spent[], Spent[], Spent[]] = [[], [], []];
    let locked = 0;
    for (let round = -1; round < rounds; round += 1) {
      const a = await spent(ours);
      const b = await spent(async () => askPeer('-s'));
      const c = await spent(async () => askPeer('--print-uris', '--yes'));
      const installed = [...b.result.stdout.toString().matchAll(/^Inst (\S+) \((\S+) /gm)].map(
        (m) => `${m[1]} ${m[2]}`,
      );
      if (installed.toSorted().join() !== a.result.toSorted().join()) throw new Error('the answers differ');
      locked = a.result.length;
      // The first round of each warms the page cache.
      if (round < 0) continue;
      mine.push(a);
      simulated.push(b);
      listed.push(c);
    }
    const of = (list: readonly Spent[], what: keyof Spent) => median(list.map((each) => each[what]));
    await publishReport(
      {
        bench: 'lock',
        title: `A lock of ${locked} packages (${packages.length} that are named, and what they need), from a kept snapshot of ${suite}`,
        peer: 'apt-get -s',
        rows: [
          { what: 'lock create, wall', ours: of(mine, 'wall'), peer: of(simulated, 'wall'), unit: 's', aim: '≤ 1.3' },
          { what: 'lock create, CPU', ours: of(mine, 'cpu'), peer: of(simulated, 'cpu'), unit: 's', aim: '≤ 1.3' },
          { what: 'beside --print-uris, wall', ours: of(mine, 'wall'), peer: of(listed, 'wall'), unit: 's' },
          { what: 'beside --print-uris, CPU', ours: of(mine, 'cpu'), peer: of(listed, 'cpu'), unit: 's' },
          { what: 'first lock from a snapshot, wall', ours: first.wall, unit: 's' },
          { what: 'first lock from a snapshot, CPU', ours: first.cpu, unit: 's' },
        ],
        notes: [
          `Medians of ${rounds} rounds, both in turn; both answers are the same packages and versions, which is checked.`,
          '`apt-get -s` also plays the order of all steps, which is most of its time; `apt-get --print-uris` only chooses, as ours does.',
          'Ours asks the database for the snapshot, runs apt, reads every stanza and writes the lock; of the command, the start of Node and of the database is not in it.',
          'The first lock restores the index from the history and lets apt make its cache.',
        ],
      },
      options,
    );
    await store.close();
  } finally {
    await connection.close();
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

await main();
