/**
 * Indexes that somebody saved become snapshots of an upstream: in any order of time, as often as wanted. A Release file
 * is verified as of its own date; a tree in which one index is bad is not recorded, the others are.
 */
import { indexesAt, findSnapshot, recordSnapshot, type SnapshotView } from '../history/mod.ts';
import type { HistoryDeps } from '../history/ports.ts';
import type { Clock } from '../kit/clock.ts';
import { sha256, type Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { Upstream } from '../model/distribution.ts';
import type { IndexContent, SnapshotRef } from '../model/index-history.ts';
import { snapshotTime, toSnapshotId } from '../model/names.ts';
import type { SavedTree } from '../plumbing/import-sources.ts';
import { releaseBytes, releaseText, type VerifyRelease } from '../sync/mod.ts';
import { findIndexes, storeIndex, type FoundIndex, type StoreFileDeps } from './import-files.ts';
import { readSavedRelease, vouch, type SavedRelease, type Vouched } from './import-release.ts';
import { Refusal, toRefusal, type ImportedSnapshot, type ImportProblem, type ImportReport } from './import-report.ts';
import { findSavedSuites, suiteOf, type SavedSuite } from './import-tree.ts';

export type { ImportedSnapshot, ImportProblem, ImportReport };

/** As following an upstream has them, without a mirror. */
export type ImportDeps = HistoryDeps & StoreFileDeps & { readonly verifyRelease: VerifyRelease; readonly clock: Clock };

export type ImportOptions = {
  /** Only this one of the upstream's suites; also of trees that do not say whose they are. */
  readonly suite?: string | undefined;
  /** Takes what nobody vouches for. */
  readonly unsigned?: boolean | undefined;
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
};

export type ImportProgress = {
  /** Trees that were looked at before this one. */
  readonly done: number;
  readonly tree: string;
  /** The file that is read; absent while the tree is looked at. */
  readonly file?: string;
};

/** Throws `unknown-suite`, `aborted`, `keyring-unreadable`; what is wrong with a tree stands in the report. */
export async function importIndexes(
  deps: ImportDeps,
  upstream: Upstream,
  trees: AsyncIterable<SavedTree>,
  options: ImportOptions = {},
): Promise<ImportReport> {
  const { suite, signal, onProgress } = options;
  if (suite !== undefined && !upstream.suites.includes(suite)) {
    throw new SheafError('unknown-suite', `Cannot import into ${upstream.name}/${suite}: it is not followed`, {
      kind: 'usage',
      hint: `[upstream.${upstream.name}] in sheaf.toml has suites = ${JSON.stringify(upstream.suites)}`,
    });
  }
  const report: Report = { trees: 0, recorded: [], known: 0, leftOut: new Set(), problems: [] };
  for await (const tree of trees) {
    if (signal?.aborted === true) throw new SheafError('aborted', 'Cannot import further: it was called off');
    onProgress?.({ done: report.trees, tree: tree.label });
    await importTree({ deps, upstream, options, tree, report });
    report.trees += 1;
  }
  return { ...report, leftOut: [...report.leftOut] };
}

type Report = {
  trees: number;
  known: number;
  readonly recorded: ImportedSnapshot[];
  readonly leftOut: Set<string>;
  readonly problems: ImportProblem[];
};

/** One tree, with all that is needed to take it. */
type Work = {
  readonly deps: ImportDeps;
  readonly upstream: Upstream;
  readonly options: ImportOptions;
  readonly tree: SavedTree;
  readonly report: Report;
};

async function importTree(work: Work): Promise<void> {
  const { tree, report } = work;
  const refuse = ({ code, message, hint, file }: Refusal, base = '') => {
    const folder = base === '' ? undefined : base.slice(0, -1);
    report.problems.push({ tree: tree.label, code, message, hint, file: file ?? folder });
  };
  const suites = findSavedSuites(tree.paths);
  if (suites.length === 0) {
    const hint = 'Indexes are called Packages and Sources, compressed or not, alone or below dists/SUITE.';
    refuse(new Refusal('no-index', 'There is no index in it.', hint));
  }
  for (const saved of suites) {
    await importSuite(work, saved).catch((error: unknown) => refuse(toRefusal(error), saved.base));
  }
}

async function importSuite(work: Work, saved: SavedSuite): Promise<void> {
  const { deps, upstream, options, tree, report } = work;
  const found = await readSavedRelease(tree, saved);
  const suite = chooseSuite(work, saved, found);
  if (suite === undefined) return;
  const snapshotId = toSnapshotId(found?.release.date ?? dateOf(work));
  const ref: SnapshotRef = { origin: upstream.name, suite, snapshotId };
  const nearest = await findSnapshot(deps.db, ref, snapshotTime(snapshotId));
  if (nearest?.snapshotId === snapshotId && (await isKnown(work, saved, { found, kept: nearest }))) {
    report.known += 1;
    return;
  }
  checkFuture(work, ref);
  const { verifyRelease } = deps;
  const vouched = found && (await vouch(found, { verifyRelease, upstream, unsigned: options.unsigned === true }));
  await record(work, { ref, nearest, vouched, indexes: findIndexes(saved, vouched?.release, upstream) });
}

/** Undefined for one that is not asked for. */
function chooseSuite({ upstream, options, report }: Work, saved: SavedSuite, found: SavedRelease | undefined) {
  const wanted = options.suite === undefined ? upstream.suites : [options.suite];
  const answer = suiteOf(saved, found?.release ?? { suite: undefined, codename: undefined }, wanted);
  switch (answer.kind) {
    case 'suite':
      return answer.suite;
    case 'other':
      report.leftOut.add(answer.suite);
      return undefined;
    case 'contradiction':
      throw new Refusal('wrong-suite', `Its Release file is of suite ${answer.told}, its folder is not.`);
    case 'unknown': {
      const hint = `Name it: --suite ${upstream.suites.join(' or ')}`;
      throw new Refusal('which-suite', 'Nothing says which suite it is of.', hint);
    }
  }
}

/** Without a Release file: only when that was asked for, and only at a date. */
function dateOf({ options, tree }: Work): Date {
  if (options.unsigned !== true) {
    const hint = 'To take them all the same: --unsigned';
    throw new Refusal('no-release', 'No Release file vouches for its indexes.', hint);
  }
  if (tree.date !== undefined) return tree.date;
  throw new Refusal(
    'no-date',
    'Nothing says of what day it is.',
    'Put it into a folder that is named by its date, such as 2026-01-31 or 20260131T120000Z, and import the folder around that.',
  );
}

/** Whether the history has all of it. Throws when it has another Release file of the same date. */
async function isKnown(
  { deps, upstream }: Work,
  saved: SavedSuite,
  { found, kept }: { readonly found: SavedRelease | undefined; readonly kept: SnapshotView },
): Promise<boolean> {
  if (found !== undefined) {
    if (kept.release === undefined) return false;
    const text = releaseText(await deps.store.read(kept.release));
    if (text !== releaseText(releaseBytes(found.files))) {
      const message = `The history has another Release file of the same date, ${kept.snapshotId}.`;
      throw new Refusal('release-altered', message, undefined, found.path);
    }
  }
  const paths = new Set((await indexesAt(deps.db, kept)).map(({ path }) => path));
  return findIndexes(saved, found?.release, upstream).every(({ name }) => paths.has(name.path));
}

const day = 86_400_000;

function checkFuture({ deps }: Work, { snapshotId }: SnapshotRef): void {
  if (snapshotTime(snapshotId).getTime() <= deps.clock.now().getTime() + day) return;
  const message = `It is dated ${snapshotId}, which is in the future.`;
  throw new Refusal('release-from-future', message, 'Check the clock of this machine.');
}

type Plan = {
  readonly ref: SnapshotRef;
  /** The newest snapshot that is not newer. */
  readonly nearest: SnapshotView | undefined;
  readonly vouched: Vouched | undefined;
  readonly indexes: readonly FoundIndex[];
};

async function record(work: Work, { ref, nearest, vouched, indexes }: Plan): Promise<void> {
  const { deps, report, tree, options } = work;
  const earlier = nearest === undefined ? [] : await indexesAt(deps.db, nearest);
  const successors = new Map(earlier.map(({ path, sha256: digest }) => [path, digest]));
  const contents: IndexContent[] = [];
  for (const index of indexes) {
    const onFile = (file: string) => options.onProgress?.({ done: report.trees, tree: tree.label, file });
    contents.push(await storeIndex(deps, tree, index, { onFile, successorOf: successors.get(index.name.path) }));
  }
  const signedBy = vouched?.signedBy ?? [];
  const recorded = await recordSnapshot(deps, {
    ...ref,
    ...(vouched === undefined ? {} : await keepRelease(deps, vouched, nearest?.release)),
    ...{ signedBy, seenAt: deps.clock.now() },
    indexes: [...contents, ...(vouched === undefined ? [] : await keepSignature(deps, vouched))],
  });
  if (recorded.kind === 'known') {
    report.known += 1;
    return;
  }
  report.recorded.push({
    ...{ ...ref, signedBy, indexes: contents.length },
    bytes: contents.reduce((sum, { size }) => sum + size, 0),
    ...{ changes: recorded.changes, alarms: recorded.alarms },
  });
}

async function keepRelease(deps: ImportDeps, { release, files }: Vouched, successorOf: Sha256 | undefined) {
  const { codename, validUntil } = release;
  return { codename, validUntil, release: await keepText(deps, releaseBytes(files), successorOf) };
}

/** A signature in a file of its own is kept beside the Release file, as one of the suite's files. */
async function keepSignature(deps: ImportDeps, { files }: Vouched): Promise<IndexContent[]> {
  if ('inRelease' in files || files.signature.length === 0) return [];
  const name = { path: 'Release.gpg', kind: 'other', component: '', architecture: '' } as const;
  return [{ ...name, sha256: await keepText(deps, files.signature), size: files.signature.length }];
}

async function keepText({ store }: ImportDeps, bytes: Uint8Array, successorOf?: Sha256): Promise<Sha256> {
  const digest = sha256(bytes);
  await store.put(bytes, { sha256: digest, split: 'lines', successorOf });
  return digest;
}
