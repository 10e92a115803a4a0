/**
 * Comparing Debian: bookworm with trixie, and a snapshot with the one before (main, amd64 and Sources), in process as the
 * server does it, and from index files by the command. Beside us a dozen lines of python3-apt, and of python3-debian,
 * which is what debdiff's relatives are made of.
 *
 *     ./run bench diff [--json] [--write] [--runs 5] [--changes 300]
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { countChanges } from '../src/compare/mod.ts';
import { connect, migrate } from '../src/db/connect.ts';
import { comparePlaces, type CompareDeps, type PlaceComparison } from '../src/flows/compare-places.ts';
import { readEntry } from '../src/formats/deb/index-entry.ts';
import { scanStanzas } from '../src/formats/deb/index-scan.ts';
import { recordSnapshot, type HistoryDeps } from '../src/history/mod.ts';
import { sha256 } from '../src/kit/digest.ts';
import type { IndexContent, IndexName } from '../src/model/index-history.ts';
import { parseSnapshotId } from '../src/model/names.ts';
import { openIndexStore } from '../src/plumbing/history/store.ts';
import { indexFiles } from '../src/plumbing/index-files.ts';
import { startCluster } from '../src/plumbing/postgres/cluster.ts';
import { run } from '../src/plumbing/process.ts';
import { openIndex, openSuite } from '../tools/corpus/archive.ts';
import { benchCorpus } from './corpus.ts';
import { median } from './measure.ts';
import { publishReport, reportFlags, type ReportRow } from './report.ts';

const { values: options } = parseArgs({
  options: { ...reportFlags, runs: { type: 'string', default: '5' }, changes: { type: 'string', default: '300' } },
});
const runs = Number(options.runs);
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const checkout = join(import.meta.dirname, '..');

const packages: IndexName = {
  path: 'main/binary-amd64/Packages',
  kind: 'packages',
  component: 'main',
  architecture: 'amd64',
};
const sources: IndexName = { path: 'main/source/Sources', kind: 'sources', component: 'main', architecture: 'source' };

type Lists = { readonly packages: Buffer; readonly sources: Buffer };

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-bench-'));
  const cluster = await startCluster(join(directory, 'postgres'));
  const { host, user, database } = cluster.connection;
  const { db, close } = connect(`postgresql://${user}@/${database}?host=${encodeURIComponent(host)}`, { max: 4 });
  try {
    await migrate(db);
    const store = await openIndexStore(join(directory, 'history'));
    const history: HistoryDeps = { db, store, countChanges };
    const [bookworm, trixie] = [await readSuite('bookworm'), await readSuite('trixie')];
    const before = replay(trixie, bookworm, Number(options.changes));
    say('recording bookworm, trixie, and trixie as it was before');
    await record(history, 'bookworm', '20260101T000000Z', bookworm);
    await record(history, 'trixie', '20260101T000000Z', before.lists);
    await record(history, 'trixie', '20260102T000000Z', trixie);
    const files = {
      bookworm: await writeLists(join(directory, 'bookworm'), bookworm),
      before: await writeLists(join(directory, 'before'), before.lists),
      trixie: await writeLists(join(directory, 'trixie'), trixie),
    };
    const distribution = { suites: new Map(), upstreams: new Map() };
    const deps: CompareDeps = { history: { ...history, distribution }, files: indexFiles };
    const suites = await inProcess(() => comparePlaces(deps, 'debian/bookworm', 'debian/trixie'));
    const neighbours = await inProcess(() => comparePlaces(deps, undefined, 'debian/trixie'));
    agree(suites.result, await comparePlaces({ files: indexFiles }, files.bookworm, files.trixie));
    agree(neighbours.result, await comparePlaces({ files: indexFiles }, files.before, files.trixie));
    const rows = [
      ...(await benchPair('bookworm with trixie', suites.seconds, files.bookworm, files.trixie, '≤ 1 s')),
      ...(await benchPair('neighbouring snapshots', neighbours.seconds, files.before, files.trixie, '≤ 0.05 s')),
    ];
    const { counts } = suites.result;
    const changed = neighbours.result.sources.reduce((sum, group) => sum + group.changes.length, 0);
    await publishReport(
      {
        bench: 'diff',
        title: `Comparing whole suites (main, amd64 and Sources): median of ${runs} runs in turns, after one to warm up.`,
        peer: 'python3-apt',
        rows,
        notes: [
          `bookworm with trixie: ${counts.binary.upgraded} binary and ${counts.source.upgraded} source packages upgraded; peers and we find the same (see src/flows/compare-places.test.ts).`,
          `The neighbour is trixie with ${before.replayed} stanzas as bookworm has them and ${before.left} left out: real changes, replayed; ${changed} packages differ.`,
          'In process, as the server does it: from the history in PostgreSQL and the store, without the memory of comparisons, all sources grouped. The peer reads the two uncompressed Packages and Sources and compares them, as it must each time.',
          'By the command: `sheaf diff` over folders with the same files, its start and 40,000 printed lines included.',
        ],
      },
      options,
    );
    await store.close();
  } finally {
    await close();
    await cluster.stop({ always: true });
    await rm(directory, { recursive: true, force: true });
  }
}

// --- what is compared ---

async function readSuite(name: string): Promise<Lists> {
  const corpus = benchCorpus(say);
  const suite = await openSuite(corpus, name);
  const [binary, source] = [
    await openIndex(corpus, suite, packages.path),
    await openIndex(corpus, suite, sources.path),
  ];
  return { packages: binary!.bytes, sources: source!.bytes };
}

/** The lists with some stanzas as an older suite has them, and a few less: what a day's work may have changed. */
function replay(now: Lists, older: Lists, changes: number) {
  const binary = replayIndex(now.packages, older.packages, 'binary', changes);
  const source = replayIndex(now.sources, older.sources, 'source', changes / 3);
  return {
    lists: { packages: binary.bytes, sources: source.bytes },
    replayed: binary.replayed + source.replayed,
    left: binary.left + source.left,
  };
}

function replayIndex(now: Buffer, older: Buffer, kind: 'binary' | 'source', changes: number) {
  const known = new Map([...stanzas(older, kind)].map(({ name, bytes }) => [name, bytes]));
  const all = [...stanzas(now, kind)];
  const every = Math.max(1, Math.floor(all.length / changes));
  let [replayed, left] = [0, 0];
  const parts: Buffer[] = [];
  for (const [at, { name, bytes }] of all.entries()) {
    const found = at % every === 0 ? known.get(name) : undefined;
    if (at % (every * 10) === 1) {
      left++;
    } else if (found !== undefined && !found.equals(bytes)) {
      parts.push(found);
      replayed++;
    } else {
      parts.push(bytes);
    }
  }
  return { bytes: Buffer.concat(parts), replayed, left };
}

function* stanzas(index: Buffer, kind: 'binary' | 'source') {
  for (const { start, end } of scanStanzas(index)) {
    const bytes = index.subarray(start, end);
    const entry = readEntry(bytes, kind);
    if (entry !== undefined) yield { name: `${entry.name} ${entry.architecture}`, bytes };
  }
}

async function record({ store, ...history }: HistoryDeps, suite: string, id: string, lists: Lists): Promise<void> {
  const indexes: IndexContent[] = [];
  for (const [name, bytes] of [
    [packages, lists.packages],
    [sources, lists.sources],
  ] as const) {
    const digest = sha256(bytes);
    await store.put(bytes, { sha256: digest, split: 'stanzas' });
    indexes.push({ ...name, sha256: digest, size: bytes.length });
  }
  const ref = { origin: 'debian', suite, snapshotId: parseSnapshotId(id) };
  await recordSnapshot({ ...history, store }, { ...ref, seenAt: new Date(), signedBy: [], indexes });
}

async function writeLists(folder: string, lists: Lists): Promise<string> {
  await mkdir(folder);
  await writeFile(join(folder, 'Packages'), lists.packages);
  await writeFile(join(folder, 'Sources'), lists.sources);
  return folder;
}

// --- the stopwatch ---

async function inProcess(compare: () => Promise<PlaceComparison>) {
  const result = await compare();
  const times: number[] = [];
  for (let count = 0; count < runs; count++) {
    const started = performance.now();
    await compare();
    times.push((performance.now() - started) / 1000);
  }
  return { result, seconds: median(times) };
}

/** The history must say what the files say. */
function agree(history: PlaceComparison, files: PlaceComparison): void {
  const text = ({ sources: groups }: PlaceComparison) => JSON.stringify(groups);
  if (text(history) !== text(files)) throw new Error('The history and the files do not agree');
}

async function benchPair(what: string, ours: number, left: string, right: string, aim: string): Promise<ReportRow[]> {
  const tool = (argv: readonly [string, ...string[]]) => ({ seconds: [] as number[], cpu: [] as number[], argv });
  const peer = (script: string) =>
    tool(['/usr/bin/python3', join(checkout, 'bench/peers', script), ...bothLists(left), ...bothLists(right)]);
  const tools = {
    sheaf: tool([process.execPath, join(checkout, 'src/apps/cli/main.ts'), 'diff', left, right]),
    apt: peer('diff-apt.py'),
    debian: peer('diff-debian.py'),
  };
  for (let count = 0; count <= runs; count++) {
    for (const [name, each] of Object.entries(tools)) {
      // python3-debian takes half a minute.
      if (name === 'debian' && count !== 1) continue;
      const started = performance.now();
      const { code, stderr } = await run(each.argv, { limit: 2 ** 28 });
      if (code !== 0 && !(name === 'sheaf' && code === 1)) throw new Error(`${name} failed: ${stderr}`);
      if (count > 0) each.seconds.push((performance.now() - started) / 1000);
    }
  }
  const apt = median(tools.apt.seconds);
  return [
    { what: `${what}, in process`, ours, peer: apt, unit: 's', aim },
    { what: `${what}, from files by the command`, ours: median(tools.sheaf.seconds), peer: apt, unit: 's' },
    {
      what: `${what}, from files; here the peer is python3-debian`,
      ours: median(tools.sheaf.seconds),
      peer: median(tools.debian.seconds),
      unit: 's',
    },
  ];
}

function bothLists(folder: string): string[] {
  return [join(folder, 'Packages'), join(folder, 'Sources')];
}

await main();
