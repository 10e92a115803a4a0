/** From the name of a place to what it lists. */
import { indexesAt, locate, previousSnapshot } from '../history/mod.ts';
import type { HistoryDeps, IndexAt } from '../history/mod.ts';
import { SheafError } from '../kit/error.ts';
import type { Distribution } from '../model/distribution.ts';
import { formatSnapshotRef, type SnapshotRef } from '../model/index-history.ts';
import type { FileIndex, IndexFilePort } from '../plumbing/index-files.ts';

export type CompareHistory = Pick<HistoryDeps, 'db' | 'store'> & {
  readonly distribution: Pick<Distribution, 'suites' | 'upstreams'>;
};

/** What a comparison says of one of its places. */
export type ComparedPlace = {
  readonly kind: 'snapshot' | 'files';
  /** In full, fit to be named again: `debian/trixie@20260912T075541Z`, or a path. */
  readonly place: string;
  /** Of a snapshot; `origin` is empty for a suite of ours. */
  readonly origin?: string;
  readonly suite?: string;
  readonly snapshotId?: string;
};

export type Place = {
  readonly about: ComparedPlace;
  /** Of a snapshot. */
  readonly stored: readonly IndexAt[];
  /** Of a path. */
  readonly files: readonly FileIndex[];
};

type Deps = { readonly history?: CompareHistory | undefined; readonly files?: IndexFilePort | undefined };

/** Without `a`, the left place is the snapshot before `b`. */
export async function openPair(
  deps: Deps,
  a: string | undefined,
  b: string,
): Promise<{ readonly left: Place; readonly right: Place }> {
  if (a === undefined) {
    const ref = await refOf(deps, b);
    const before = await previousSnapshot(deps.history!.db, ref);
    if (before === undefined) throw noEarlier(ref);
    const [left, right] = await Promise.all([openSnapshot(deps, before), openSnapshot(deps, ref)]);
    return { left, right };
  }
  // One after the other: of two that are not there, the first is told.
  const left = await openPlace(deps, a);
  return { left, right: await openPlace(deps, b) };
}

async function openPlace(deps: Deps, text: string): Promise<Place> {
  const files = await deps.files?.find(text);
  if (files !== undefined) return { about: { kind: 'files', place: text }, stored: [], files };
  return openSnapshot(deps, await locateOrTell(deps, text));
}

/** Where something is at the path, but no index, that is told: nobody looks for it among the suites. */
async function locateOrTell(deps: Deps, text: string): Promise<SnapshotRef> {
  try {
    return await locatePlace(deps, text);
  } catch (error) {
    const instead = await deps.files?.instead(text);
    if (instead === undefined || !(error instanceof SheafError) || error.code !== 'unknown-place') throw error;
    throw noIndex(text, instead, error);
  }
}

export function noIndex(place: string, instead: string, cause: unknown): SheafError {
  return new SheafError('unknown-place', `Cannot find an index at "${place}": ${instead}`, {
    kind: 'usage',
    hint: 'Name a Packages or Sources file, a folder that holds some, or a suite of a distribution of ours.',
    cause,
  });
}

async function openSnapshot({ history }: Deps, ref: SnapshotRef): Promise<Place> {
  const stored = await indexesAt(history!.db, ref);
  const { origin, suite, snapshotId } = ref;
  return { about: { kind: 'snapshot', place: formatSnapshotRef(ref), origin, suite, snapshotId }, stored, files: [] };
}

async function refOf(deps: Deps, text: string): Promise<SnapshotRef> {
  if ((await deps.files?.find(text)) !== undefined) {
    throw new SheafError('no-earlier-snapshot', `Cannot say what changed in "${text}": it is a path, and has no past`, {
      kind: 'usage',
      hint: 'Name two places: what it was before, and what it is now.',
    });
  }
  return locatePlace(deps, text);
}

async function locatePlace({ history, files }: Deps, text: string): Promise<SnapshotRef> {
  // Where paths are read, whoever begins so means one.
  const isPath = files !== undefined && /^\.{0,2}\//.test(text);
  if (history !== undefined && !isPath) return locate(history, text);
  throw new SheafError('unknown-place', `Cannot find "${text}": there is no such index file or folder`, {
    kind: 'usage',
    hint: 'Name a Packages or Sources file, a folder that holds some, or a suite of a distribution of ours.',
  });
}

function noEarlier(ref: SnapshotRef): SheafError {
  const place = formatSnapshotRef(ref);
  return new SheafError('no-earlier-snapshot', `Cannot say what changed in ${place}: it is the first that is kept`, {
    kind: 'usage',
    hint: 'Name two places, or wait for the next version.',
  });
}
