/**
 * Taking real `.deb`s into an empty archive and publishing them, in CPU seconds: ours with PostgreSQL and everything it
 * starts, beside reprepro, aptly and apt-ftparchive, all with the same files in the same run, with and without Contents.
 *
 *     ./run bench include [--packages N] [--json] [--write]
 *
 * The packages are of bookworm's main, spread over the alphabet; they stay in ~/.cache/sheaf/bench/include.
 */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';

import { pathsOf } from '../src/apps/paths.ts';
import { formatStanza } from '../src/formats/deb/deb822.ts';
import { scanStanzas } from '../src/formats/deb/index-scan.ts';
import { startCluster } from '../src/plumbing/postgres/cluster.ts';
import { hostEnvironment, run } from '../src/plumbing/process.ts';
import { openIndex, openSuite } from '../tools/corpus/archive.ts';
import { benchCorpus, debianMirror } from './corpus.ts';
import { progress, spent, treeCpu, type Spent } from './measure.ts';
import { publishReport, reportFlags, type ReportRow } from './report.ts';

const { values: options } = parseArgs({ options: { ...reportFlags, packages: { type: 'string', default: '300' } } });

const sheaf = join(import.meta.dirname, '../sheaf');
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
    'Ours: `sheaf suite include` of all at once, with a made-up .dsc of each source: its start, checks, one publication, signed, .xz and .gz, all flushed to the disk, and the CPU of its PostgreSQL, which was running.',
    'reprepro: includedeb of all at once, Packages and Packages.gz; aptly: repo add, then publish repo without .bz2; neither signs. apt-ftparchive: packages, release and contents, compressed by gzip and xz.',
  ];
  const title = 'Real packages taken into an empty archive and published';
  await publishReport({ bench: 'include', title, peer: 'peer', rows, notes }, options);
}

async function fetchDebs(count: number): Promise<RealDeb[]> {
  const corpus = benchCorpus(progress);
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
    await fetchFile(`${debianMirror}/${get('Filename')!}`, file, get('SHA256')!);
    found.push({ file, name, source: source!, sourceVersion: version ?? get('Version')! });
    at += step - 1;
  }
  return found;
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function fetchFile(url: string, path: string, digest: string): Promise<void> {
  const there = await readFile(path).catch(() => undefined);
  if (there !== undefined && hash(there) === digest) return;
  const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (hash(bytes) !== digest) throw new Error(`${url}: its SHA-256 is not that of the index`);
  await writeFile(`${path}.tmp`, bytes);
  await rename(`${path}.tmp`, path);
}

/** One command in a process of its own; the database is running, as it is on a server. */
async function measureOurs(debs: readonly RealDeb[], contents: boolean): Promise<Spent> {
  return inFolder(async (directory) => {
    const house = join(directory, 'house');
    await check([sheaf, 'init', house]);
    await writeFile(join(house, 'sheaf.toml'), settings(contents));
    const state = pathsOf(house).postgres;
    const cluster = await startCluster(state);
    try {
      await check([sheaf, '-C', house, 'suite', 'publish', 'stable']);
      const files = await writeUploads(join(directory, 'files'), debs);
      const pid = Number((await readFile(join(state, 'data/postmaster.pid'), 'utf8')).split('\n')[0]);
      return await spent(
        () => check([sheaf, '-C', house, 'suite', 'include', 'stable', '--unsigned', ...files]),
        () => treeCpu([pid]),
      );
    } finally {
      await cluster.stop({ always: true });
    }
  });
}

function settings(contents: boolean): string {
  return `name = "Bench"
url = "http://127.0.0.1:9"
listen = "127.0.0.1:9"
[upstream.bookworm]
url = "${debianMirror}"
suites = ["bookworm"]
components = ["main"]
keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
[repository.main]
[suite.stable]
repository = "main"
upstream = "bookworm"
architectures = ["amd64"]
contents = ${contents}
translation = false
pdiffs = 0
`;
}

/** Returns the `.dsc` and `.deb` files: each package needs its source in the archive. */
async function writeUploads(directory: string, debs: readonly RealDeb[]): Promise<string[]> {
  await mkdir(directory);
  const files: string[] = [];
  for (const binaries of Map.groupBy(debs, (each) => `${each.source} ${each.sourceVersion}`).values()) {
    files.push(await writeSource(directory, binaries[0]!, binaries));
    for (const { file } of binaries) {
      files.push(join(directory, basename(file).replace(/_\d+%3a/, '_')));
      await copyFile(file, files.at(-1)!);
    }
  }
  return files;
}

/** What the archive wants to know of it is what it builds; its tarball is a few bytes. */
async function writeSource(
  directory: string,
  { source, sourceVersion }: RealDeb,
  binaries: readonly RealDeb[],
): Promise<string> {
  const plain = sourceVersion.replace(/^\d+:/, '');
  const tarball = Buffer.from(`tree of ${source} ${sourceVersion}`);
  await writeFile(join(directory, `${source}_${plain}.tar.xz`), tarball);
  const text = formatStanza([
    ['Format', '3.0 (native)'],
    ['Source', source],
    ['Binary', binaries.map((each) => each.name).join(', ')],
    ['Architecture', 'any all'],
    ['Version', sourceVersion],
    ['Maintainer', 'Bench <bench@example.org>'],
    ['Checksums-Sha256', `\n${hash(tarball)} ${tarball.length} ${source}_${plain}.tar.xz`],
  ]);
  const file = join(directory, `${source}_${plain}.dsc`);
  await writeFile(file, text);
  return file;
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

/** With a home, as everybody has one: ours keeps its compiled modules there. */
async function check(argv: readonly [string, ...string[]]): Promise<void> {
  const env = { ...hostEnvironment, HOME: homedir() };
  const { code, stderr } = await run([...argv], { limit: 2 ** 28, timeout: 10 * 60_000, env });
  if (code !== 0) throw new Error(`${argv.slice(0, 4).join(' ')}: ${stderr.slice(-2000)}`);
}

await main();
