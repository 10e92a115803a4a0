/**
 * Pages over whole Debian suites: how long one takes to make, from the question to the last byte of HTML, with bookworm,
 * trixie and sid (main, amd64 and sources) recorded. Random packages, and those that everything depends on.
 *
 *     ./run bench pages [--json] [--write] [--packages 300] [--directory DIR]
 *
 * With --directory what was loaded is kept there, and used again by the next run.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { sql } from 'kysely';

import { webPages, type WebDeps } from '../src/apps/web/mod.ts';
import { countChanges } from '../src/compare/mod.ts';
import { connect, migrate, type Db } from '../src/db/connect.ts';
import { listen } from '../src/db/notify.ts';
import { comparePlaces, ComparisonMemory } from '../src/flows/compare-places.ts';
import { findSnapshot, recordSnapshot, type HistoryDeps } from '../src/history/mod.ts';
import { parseRelease } from '../src/formats/deb/release.ts';
import { sha256 } from '../src/kit/digest.ts';
import type { IndexContent, IndexKind } from '../src/model/index-history.ts';
import { toSnapshotId } from '../src/model/names.ts';
import { Blobs } from '../src/plumbing/blobs.ts';
import { openIndexStore } from '../src/plumbing/history/store.ts';
import { startCluster } from '../src/plumbing/postgres/cluster.ts';
import { runChecked } from '../src/plumbing/process.ts';
import { seedUpstream } from '../test/seed-history.ts';
import { seedDistribution } from '../test/seed.ts';
import { openIndex, openSuite } from '../tools/corpus/archive.ts';
import { publishReport, reportFlags, type ReportRow } from './report.ts';
import { benchCorpus } from './corpus.ts';

const { values: options } = parseArgs({
  options: { ...reportFlags, packages: { type: 'string', default: '300' }, directory: { type: 'string' } },
});
const packages = Number(options.packages);
const suites = ['bookworm', 'trixie', 'sid'];
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const aim = '≤ 50 at p99';

const known: readonly (readonly [string, IndexKind, string])[] = [
  ['main/binary-amd64/Packages', 'packages', 'amd64'],
  ['main/source/Sources', 'sources', 'source'],
];

/** Every suite once, as its Release file says it; what is recorded already is passed over. */
async function load(history: HistoryDeps): Promise<void> {
  const corpus = benchCorpus(say);
  for (const name of suites) {
    const suite = await openSuite(corpus, name);
    const file = join(corpus.directory, name, 'InRelease');
    const text = await runChecked(['gpgv', '--keyring', corpus.keyring, '--output', '-', file]);
    const release = parseRelease(text, file);
    const snapshotId = toSnapshotId(release.date);
    if ((await findSnapshot(history.db, { origin: 'debian', suite: name }, snapshotId)) !== undefined) continue;
    const indexes: IndexContent[] = [];
    for (const [path, kind, architecture] of known) {
      const index = await openIndex(corpus, suite, path);
      if (index === undefined) throw new Error(`${name} has no ${path}`);
      const digest = sha256(index.bytes);
      await history.store.put(index.bytes, { sha256: digest, split: 'stanzas' });
      indexes.push({ path, kind, component: 'main', architecture, sha256: digest, size: index.bytes.length });
    }
    const started = performance.now();
    await recordSnapshot(history, {
      ...{ origin: 'debian', suite: name, snapshotId, indexes },
      seenAt: new Date(),
      signedBy: [],
    });
    say(`${name}: recorded in ${Math.round(performance.now() - started)} ms`);
  }
  await sql`vacuum analyze`.execute(history.db);
}

/** Names that are in some suite, whichever the database finds. */
async function randomNames(db: Db, kind: 'binary' | 'source', count: number): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select name from (select distinct name from stanza where kind = ${kind}) as names
    order by md5(name || 'sheaf') limit ${count}`.execute(db);
  return rows.map((row) => row.name);
}

type Kind = { readonly what: string; readonly paths: readonly string[]; readonly aim?: string };

async function kindsOfPages(db: Db): Promise<Kind[]> {
  const [binaries, sources] = [await randomNames(db, 'binary', packages), await randomNames(db, 'source', packages)];
  const famous = [
    'libc6',
    'libc6-dev',
    'python3',
    'perl',
    'bash',
    'debconf',
    'libstdc++6',
    'dpkg',
    'systemd',
    'linux-image-amd64',
  ];
  const big = [
    'linux',
    'glibc',
    'gcc-12',
    'gcc-14',
    'llvm-toolchain-19',
    'texlive-extra',
    'libreoffice',
    'kde-l10n',
    'boost1.83',
    'rustc',
  ];
  const each = (names: readonly string[], path: (name: string, suite: string) => string) =>
    names.map((name, index) => path(encodeURIComponent(name), suites[index % suites.length]!));
  const times = (count: number, path: string) => Array.from({ length: count }, () => path);
  return [
    { what: 'binary package', paths: each(binaries, (name) => `/binary/${name}`), aim },
    {
      what: 'binary package in a suite',
      paths: each(binaries, (name, suite) => `/binary/${name}?in=debian/${suite}`),
      aim,
    },
    {
      what: 'binary package that much depends on',
      paths: times(10, '').flatMap(() => each(famous, (name) => `/binary/${name}`)),
      aim,
    },
    { what: 'source package', paths: each(sources, (name) => `/source/${name}`), aim },
    {
      what: 'source package of many binaries',
      paths: times(10, '').flatMap(() => each(big, (name) => `/source/${name}`)),
      aim,
    },
    { what: 'no such package', paths: each(binaries, (name) => `/binary/${name}x0y`), aim },
    { what: 'search, beginning of a name', paths: each(binaries, (name) => `/search?q=${name.slice(0, 4)}`), aim },
    { what: 'upstreams', paths: times(100, '/upstreams'), aim },
    { what: 'a suite of an upstream', paths: each(times(100, 'x'), (_, suite) => `/upstream/debian/${suite}`), aim },
    { what: 'comparison, first page, again', paths: times(100, '/compare?a=debian/bookworm&b=debian/trixie'), aim },
  ];
}

/** The time that at most this share of all needs. */
function quantile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!;
}

async function measure(deps: WebDeps): Promise<ReportRow[]> {
  const pages = webPages(deps);
  const rows: ReportRow[] = [];
  const ask = async (path: string): Promise<number> => {
    const started = performance.now();
    const response = await pages.app.request(path);
    const html = await response.text();
    const took = performance.now() - started;
    if (response.status === 500) throw new Error(`${path} broke: ${html.slice(-600)}`);
    return took;
  };
  try {
    // The first comparison is made, and kept; a process that has just started compiles its code.
    const [first] = [await ask('/compare?a=debian/bookworm&b=debian/trixie')];
    rows.push({ what: 'comparison of bookworm with trixie, the first time', ours: first, unit: 'ms' });
    for (const path of ['/upstreams', '/binary/apt', '/source/apt', '/search?q=apt']) await ask(path);
    for (const kind of await kindsOfPages(deps.db)) {
      const times: number[] = [];
      let slowest = { path: '', took: 0 };
      for (const path of kind.paths) {
        const took = await ask(path);
        times.push(took);
        if (took > slowest.took) slowest = { path, took };
      }
      say(`${kind.what}: slowest ${Math.round(slowest.took)} ms, ${slowest.path}`);
      rows.push({ what: `${kind.what}, p50 of ${times.length}`, ours: quantile(times, 0.5), unit: 'ms' });
      rows.push({
        what: `${kind.what}, p99`,
        ours: quantile(times, 0.99),
        unit: 'ms',
        ...(kind.aim && { aim: kind.aim }),
      });
    }
  } finally {
    await pages.close();
  }
  return rows;
}

async function main(): Promise<void> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'sheaf-bench-')));
  await mkdir(directory, { recursive: true });
  const cluster = await startCluster(join(directory, 'postgres'));
  const { db, pool, close } = connect(cluster.connection, { max: 20 });
  try {
    await migrate(db);
    const store = await openIndexStore(join(directory, 'history'));
    const history: HistoryDeps = { db, store, countChanges };
    await load(history);
    const distribution = seedDistribution({
      suites: new Map(),
      upstreams: new Map([seedUpstream('debian', { suites })].map((each) => [each.name, each])),
    });
    const memory = new ComparisonMemory();
    const rows = await measure({
      ...{ db, distribution, history },
      blobs: new Blobs(join(directory, 'blobs')),
      now: () => new Date(),
      listen: (channels, onMessage, onReconnect) => listen(pool, channels, onMessage, onReconnect),
      archive: { keys: async () => [], publicKey: async () => '', aptSources: async () => '' },
      countLocked: async () => undefined,
      storeNumbers: () => store.stats(),
      compare: (a, b, wanted) => comparePlaces({ history: { ...history, distribution }, memory }, a, b, wanted),
      // Nobody signs in here.
      actions: {} as WebDeps['actions'],
      report: (error) => console.error(error),
    });
    await store.close();
    await publishReport(
      {
        bench: 'pages',
        title: 'Web pages over bookworm, trixie and sid (main, amd64 and sources)',
        rows,
        notes: [
          'From the question to the last byte of HTML in the server process, without the network; one question at a time.',
          'Every name is asked once; the famous ones ten times. Caches of the process and of PostgreSQL are warm from loading.',
        ],
      },
      options,
    );
  } finally {
    await close();
    await cluster.stop();
    if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
  }
}

await main();
