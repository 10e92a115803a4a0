/**
 * Taking real `.deb`s into an empty archive and publishing them, in CPU seconds: ours with PostgreSQL and everything it
 * starts, beside reprepro, aptly and apt-ftparchive, all with the same files in the same run, with and without Contents.
 *
 *     ./run bench include [--packages N] [--json] [--write]
 *
 * The packages are of bookworm's main, spread over the alphabet; they stay in ~/.cache/sheaf/bench/include.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';

import { acceptUpload, publishSuite } from '../src/archive/mod.ts';
import { connect, migrate } from '../src/db/connect.ts';
import { formatStanza } from '../src/formats/deb/deb822.ts';
import { scanStanzas } from '../src/formats/deb/index-scan.ts';
import { startCluster } from '../src/plumbing/postgres/cluster.ts';
import { run } from '../src/plumbing/process.ts';
import { createSigningKey } from '../src/plumbing/signer.ts';
import { store, toyDeps } from '../test/toy-archive.ts';
import { openIndex, openSuite } from '../tools/corpus/archive.ts';
import { childrenCpu, progress, treeCpu, type Spent } from './measure.ts';
import { publishReport, reportFlags, type ReportRow } from './report.ts';

const { values: options } = parseArgs({ options: { ...reportFlags, packages: { type: 'string', default: '300' } } });

const mirror = 'http://deb.debian.org/debian';
const cache = join(homedir(), '.cache/sheaf/bench/include');
/** Larger ones would measure the network and the disk. */
const mostBytes = 1e6;

type RealDeb = {
  readonly file: string;
  readonly name: string;
  readonly source: string;
  readonly sourceVersion: string;
};

async function main(): Promise<void> {
  const debs = await fetchDebs(Number(options.packages));
  const rows: ReportRow[] = [];
  for (const contents of [false, true]) {
    const what = contents ? 'with Contents' : 'without Contents';
    progress(`ours, ${what}`);
    const ours = await measureOurs(debs, contents);
    for (const [name, measure] of Object.entries({ reprepro, aptly, 'apt-ftparchive': ftparchive })) {
      progress(`${name}, ${what}`);
      const theirs = await inFolder((directory) => measure(directory, debs, contents));
      const row = { ours: ours.cpu, peer: theirs.cpu, unit: 's', aim: '≤ 1/2' };
      rows.push({ what: `${what}, CPU, beside ${name}`, ...row });
      rows.push({ what: '· wall', ours: ours.wall, peer: theirs.wall, unit: 's' });
    }
  }
  const notes = [
    `${debs.length} real packages of bookworm's main (amd64 and all), each of at most 1 MB, taken from a local folder.`,
    'Ours: each source with its binaries as one upload, checked; a made-up .dsc; then one publication, signed, .xz and .gz, all flushed to the disk, with the CPU of its PostgreSQL.',
    'reprepro: includedeb of all at once, Packages and Packages.gz; aptly: repo add, then publish repo without .bz2; neither signs. apt-ftparchive: packages, release and contents, compressed by gzip and xz.',
  ];
  const title = 'Real packages taken into an empty archive and published';
  await publishReport({ bench: 'include', title, peer: 'peer', rows, notes }, options);
}

async function fetchDebs(count: number): Promise<RealDeb[]> {
  const corpus = {
    directory: join(homedir(), '.cache/sheaf/corpus'),
    mirror,
    keyring: '/usr/share/keyrings/debian-archive-keyring.gpg',
    update: false,
    say: progress,
  };
  const suite = await openSuite(corpus, 'bookworm');
  const index = (await openIndex(corpus, suite, 'main/binary-amd64/Packages'))!.bytes;
  const stanzas = [...scanStanzas(index)];
  const decoder = new TextDecoder();
  const step = Math.floor(stanzas.length / count);
  await mkdir(cache, { recursive: true });
  const found: RealDeb[] = [];
  for (let at = 0; found.length < count && at < stanzas.length; at++) {
    const { start, end } = stanzas[at]!;
    const text = decoder.decode(index.subarray(start, end));
    const get = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1];
    if (Number(get('Size')) > mostBytes) continue;
    const name = get('Package')!;
    const [, source, version] = /^(\S+)(?: \((.*)\))?$/.exec(get('Source') ?? name)!;
    const file = join(cache, basename(get('Filename')!));
    await fetchFile(`${mirror}/${get('Filename')!}`, file, get('SHA256')!);
    found.push({ file, name, source: source!, sourceVersion: version ?? get('Version')! });
    at += step - 1;
  }
  return found;
}

async function fetchFile(url: string, path: string, digest: string): Promise<void> {
  const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  const there = await readFile(path).catch(() => undefined);
  if (there !== undefined && hash(there) === digest) return;
  const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (hash(bytes) !== digest) throw new Error(`${url}: its SHA-256 is not that of the index`);
  await writeFile(`${path}.tmp`, bytes);
  await rename(`${path}.tmp`, path);
}

async function measureOurs(debs: readonly RealDeb[], contents: boolean): Promise<Spent> {
  return inFolder(async (directory) => {
    const cluster = await startCluster(join(directory, 'postgres'));
    const connection = connect(cluster.connection);
    try {
      await migrate(connection.db);
      await createSigningKey(join(directory, 'main.asc'), { name: 'Bench' }, new Date('2026-01-01T00:00:00Z'));
      const deps = toyDeps(directory, connection.db, { contents });
      const pid = Number((await readFile(join(directory, 'postgres/data/postmaster.pid'), 'utf8')).split('\n')[0]);
      return await spent(
        async () => {
          const sources = Map.groupBy(debs, (each) => `${each.source} ${each.sourceVersion}`);
          for (const binaries of sources.values()) {
            const { source, sourceVersion } = binaries[0]!;
            const files = await sourceOf(deps.blobs, source, sourceVersion, binaries);
            for (const { file } of binaries)
              files.push(await store(deps.blobs, basename(file).replace(/_\d+%3a/, '_'), await readFile(file)));
            const request = {
              suite: 'stable',
              files,
              by: 'bench',
              component: 'main',
              newNames: 'accept',
              against: [],
            } as const;
            const answer = await acceptUpload(deps, request, new Date());
            if (answer.kind !== 'accepted') throw new Error(JSON.stringify(answer));
          }
          await publishSuite(deps, 'stable', new Date());
        },
        () => treeCpu([pid]),
      );
    } finally {
      await connection.close();
      await cluster.stop({ always: true });
    }
  });
}

type Blobs = ReturnType<typeof toyDeps>['blobs'];

/** What the archive wants to know of it is what it builds; its tarball is a few bytes. */
async function sourceOf(blobs: Blobs, source: string, version: string, binaries: readonly RealDeb[]) {
  const plain = version.replace(/^\d+:/, '');
  const tarball = await store(blobs, `${source}_${plain}.tar.xz`, `tree of ${source} ${version}`);
  const text = formatStanza([
    ['Format', '3.0 (native)'],
    ['Source', source],
    ['Binary', binaries.map((each) => each.name).join(', ')],
    ['Architecture', 'any all'],
    ['Version', version],
    ['Maintainer', 'Bench <bench@example.org>'],
    ['Checksums-Sha256', `\n${tarball.sha256} ${tarball.size} ${tarball.name}`],
  ]);
  return [await store(blobs, `${source}_${plain}.dsc`, text), tarball];
}

async function reprepro(directory: string, debs: readonly RealDeb[], contents: boolean): Promise<Spent> {
  await mkdir(join(directory, 'conf'));
  const suite = `Codename: stable\nArchitectures: amd64\nComponents: main\n${contents ? 'Contents: .gz\n' : ''}`;
  await writeFile(join(directory, 'conf/distributions'), suite);
  const files = debs.map((each) => each.file);
  return spent(() => check(['reprepro', '--silent', '--basedir', directory, 'includedeb', 'stable', ...files]));
}

async function aptly(directory: string, debs: readonly RealDeb[], contents: boolean): Promise<Spent> {
  const config = join(directory, 'aptly.conf');
  await writeFile(config, JSON.stringify({ rootDir: directory, architectures: ['amd64'], gpgDisableSign: true }));
  const command = (...args: string[]) => check(['aptly', `-config=${config}`, ...args]);
  return spent(async () => {
    await command('repo', 'create', '-distribution=stable', '-component=main', 'bench');
    await command('repo', 'add', 'bench', ...debs.map((each) => each.file));
    const flags = ['-skip-signing', '-skip-bz2', ...(contents ? [] : ['-skip-contents'])];
    await command('publish', 'repo', ...flags, '-architectures=amd64', 'bench');
  });
}

/** The folder it reads is the pool already. */
async function ftparchive(directory: string, debs: readonly RealDeb[], contents: boolean): Promise<Spent> {
  await mkdir(join(directory, 'pool'));
  return spent(async () => {
    await check(['cp', '-l', ...debs.map((each) => each.file), join(directory, 'pool')]).catch(() =>
      check(['cp', ...debs.map((each) => each.file), join(directory, 'pool')]),
    );
    for (const what of ['packages', ...(contents ? ['contents'] : [])]) {
      const { code, stdout, stderr } = await run(['apt-ftparchive', what, 'pool'], { cwd: directory, limit: 2 ** 28 });
      if (code !== 0) throw new Error(stderr);
      await writeFile(join(directory, what), stdout);
      await check(['gzip', '-9k', join(directory, what)]);
      await check(['xz', '-k', join(directory, what)]);
    }
    const { code, stderr } = await run(['apt-ftparchive', 'release', '.'], { cwd: directory, limit: 2 ** 24 });
    if (code !== 0) throw new Error(stderr);
  });
}

async function inFolder<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-bench-include-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** `others`: CPU seconds so far of processes that are nobody's children here. */
async function spent(work: () => Promise<unknown>, others: () => number = () => 0): Promise<Spent> {
  const cpu = process.cpuUsage();
  const before = childrenCpu() + others();
  const started = performance.now();
  await work();
  const wall = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { wall, cpu: (user + system) / 1e6 + childrenCpu() + others() - before };
}

async function check(argv: readonly [string, ...string[]]): Promise<void> {
  const { code, stderr } = await run([...argv], { limit: 2 ** 28, timeout: 10 * 60_000 });
  if (code !== 0) throw new Error(`${argv.slice(0, 4).join(' ')}: ${stderr.slice(-2000)}`);
}

await main();
