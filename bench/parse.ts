/**
 * Reading a whole Packages and Sources of Debian, against apt_pkg, grep-dctrl and python3-debian in the same run:
 *
 *     ./run bench parse [--suite SUITE] [--runs N] [--json] [--write]
 *
 * The files are those of `./run corpus`, fetched when they are not there. Each of our ways to read runs in a process of
 * its own: the first time is that of a program that reads one index, the following ones that of a server.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { parseStanzas } from '../src/formats/deb/deb822.ts';
import { readEntry } from '../src/formats/deb/index-entry.ts';
import { scanStanzas } from '../src/formats/deb/index-scan.ts';
import { readPackagesIndex } from '../src/formats/deb/packages-index.ts';
import { readSourcesIndex } from '../src/formats/deb/sources-index.ts';
import { runChecked } from '../src/plumbing/process.ts';
import { openIndex, openSuite, type CorpusIndex } from '../tools/corpus/archive.ts';
import { benchCorpus } from './corpus.ts';
import { progress, type Spent } from './measure.ts';
import { grepDctrlSpent, medianOf, pythonSpent } from './peers/parse-peers.ts';
import { publishReport, reportFlags, type ReportRow } from './report.ts';

const { values: options } = parseArgs({
  options: {
    ...reportFlags,
    suite: { type: 'string', default: 'bookworm' },
    runs: { type: 'string', default: '5' },
    /** Inside a process of its own: `WORK FILE`. */
    work: { type: 'string' },
    file: { type: 'string' },
  },
});

const works = {
  scan: (bytes: Uint8Array) => count(scanStanzas(bytes)),
  packages: (bytes: Uint8Array) => count(readPackagesIndex(bytes)),
  sources: (bytes: Uint8Array) => count(readSourcesIndex(bytes)),
  'packages kept': (bytes: Uint8Array) => [...readPackagesIndex(bytes)].length,
  entries: (bytes: Uint8Array) => {
    let stanzas = 0;
    for (const { start, end } of scanStanzas(bytes)) {
      if (readEntry(bytes.subarray(start, end), 'binary') !== undefined) stanzas++;
    }
    return stanzas;
  },
  'round trip': (bytes: Uint8Array) => {
    const stanzas = parseStanzas(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
    const again = Buffer.from(stanzas.map(({ text }) => text).join(''));
    if (!again.equals(bytes)) throw new Error('the file did not come back');
    return stanzas.length;
  },
};
type Work = keyof typeof works;

function count(values: Iterable<unknown>): number {
  let number = 0;
  for (const _ of values) number++;
  return number;
}

/** What a process of its own says: the seconds of each time, the first one cold. */
type Answer = { readonly stanzas: number; readonly spent: readonly Spent[] };

function doWork(work: Work, file: string, runs: number): Answer {
  const bytes = new Uint8Array(readFileSync(file));
  const spent: Spent[] = [];
  let stanzas = 0;
  for (let i = 0; i <= runs; i++) {
    const cpu = process.cpuUsage();
    const started = performance.now();
    stanzas = works[work](bytes);
    const { user, system } = process.cpuUsage(cpu);
    spent.push({ wall: (performance.now() - started) / 1000, cpu: (user + system) / 1e6 });
  }
  return { stanzas, spent };
}

async function ours(work: Work, file: string, runs: number): Promise<{ cold: Spent; warm: Spent; stanzas: number }> {
  progress(`ours: ${work}`);
  const argv = [
    process.execPath,
    import.meta.filename,
    '--work',
    work,
    '--file',
    file,
    '--runs',
    String(runs),
  ] as const;
  const { stanzas, spent } = JSON.parse(await runChecked([...argv])) as Answer;
  return { cold: spent[0]!, warm: medianOf(spent.slice(1)), stanzas };
}

async function open(path: string): Promise<CorpusIndex> {
  const corpus = benchCorpus(progress);
  const index = await openIndex(corpus, await openSuite(corpus, options.suite), path);
  if (index === undefined) throw new Error(`${options.suite} has no ${path}`);
  return index;
}

async function main(): Promise<void> {
  const runs = Number(options.runs);
  const packages = await open('main/binary-amd64/Packages');
  const sources = await open('main/source/Sources');
  const [size, sourcesSize] = [packages.bytes.length / 1e6, sources.bytes.length / 1e6];
  const { file } = packages;
  const scan = await ours('scan', file, runs);
  const typed = await ours('packages', file, runs);
  const kept = await ours('packages kept', file, runs);
  const entries = await ours('entries', file, runs);
  const round = await ours('round trip', file, runs);
  const typedSources = await ours('sources', sources.file, runs);
  progress('peers');
  const step = await pythonSpent('apt_step', file, runs);
  const apt = await pythonSpent('apt_fields', file, runs);
  const aptSources = await pythonSpent('apt_fields', sources.file, runs);
  const aptRound = await pythonSpent('apt_round_trip', file, runs);
  const dctrl = await grepDctrlSpent(file, runs);
  const debian = await pythonSpent('debian_fields', file, Math.min(runs, 2));
  const debianRound = await pythonSpent('debian_round_trip', file, Math.min(runs, 2));

  const speed = (what: string, mine: Spent, peer?: Spent, aim?: string, megabytes = size): ReportRow => ({
    what,
    ours: megabytes / mine.cpu,
    ...(peer && { peer: megabytes / peer.cpu }),
    unit: 'MB/s of CPU',
    ...(aim !== undefined && { aim }),
  });
  const cpu = (what: string, mine: Spent, peer: Spent): ReportRow => ({
    what,
    ours: mine.cpu,
    peer: peer.cpu,
    unit: 'CPU s',
  });
  const rows = [
    speed('boundaries of stanzas; apt_pkg, no field', scan.warm, step, '≥ 250'),
    speed('typed values; apt_pkg, every field', typed.warm, apt, '≥ 100'),
    speed('typed values; grep-dctrl, three fields', typed.warm, dctrl),
    speed('typed values; python3-debian, every field', typed.warm, debian),
    speed('typed values, first time in a process', typed.cold, undefined, '≥ 100'),
    speed('typed values, all kept in memory', kept.warm),
    speed('entries with distinct relations, as for the database', entries.warm),
    speed('typed values of Sources; apt_pkg, every field', typedSources.warm, aptSources, '≥ 100', sourcesSize),
    speed('lossless and back, compared; apt_pkg', round.warm, aptRound),
    speed('lossless and back, compared; python3-debian', round.warm, debianRound),
    cpu('typed values; apt_pkg, every field', typed.warm, apt),
    cpu('typed values; grep-dctrl, three fields', typed.warm, dctrl),
    cpu('typed values; python3-debian, every field', typed.warm, debian),
    cpu('lossless and back; apt_pkg', round.warm, aptRound),
    cpu('lossless and back; python3-debian', round.warm, debianRound),
  ];
  await publishReport(
    {
      bench: 'parse',
      title: `Reading Packages of ${options.suite}: ${size.toFixed(1)} MB, ${typed.stanzas.toLocaleString('en')} stanzas`,
      rows,
      notes: [
        `Medians of ${runs} runs in one process after the first, ours and the peers' (python3-debian: of ${Math.min(runs, 2)}); MB are millions of bytes, and seconds are those of the CPU, which the machine's other work changes least.`,
        "Ours: names, versions, hashes, sizes and paths checked, relations as text, every value a string. apt_pkg: raw bytes of each field, nothing checked, nothing kept. grep-dctrl prints Package, Version and SHA256 of each stanza, its start included; the interpreters' starts are not.",
        'There and back: ours and apt_pkg give the file again byte for byte, which is compared; python3-debian writes its stanzas, which is not.',
      ],
    },
    options,
  );
}

if (options.work === undefined) await main();
else process.stdout.write(JSON.stringify(doWork(options.work as Work, options.file!, Number(options.runs))));
