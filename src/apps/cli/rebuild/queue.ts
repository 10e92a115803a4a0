/** `sheaf rebuild queue`: many rebuilds one after the other, and where they stand. */
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { entriesAt, locate } from '../../../history/mod.ts';
import { formatDuration } from '../../../kit/duration.ts';
import { describeError, SheafError } from '../../../kit/error.ts';
import { sha256 } from '../../../kit/digest.ts';
import { compareVersions } from '../../../formats/deb/version.ts';
import { formatSnapshotRef, formatSuiteRef, type SnapshotRef } from '../../../model/index-history.ts';
import type { PackageName, Version } from '../../../model/names.ts';
import { verdicts, type RebuildResult, type Verdict } from '../../../model/rebuild.ts';
import { parseNameList, parsePopularity, selectSources, unmatchedWords } from '../../../rebuild/selection.ts';
import type { House } from '../../house.ts';
import { withFileLock } from '../../../plumbing/file-lock.ts';
import { isFolder } from '../../../plumbing/is-folder.ts';
import { nativeArchitecture } from '../../../plumbing/native-architecture.ts';
import { replaceFile } from '../../../plumbing/replace-file.ts';
import { clean } from '../clean.ts';
import { style, styleState } from '../style.ts';
import { formatTable, text } from '../table.ts';
import { whyUnreadable } from '../unreadable.ts';
import { runRebuild, type RunFlags } from './run.ts';
import { cutReason, formatCounts } from './verdicts.ts';
import type { Workshop } from './workshop.ts';

type SelectFlags = {
  readonly arch?: string | undefined;
  readonly popularity?: string | undefined;
  readonly allow?: string | undefined;
  readonly deny?: string | undefined;
  readonly limit?: number | undefined;
};

export type QueueFlags = SelectFlags &
  Omit<RunFlags, 'output'> & {
    /** Tries again what was not reproduced. */
    readonly retry?: true | undefined;
    /** How often what failed for another reason than the package is tried again by itself. */
    readonly attempts: number;
  };

/** popularity-contest's is 10 MiB. */
const largestList = 256 * 2 ** 20;

export type QueueEntry = {
  readonly source: string;
  readonly verdict: Verdict;
  readonly reason?: string | undefined;
  readonly causes: RebuildResult['causes'];
};

export type Queue = {
  readonly place: string;
  readonly counts: Readonly<Record<Verdict, number>>;
  /** How many there are altogether, done or not. */
  readonly selected: number;
  /** Names and patterns that no source package fits. */
  readonly unmatched: readonly string[];
  readonly done: readonly QueueEntry[];
};

/** What is done is written down after each package, and not done again by the same command. */
export async function runQueue(workshop: Workshop, patterns: readonly string[], flags: QueueFlags): Promise<Queue> {
  const { progress, signal } = workshop;
  const { place, facts, targets, from, unmatched } = await choose(workshop, patterns, flags);
  const sources = [...targets.keys()];
  const { mode, lock, nocheck, plain, experiments, arch } = flags;
  const key = sha256(JSON.stringify([facts, mode, lock, nocheck, plain, experiments, arch])).slice(0, 24);
  const file = join(workshop.directory, 'queues', `${key}.json`);
  const known = flags.again === true ? new Map<string, QueueEntry>() : await readDone(file);
  const isDone = (source: string) => {
    const verdict = known.get(source)?.verdict;
    return flags.retry === true ? verdict === 'reproduced' : verdict !== undefined;
  };
  const run = { ...flags, from };
  for (const [index, [source, word]] of [...targets].entries()) {
    if (isDone(source)) continue;
    signal.throwIfAborted();
    progress.line(`${source}, ${index + 1} of ${sources.length}`);
    const began = performance.now();
    const entry = { source, ...(await rebuildOne(workshop, word, run)) };
    await writeDone(file, entry);
    progress.line(`${source}: ${entry.verdict}, ${formatDuration(Math.round(performance.now() - began))}`);
  }
  const entries = await readDone(file);
  const done = sources.flatMap((source) => entries.get(source) ?? []);
  const counts = Object.fromEntries(
    verdicts.map((each) => [each, done.filter(({ verdict }) => verdict === each).length]),
  );
  return { place, counts: counts as Queue['counts'], selected: sources.length, unmatched, done };
}

type Chosen = {
  readonly place: string;
  /** What the outcomes depend on beside the options. */
  readonly facts: unknown;
  /** What to rebuild, by the name that it is listed under. */
  readonly targets: ReadonlyMap<string, string>;
  readonly from: readonly string[];
  readonly unmatched: readonly string[];
};

/** Of a suite, or of a folder: a word that is a path, or the only one where no suite is named. */
async function choose({ house }: Workshop, patterns: readonly string[], flags: QueueFlags): Promise<Chosen> {
  const [word = '', ...others] = patterns;
  const isPath = (each: string) => each.includes('/') || each === '.' || each === '..';
  const isThere = await isFolder(word);
  const isAlone = others.length === 0 && isThere && (isPath(word) || flags.from.length === 0);
  if (isAlone) return chooseFiles(resolve(word), flags);
  const path = patterns.find(isPath);
  if (path !== undefined) throw noFolder(path, isThere || patterns.length > 1);
  if (house === undefined) throw noHouse();
  const [from] = flags.from;
  if (from === undefined) throw noPlace();
  const ref = await locate({ db: house.history.db, distribution: house.distribution }, from);
  const place = formatSnapshotRef(ref);
  const { selected, unmatched } = await selectFrom(house, ref, patterns, flags);
  const targets = new Map(selected.map(({ source }) => [source, source]));
  return { place, facts: place, targets, from: [place, ...flags.from.slice(1)], unmatched };
}

/** Every .dsc of a folder, with the .debs beside it. */
async function chooseFiles(folder: string, flags: QueueFlags): Promise<Chosen> {
  const names = (await readdir(folder)).toSorted();
  const files = Map.groupBy(
    names.filter((name) => name.endsWith('.dsc')),
    (name) => name.split('_', 1)[0]!,
  );
  const candidates = [...files.keys()].map((source) => ({ source, binaries: [source] }));
  const selection = await readSelection([], flags);
  const wanted = selectSources(candidates, selection).flatMap((source) => files.get(source)!);
  if (wanted.length === 0) {
    const state = files.size === 0 ? `${folder} has no .dsc` : `none of the .dsc files of ${folder} fits`;
    throw new SheafError('nothing-to-rebuild', `Cannot rebuild a selection: ${state}`, {
      kind: 'usage',
      hint: 'A folder has .debs and their source packages: .dsc files with what they list.',
    });
  }
  if (flags.from.length === 0 && !names.some((name) => name.endsWith('.buildinfo'))) {
    throw new SheafError('usage', `Cannot rebuild ${folder}: nothing says where the dependencies come from`, {
      kind: 'usage',
      hint: 'Name a suite by --from, such as debian/bookworm, or put the .buildinfo files beside the packages.',
    });
  }
  const facts: unknown[] = [folder, flags.from];
  for (const name of names) {
    const { size, mtimeMs } = await stat(join(folder, name));
    facts.push([name, size, mtimeMs]);
  }
  const targets = new Map(wanted.slice(0, flags.limit).map((name) => [name, join(folder, name)]));
  return { place: folder, facts, targets, from: flags.from, unmatched: unmatchedWords(candidates, selection) };
}

/** One that cannot be rebuilt keeps no other from it. */
async function rebuildOne(workshop: Workshop, word: string, flags: QueueFlags): Promise<Omit<QueueEntry, 'source'>> {
  for (let attempt = 1; ; attempt++) {
    try {
      const { result } = await runRebuild(workshop, word, flags);
      const { verdict, reason, causes } = result;
      if (verdict === 'reproduced' || verdict === 'differs' || attempt >= flags.attempts)
        return { verdict, reason, causes };
    } catch (error) {
      workshop.signal.throwIfAborted();
      if (!(error instanceof SheafError)) throw error;
      // Another attempt would not change what was asked for.
      if (error.kind === 'usage' || attempt >= flags.attempts)
        return { verdict: 'unknown', reason: describeError(error), causes: [] };
    }
    await pause(attempt, workshop.signal);
  }
}

/** Longer each time. */
async function pause(attempt: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.min(60_000, 1000 * 4 ** attempt), undefined, { signal });
}

type SelectedSource = { readonly source: PackageName; readonly version: Version };

/** Source packages of a place that fit, each in the version that its newest packages are of. Throws `nothing-to-rebuild`. */
export async function selectFrom(
  { history }: Pick<House, 'history'>,
  ref: SnapshotRef,
  patterns: readonly string[],
  flags: SelectFlags,
): Promise<{ readonly selected: readonly SelectedSource[]; readonly unmatched: readonly string[] }> {
  const architecture = flags.arch ?? nativeArchitecture();
  const sources = new Map<string, string[]>();
  const versions = new Map<string, string>();
  for (const { source, sourceVersion, ...entry } of await entriesAt(history, ref, { kind: 'binary' })) {
    if (entry.architecture !== architecture && entry.architecture !== 'all') continue;
    sources.set(source, [...(sources.get(source) ?? []), entry.name]);
    const known = versions.get(source);
    if (known === undefined || compareVersions(sourceVersion, known) > 0) versions.set(source, sourceVersion);
  }
  const candidates = [...sources].map(([source, binaries]) => ({ source, binaries }));
  const selection = await readSelection(patterns, flags);
  const sorted = selectSources(candidates, selection);
  if (sorted.length === 0) throw nothingSelected(formatSuiteRef(ref), architecture, candidates.length);
  const selected = sorted.slice(0, flags.limit).map((source) => ({
    // Names of an index are taken as broader than Policy's; what is not such is found out when it is built.
    ...{ source: source as PackageName, version: versions.get(source) as Version },
  }));
  return { selected, unmatched: unmatchedWords(candidates, selection) };
}

async function readSelection(patterns: readonly string[], { allow, deny, popularity }: SelectFlags) {
  const list = async (file: string | undefined) =>
    file === undefined ? [] : parseNameList(await readList(file), file);
  return {
    patterns,
    ...{ allow: await list(allow), deny: await list(deny) },
    popularity: popularity === undefined ? undefined : parsePopularity(await readList(popularity), popularity),
  };
}

async function readList(file: string): Promise<string> {
  const bad = (state: string, cause?: unknown): SheafError =>
    new SheafError('no-list', `Cannot read the list ${file}: ${state}`, {
      kind: 'usage',
      hint: 'A list is a text file: for --allow and --deny a source package a line, for --popularity the by_inst of popcon.debian.org.',
      cause,
    });
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw bad(whyUnreadable(error), error);
  });
  if (!found.isFile()) throw bad('it is not a file');
  if (found.size > largestList) throw bad('it is larger than 256 MiB');
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw bad(whyUnreadable(error), error);
  });
}

/** What a power cut left of it is forgotten: the builds are kept, so that little is done twice. */
async function readDone(file: string): Promise<Map<string, QueueEntry>> {
  const content = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return '[]';
  });
  try {
    return new Map((JSON.parse(content) as QueueEntry[]).map((each) => [each.source, each]));
  } catch {
    return new Map();
  }
}

/** Beside what others have written meanwhile, and of packages that were not selected this time. */
async function writeDone(file: string, entry: QueueEntry): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await withFileLock(`${file}.lock`, async () => {
    const done = (await readDone(file)).set(entry.source, entry);
    await replaceFile(file, JSON.stringify([...done.values()]));
  });
}

export function formatQueue({ place, counts, selected, unmatched, done }: Queue): string[] {
  return [
    ...(done.length === 0 ? [] : [...formatTable(done, columns), '']),
    style('bold', clean(`${done.length} of ${selected} source packages of ${place}: ${formatCounts(counts)}`)),
    ...formatUnmatched(unmatched),
  ];
}

export function formatUnmatched(words: readonly string[]): string[] {
  return words.length === 0 ? [] : [clean(`No source package there for this architecture fits: ${words.join(', ')}`)];
}

const columns = [
  { title: 'verdict', cell: ({ verdict }: QueueEntry) => styleState(verdict) },
  text<QueueEntry>('source', ({ source }) => source),
  text<QueueEntry>('why', ({ reason, causes }) =>
    reason === undefined ? causes.map(formatCause).join(', ') : cutReason(reason),
  ),
];

function formatCause({ kind, confirmed }: RebuildResult['causes'][number]): string {
  return confirmed ? kind : `perhaps ${kind}`;
}

function nothingSelected(suite: string, architecture: string, count: number): SheafError {
  const state =
    count === 0
      ? `${suite} has no package for ${architecture}`
      : `none of the ${count} source packages of ${suite} for ${architecture} fits`;
  return new SheafError('nothing-to-rebuild', `Cannot rebuild a selection: ${state}`, {
    kind: 'usage',
    hint:
      count === 0
        ? 'Choose another architecture by --arch, or another suite by --from.'
        : 'Patterns, --allow and --deny are about names of source packages; a pattern stands in quotes.',
  });
}

function noFolder(word: string, isThere: boolean): SheafError {
  const state = isThere ? 'a folder stands alone' : 'there is no such folder';
  return new SheafError('nothing-to-rebuild', `Cannot rebuild a selection: ${word}: ${state}`, {
    kind: 'usage',
    hint: 'Name one folder that has .dsc and .deb files, or names of source packages; a single file is for sheaf rebuild run.',
  });
}

function noHouse(): SheafError {
  return new SheafError('no-distribution', 'Cannot rebuild a selection: no distribution here knows packages', {
    kind: 'usage',
    hint: 'Name its folder by -C DIR.',
  });
}

export function noPlace(): SheafError {
  return new SheafError('usage', 'Cannot rebuild a selection: it is not said of which suite', {
    kind: 'usage',
    hint: 'Name one by --from: stable, or one of an upstream such as debian/bookworm. A folder is named as ./DIR, without --workers.',
  });
}
