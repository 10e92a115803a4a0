/**
 * Learning of whole suites: bookworm, trixie and sid (main, amd64 and Sources) into an empty distribution by
 * `sheaf upstream update`, beside `apt-get update` and aptly with the same indexes from the same server. Then 200 more
 * versions of trixie, and where a package version was in them.
 *
 *     ./run bench load [--json] [--write] [--snapshots 200] [--changes 300]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { sheafCommand } from '../src/apps/demo/processes.ts';
import { runTool } from '../src/apps/demo/tool.ts';
import { countChanges } from '../src/compare/mod.ts';
import { connect } from '../src/db/connect.ts';
import { readEntry } from '../src/formats/deb/index-entry.ts';
import { scanStanzas } from '../src/formats/deb/index-scan.ts';
import {
  entriesAt,
  indexesAt,
  listTrackedSuites,
  recordSnapshot,
  relationsTo,
  searchNames,
  whereWas,
  type HistoryDeps,
} from '../src/history/mod.ts';
import { sha256 } from '../src/kit/digest.ts';
import { snapshotTime, toSnapshotId } from '../src/model/names.ts';
import { openIndexStore } from '../src/plumbing/history/store.ts';
import { startCluster } from '../src/plumbing/postgres/cluster.ts';
import { hostEnvironment } from '../src/plumbing/process.ts';
import { childrenCpu, median, progress, treeCpu } from './measure.ts';
import { aptUpdate } from './peers/load-apt.ts';
import { aptlyMirror } from './peers/load-aptly.ts';
import { startMirror } from './peers/load-mirror.ts';
import { publishReport, reportFlags, type ReportRow } from './report.ts';

const { values: options } = parseArgs({
  options: {
    ...reportFlags,
    snapshots: { type: 'string', default: '200' },
    changes: { type: 'string', default: '300' },
  },
});
const suites = ['bookworm', 'trixie', 'sid'];
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sheaf/bench/load');

async function main(): Promise<void> {
  const mirror = await startMirror(cache, suites);
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-bench-'));
  try {
    progress('apt-get update');
    const apt = await measure([await aptUpdate(join(directory, 'apt'), mirror.url, suites)]);
    progress('aptly mirror create and update');
    const aptly = await measure(await aptlyMirror(join(directory, 'aptly'), mirror.url, suites));
    await runTool([sheafCommand, 'init', join(directory, 'sheaf')]);
    await writeFile(join(directory, 'sheaf/sheaf.toml'), settings(mirror.url));
    const rows = await ours(join(directory, 'sheaf'), { apt, aptly });
    await publishReport(
      {
        bench: 'load',
        title: `Learning of ${suites.join(', ')} (main, amd64 and Sources), and asking where a version was`,
        peer: 'apt-get update',
        rows,
        notes: [
          'All fetch the same .xz files from one server on this machine, whose own work is not counted, into empty folders.',
          'CPU is that of all processes, PostgreSQL among them. Memory is the largest sum of proportional set sizes (PSS) at a time, looked at ten times a second.',
          'apt verifies the Release files, keeps the indexes uncompressed and builds its caches. Ours verifies them too, keeps every stanza in the store, keeps the compressed files, and fills PostgreSQL.',
          `aptly: mirror create with a filter that nothing passes, and mirror update, so that it fetches and reads the indexes and downloads no package; ${formatSpent(aptly)}; its signature check is off.`,
          `The ${options.snapshots} further versions of trixie are replayed: each has some ${options.changes} stanzas of Packages as sid has them, or again as trixie has them.`,
          'Questions are asked through the functions that the pages and the API use, one after the other, of packages that changed and of any others.',
        ],
      },
      options,
    );
  } finally {
    mirror.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

function settings(url: string): string {
  return `name = "Bench"
[git]
[upstream.debian]
url = "${url}"
suites = ${JSON.stringify(suites)}
components = ["main"]
architectures = ["amd64"]
keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
expired = "accept"
[repository.main]
[suite.stable]
repository = "main"
upstream = "debian"
description = "Nothing"
architectures = ["amd64"]
distributions = ["stable"]
`;
}

type Peers = { readonly apt: Spent; readonly aptly: Spent };

async function ours(directory: string, { apt, aptly }: Peers): Promise<ReportRow[]> {
  const postgres = join(directory, 'state/postgres');
  await mkdir(join(directory, 'state'), { recursive: true });
  const cluster = await startCluster(postgres);
  const { db, close } = connect(cluster.connection, { max: 4 });
  try {
    const database = Number((await readFile(join(postgres, 'data/postmaster.pid'), 'utf8')).split('\n')[0]);
    progress('sheaf upstream update');
    const load = await measure([[sheafCommand, '-C', directory, 'upstream', 'update', 'debian']], database);
    const store = await openIndexStore(join(directory, 'state/history'));
    const deps: HistoryDeps = { db, store, countChanges };
    const replayed = await replay(deps, database);
    const times = await ask(deps, replayed.names);
    await store.close();
    return [
      { what: 'first load, CPU', ours: load.cpu, peer: apt.cpu, unit: 's', aim: '≤ 60 s' },
      { what: 'first load, wall', ours: load.wall, peer: apt.wall, unit: 's' },
      { what: 'first load, memory', ours: load.memory / 1e6, peer: apt.memory / 1e6, unit: 'MB', aim: '≤ 500 MB' },
      { what: 'first load, memory of PostgreSQL at that moment', ours: load.beside / 1e6, unit: 'MB' },
      { what: 'first load, CPU; here the peer is aptly', ours: load.cpu, peer: aptly.cpu, unit: 's' },
      {
        what: 'first load, memory; here the peer is aptly',
        ours: load.memory / 1e6,
        peer: aptly.memory / 1e6,
        unit: 'MB',
      },
      { what: 'a further version, into the store, CPU', ours: replayed.put, unit: 's' },
      { what: 'a further version, into PostgreSQL, CPU', ours: replayed.record, unit: 's', aim: '≤ 0.3 s' },
      ...[...times].flatMap(([what, { p50, p99, aim }]): ReportRow[] => [
        { what: `${what}, p50`, ours: p50, unit: 'ms' },
        { what: `${what}, p99`, ours: p99, unit: 'ms', ...(aim === undefined ? {} : { aim }) },
      ]),
    ];
  } finally {
    await close();
    await cluster.stop({ always: true });
  }
}

// --- what a command costs ---

/** Seconds and bytes. */
type Spent = {
  readonly wall: number;
  readonly cpu: number;
  readonly memory: number;
  /** Of `memory`, what the process beside had. */
  readonly beside: number;
};

/** Runs commands one after the other. `beside`: a process that works for them, with its children. */
async function measure(commands: readonly (readonly string[])[], beside?: number): Promise<Spent> {
  const started = performance.now();
  const cpu = childrenCpu() + besideCpu(beside);
  let [memory, besideMemory] = [0, 0];
  for (const [program, ...args] of commands) {
    const child = spawn(program!, args, {
      env: { ...hostEnvironment, HOME: tmpdir() },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk));
    const ended = once(child, 'close') as Promise<[number]>;
    let running = true;
    const sampled = (async () => {
      while (running) {
        const other = beside === undefined ? 0 : await treeMemory([beside]);
        const all = other + (await treeMemory([child.pid!]));
        if (all > memory) [memory, besideMemory] = [all, other];
        await sleep(100);
      }
    })();
    const [code] = await ended;
    running = false;
    await sampled;
    if (code !== 0) throw new Error(`${program} ended with exit code ${code}: ${said.slice(-2000)}`);
    progress(said.trim().split('\n').slice(-6).join('\n'));
  }
  return {
    wall: (performance.now() - started) / 1000,
    cpu: childrenCpu() + besideCpu(beside) - cpu,
    memory,
    beside: besideMemory,
  };
}

function besideCpu(pid: number | undefined): number {
  return pid === undefined ? 0 : treeCpu([pid]);
}

/** Sum of the proportional set sizes of processes and everything below them: shared pages count once. */
async function treeMemory(roots: readonly number[]): Promise<number> {
  let sum = 0;
  for (const pid of roots) {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
    sum += Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    sum += await treeMemory(children.split(' ').filter(Boolean).map(Number));
  }
  return sum;
}

function formatSpent({ wall, cpu, memory }: Spent): string {
  return `${wall.toFixed(1)} s of wall time, ${cpu.toFixed(1)} s of CPU, ${Math.round(memory / 1e6)} MB`;
}

// --- further versions ---

async function replay(deps: HistoryDeps, database: number) {
  const [count, changes] = [Number(options.snapshots), Number(options.changes)];
  progress(`recording ${count} further versions of trixie`);
  const newest = (await listTrackedSuites(deps.db)).find(({ suite }) => suite === 'trixie')!;
  const indexes = await indexesAt(deps.db, { ...newest, snapshotId: newest.newest });
  const packages = indexes.find(({ kind }) => kind === 'packages')!;
  const stanzas = await pairedStanzas(deps, packages.sha256);
  const names = new Set<string>();
  const spent = { put: [] as number[], record: [] as number[] };
  let last = packages.sha256;
  const random = seeded(7);
  for (let number = 1; number <= count; number++) {
    for (let change = 0; change < changes; change++) {
      const stanza = stanzas[Math.floor(random() * stanzas.length)]!;
      [stanza.now, stanza.other] = [stanza.other, stanza.now];
      names.add(stanza.name);
    }
    const bytes = Buffer.concat(stanzas.map(({ now }) => now));
    const digest = sha256(bytes);
    const before = cpuSeconds(database);
    await deps.store.put(bytes, { sha256: digest, split: 'stanzas', successorOf: last });
    const stored = cpuSeconds(database);
    last = digest;
    const snapshotId = toSnapshotId(new Date(snapshotTime(newest.newest).getTime() + number * 6 * 3600_000));
    const others = indexes.filter((index) => index !== packages);
    await recordSnapshot(deps, {
      ...{ origin: newest.origin, suite: newest.suite, snapshotId, seenAt: new Date(), signedBy: [] },
      indexes: [...others, { ...packages, sha256: digest, size: bytes.length }],
    });
    spent.put.push(stored - before);
    spent.record.push(cpuSeconds(database) - stored);
  }
  return { names: [...names], put: median(spent.put), record: median(spent.record) };
}

function cpuSeconds(database: number): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6 + treeCpu([database]);
}

type Pair = { readonly name: string; now: Buffer; other: Buffer };

/** Stanzas of trixie, each with what sid has of the same package, or with itself. */
async function pairedStanzas(deps: HistoryDeps, trixie: Parameters<typeof deps.store.read>[0]): Promise<Pair[]> {
  const tracked = (await listTrackedSuites(deps.db)).find(({ suite }) => suite === 'sid')!;
  const sid = (await indexesAt(deps.db, { ...tracked, snapshotId: tracked.newest })).find(
    ({ kind }) => kind === 'packages',
  )!;
  const known = new Map<string, Buffer>();
  for (const { key, bytes } of stanzasOf(await deps.store.read(sid.sha256))) known.set(key, bytes);
  return [...stanzasOf(await deps.store.read(trixie))].map(({ name, key, bytes }) => ({
    ...{ name, now: bytes, other: known.get(key) ?? bytes },
  }));
}

function* stanzasOf(index: Buffer) {
  for (const { start, end } of scanStanzas(index)) {
    const bytes = index.subarray(start, end);
    const entry = readEntry(bytes, 'binary');
    if (entry !== undefined) yield { name: entry.name, key: `${entry.name} ${entry.architecture}`, bytes };
  }
}

/** The same numbers in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

// --- questions ---

type Times = { readonly p50: number; readonly p99: number; readonly aim?: string };

async function ask(deps: HistoryDeps, changed: readonly string[]): Promise<ReadonlyMap<string, Times>> {
  progress('asking');
  const { db } = deps;
  const trixie = (await listTrackedSuites(db)).find(({ suite }) => suite === 'trixie')!;
  const ref = { ...trixie, snapshotId: trixie.newest };
  const all = (await entriesAt(deps, ref, { kind: 'binary' })).map(({ name }) => name);
  const random = seeded(11);
  const any = (names: readonly string[]) => names[Math.floor(random() * names.length)]!;
  const times = async (count: number, question: () => Promise<unknown>, aim?: string): Promise<Times> => {
    const taken: number[] = [];
    await question();
    for (let number = 0; number < count; number++) {
      const started = performance.now();
      await question();
      taken.push(performance.now() - started);
    }
    const sorted = taken.toSorted((a, b) => a - b);
    const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
    return { p50: at(0.5), p99: at(0.99), ...(aim === undefined ? {} : { aim }) };
  };
  return new Map([
    [
      'where was a package that changed, and when',
      await times(1000, () => whereWas(db, { name: any(changed) }), '≤ 20 ms'),
    ],
    ['where was any package, and when', await times(1000, () => whereWas(db, { name: any(all) }), '≤ 20 ms')],
    ['where was a source package with its binaries', await times(300, () => whereWas(db, { source: any(all) }))],
    ['who names libc6, first page', await times(100, () => relationsTo(db, { target: 'libc6', ref, limit: 100 }))],
    [
      'who names any package, first page',
      await times(300, () => relationsTo(db, { target: any(all), ref, limit: 100 })),
    ],
    ['a page of all packages', await times(300, () => entriesAt(deps, ref, { after: any(all), limit: 100 }))],
    ['names that begin so', await times(300, () => searchNames(db, { prefix: any(all).slice(0, 3), limit: 20 }))],
  ]);
}

await main();
