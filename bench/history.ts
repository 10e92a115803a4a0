/**
 * Keeping every version of a real-size index, and giving any of them back: our store beside git, a chain of zstd patches
 * and one .xz each, all fed with the same versions in the same run.
 *
 *     ./run bench history [--versions N] [--changes N] [--json] [--write]
 *
 * The versions are replayed from Debian's trixie and sid (main, amd64), which are fetched when they are not there. Every
 * version that is given back is compared with its SHA-256.
 */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';

import { sha256, type Sha256 } from '../src/kit/digest.ts';
import { openIndexStore } from '../src/plumbing/history/store.ts';
import { run, runChecked } from '../src/plumbing/process.ts';
import { openIndex, openSuite } from '../tools/corpus/archive.ts';
import { benchCorpus } from './corpus.ts';
import { median, progress, spent, type Spent } from './measure.ts';
import { PatchChain } from './peers/history-chain.ts';
import { GitHistory } from './peers/history-git.ts';
import { replayVersions } from './peers/history-versions.ts';
import { publishReport, reportFlags, type ReportRow } from './report.ts';

const { values: options } = parseArgs({
  options: {
    ...reportFlags,
    versions: { type: 'string', default: '56' },
    changes: { type: 'string', default: '170' },
  },
});
const count = Number(options.versions);

type Work = {
  readonly directory: string;
  readonly git: GitHistory;
  readonly chain: PatchChain;
  readonly hashes: Sha256[];
};

type Ingest = {
  readonly ours: Spent[];
  readonly git: Spent[];
  readonly chain: Spent[];
  /** On our disk after the first and after all versions. */
  readonly bytes: { readonly first: number; readonly all: number };
  readonly gitFirst: number;
  readonly chainFirst: number;
  readonly raw: number;
  readonly changed: number;
  /** Of some versions, the compressed ed script to the next. */
  readonly patches: number[];
};

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-bench-history-'));
  try {
    const git = new GitHistory(join(directory, 'git'));
    const chain = new PatchChain(join(directory, 'chain'));
    await git.make();
    await chain.make();
    const work: Work = { directory, git, chain, hashes: [] };
    const ingest = await storeAll(work);
    progress('git gc');
    const gc = await spent(() => git.pack());
    const [gitBytes, chainBytes] = [await git.bytes(), await chain.bytes()];
    progress('one .xz');
    const xz = await measureXz(work);
    progress('giving versions back');
    const restores = await restoreSome(work);
    progress('compacting our store');
    const compaction = await compact(work);
    const compacted = await restoreOurs(work);
    await report({ ingest, gc, gitBytes, chainBytes, xz, restores, compaction, compacted });
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Where version `number` lies while the next is made. */
function fileOf({ directory }: Work, number: number): string {
  return join(directory, `Packages.${number % 2}`);
}

async function storeAll(work: Work): Promise<Ingest> {
  const { git, chain, hashes } = work;
  const store = await openIndexStore(join(work.directory, 'store'));
  const [ours, gits, chains]: [Spent[], Spent[], Spent[]] = [[], [], []];
  const patches: number[] = [];
  let [raw, changed, first, gitFirst, chainFirst] = [0, 0, 0, 0, 0];
  const [trixie, sid] = [await readPackages('trixie'), await readPackages('sid')];
  for (const version of replayVersions(trixie, sid, count, Number(options.changes))) {
    const { number, bytes } = version;
    progress(`version ${number + 1} of ${count}`);
    const digest = sha256(bytes);
    raw += bytes.length;
    changed += version.changed;
    const [file, before] = [fileOf(work, number), number === 0 ? undefined : fileOf(work, number - 1)];
    await writeFile(file, bytes);
    if (before !== undefined && patches.length < 5) patches.push(await edPatch(before, file));
    const successorOf = hashes.at(-1);
    ours.push(await spent(() => store.put(bytes, { sha256: digest, split: 'stanzas', successorOf })));
    gits.push(await spent(() => git.commit(bytes)));
    chains.push(await spent(() => chain.add(number, file, before)));
    hashes.push(digest);
    if (number === 0) {
      await git.pack();
      [first, gitFirst, chainFirst] = [(await store.stats()).bytes, await git.bytes(), await chain.bytes()];
    }
  }
  const all = (await store.stats()).bytes;
  await store.close();
  return { ours, git: gits, chain: chains, bytes: { first, all }, gitFirst, chainFirst, raw, changed, patches };
}

async function readPackages(name: string): Promise<Buffer> {
  const corpus = benchCorpus(progress);
  const index = await openIndex(corpus, await openSuite(corpus, name), 'main/binary-amd64/Packages');
  return index!.bytes;
}

/** Bytes of what Debian's mirrors would offer as the patch. */
async function edPatch(before: string, after: string): Promise<number> {
  // Exit code 1: they differ.
  const { stdout } = await run(['diff', '--ed', before, after], { limit: 2 ** 28 });
  return gzipSync(stdout, { level: 9 }).length;
}

/** The last version as Debian compresses it, with one thread. */
async function measureXz(work: Work) {
  const plain = fileOf(work, count - 1);
  const packed = join(work.directory, 'Packages.xz');
  const compress = await spent(async () => {
    const argv = ['xz', '-6e', '-T+1', '--block-size=24MiB', '--keep', '--stdout', plain] as const;
    const { stdout } = await run([...argv], { limit: 2 ** 28, timeout: 60 * 60_000 });
    await writeFile(packed, stdout);
  });
  const restore = await spent(() => runChecked(['xz', '--decompress', '--keep', '--force', packed]));
  return { bytes: (await stat(packed)).size, compress, restore };
}

/** The first, the newest and three between. */
function chosen(): number[] {
  return [0, 1, 2, 3, 4].map((quarter) => Math.round(((count - 1) * quarter) / 4));
}

async function restoreSome(work: Work) {
  const file = join(work.directory, 'restored');
  const git: Spent[] = [];
  for (const number of chosen()) {
    git.push(await spent(() => work.git.restore(number, file)));
    check(work, number, await readFile(file));
  }
  const chain = await spent(() => work.chain.restore(count - 1, file));
  check(work, count - 1, await readFile(file));
  return { git, chain, ours: await restoreOurs(work) };
}

/** Each by a store that was just opened: nothing is in its memory. */
async function restoreOurs(work: Work): Promise<Spent[]> {
  const spents: Spent[] = [];
  for (const number of chosen()) {
    let bytes: Buffer | undefined;
    const one = await spent(async () => {
      const store = await openIndexStore(join(work.directory, 'store'));
      bytes = await store.read(work.hashes[number]!);
      await writeFile(join(work.directory, 'restored'), bytes);
      await store.close();
    });
    check(work, number, bytes!);
    spents.push(one);
  }
  return spents;
}

function check(work: Work, number: number, bytes: Buffer): void {
  if (sha256(bytes) !== work.hashes[number]) throw new Error(`version ${number} came back differently`);
}

async function compact(work: Work) {
  const store = await openIndexStore(join(work.directory, 'store'));
  const cost = await spent(() => store.compact());
  const { bytes } = await store.stats();
  await store.close();
  return { cost, bytes };
}

type Measured = {
  readonly ingest: Ingest;
  readonly gc: Spent;
  readonly gitBytes: number;
  readonly chainBytes: number;
  readonly xz: Awaited<ReturnType<typeof measureXz>>;
  readonly restores: Awaited<ReturnType<typeof restoreSome>>;
  readonly compaction: Awaited<ReturnType<typeof compact>>;
  readonly compacted: readonly Spent[];
};

async function report(measured: Measured): Promise<void> {
  const { ingest, gc, gitBytes, chainBytes, xz, restores, compaction, compacted } = measured;
  const further = count - 1;
  const mega = 1e6;
  const perVersion = (all: number, first: number) => (all - first) / further / 1000;
  const ours = perVersion(ingest.bytes.all, ingest.bytes.first);
  const worst = (spents: readonly Spent[], what: keyof Spent) => Math.max(...spents.map((each) => each[what]));
  const middle = (spents: readonly Spent[], what: keyof Spent) => median(spents.map((each) => each[what]));
  const chainPatches = chainBytes - ingest.chainFirst;
  const rows: ReportRow[] = [
    { what: 'a further version', ours, peer: perVersion(gitBytes, ingest.gitFirst), unit: 'kB', aim: '≤ 1/5' },
    {
      what: '· compacted',
      ours: perVersion(compaction.bytes, ingest.bytes.first),
      peer: perVersion(gitBytes, ingest.gitFirst),
      unit: 'kB',
      aim: '≤ 1/5',
    },
    { what: '· beside a chain of zstd patches', ours, peer: chainPatches / further / 1000, unit: 'kB' },
    { what: '· beside one .xz each', ours, peer: xz.bytes / 1000, unit: 'kB', aim: '≤ 1/200' },
    { what: 'the first version', ours: ingest.bytes.first / mega, peer: ingest.gitFirst / mega, unit: 'MB' },
    { what: `all ${count} versions`, ours: ingest.bytes.all / mega, peer: gitBytes / mega, unit: 'MB' },
    { what: '· compacted', ours: compaction.bytes / mega, peer: gitBytes / mega, unit: 'MB' },
    {
      what: '· beside one .xz each (one measured)',
      ours: ingest.bytes.all / mega,
      peer: (xz.bytes * count) / mega,
      unit: 'MB',
    },
    {
      what: 'give back any version, wall, median',
      ours: middle(restores.ours, 'wall'),
      peer: middle(restores.git, 'wall'),
      unit: 's',
      aim: '≤ 0.5',
    },
    {
      what: '· the slowest of five',
      ours: worst(restores.ours, 'wall'),
      peer: worst(restores.git, 'wall'),
      unit: 's',
      aim: '≤ 0.5',
    },
    { what: '· CPU, median', ours: middle(restores.ours, 'cpu'), peer: middle(restores.git, 'cpu'), unit: 's' },
    {
      what: '· compacted, wall, the slowest of five',
      ours: worst(compacted, 'wall'),
      peer: worst(restores.git, 'wall'),
      unit: 's',
      aim: '≤ 0.5',
    },
    {
      what: '· the newest, beside the chain of patches',
      ours: restores.ours.at(-1)!.wall,
      peer: restores.chain.wall,
      unit: 's',
    },
    { what: '· beside one .xz each', ours: middle(restores.ours, 'wall'), peer: xz.restore.wall, unit: 's' },
    {
      what: 'store a further version, CPU, median',
      ours: middle(ingest.ours.slice(1), 'cpu'),
      peer: middle(ingest.git.slice(1), 'cpu'),
      unit: 's',
      aim: '≤ 2',
    },
    {
      what: '· with a share of git gc',
      ours: middle(ingest.ours.slice(1), 'cpu'),
      peer: middle(ingest.git.slice(1), 'cpu') + gc.cpu / count,
      unit: 's',
    },
    {
      what: '· beside a zstd patch',
      ours: middle(ingest.ours.slice(1), 'cpu'),
      peer: middle(ingest.chain.slice(1), 'cpu'),
      unit: 's',
    },
    { what: '· beside one .xz', ours: middle(ingest.ours.slice(1), 'cpu'), peer: xz.compress.cpu, unit: 's' },
    {
      what: '· wall, median',
      ours: middle(ingest.ours.slice(1), 'wall'),
      peer: middle(ingest.git.slice(1), 'wall'),
      unit: 's',
    },
    { what: 'store the first version, CPU', ours: ingest.ours[0]!.cpu, peer: ingest.git[0]!.cpu, unit: 's' },
    { what: 'compaction, git gc, CPU', ours: compaction.cost.cpu, peer: gc.cpu, unit: 's' },
  ];
  const notes = [
    `Not successive versions as Debian published them: the mirror offers no patches. Replayed from real ones: trixie's Packages (main, amd64), in which the stanzas of ${Math.round(ingest.changed / further)} packages a version become those of sid, come or go, by whole source packages in a random, fixed order. ${count} versions, ${(ingest.raw / 1e9).toFixed(2)} GB in all.`,
    `The ed script between two of them takes ${(median(ingest.patches) / 1000).toFixed(1)} kB by gzip -9; sid's own pdiff index says 26.3 kB for a version, four a day. A stanza here jumps over years at once, so it differs more than from one upload to the next.`,
    'Ours: the whole log file, flushed to the disk and compared with what it is made of at every version; a restore opens the store, reads, compares the SHA-256 and writes the file. git: add, commit; objects after `git gc`, less those of the first version; a restore is `git show` into a file. Chain: zstd -9 of the first, then -3 --long=27 --patch-from. .xz: xz -6e with blocks of 24 MiB, as Debian makes it, measured on the last version and multiplied.',
  ];
  const title = 'Every version of an index kept, and any of them given back';
  await publishReport({ bench: 'history', title, peer: 'git', rows, notes }, options);
}

await main();
