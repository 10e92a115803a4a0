/**
 * One look at an upstream: the Release file of each suite, judged; its indexes, into the store; the snapshot, into the
 * history; and a row of what came of it. Whatever was stored before an interruption is not fetched again.
 */
import { setTimeout as delay } from 'node:timers/promises';

import { findSnapshot, indexesAt, recordSnapshot, type HistoryDeps, type RecordedSnapshot } from '../history/mod.ts';
import { keepCompressed } from '../history/compressed.ts';
import type { CompressedDeps } from '../history/compressed-ports.ts';
import { formatReleaseDate } from '../formats/deb/date.ts';
import type { Clock } from '../kit/clock.ts';
import { sha256, type Sha256 } from '../kit/digest.ts';
import { isDiskFull } from '../kit/disk-full.ts';
import { SheafError, describeError } from '../kit/error.ts';
import type { Upstream } from '../model/distribution.ts';
import type { IndexContent } from '../model/index-history.ts';
import { snapshotTime, type SnapshotId } from '../model/names.ts';
import {
  alteredRefusal,
  fetchRelease,
  gatherIndexes,
  indexesInside,
  judgeRelease,
  readSeen,
  recordCheck,
  releaseBytes,
  releaseText,
  withUpstreamLock,
  type AcceptedRelease,
  type CheckOutcome,
  type Decompress,
  type Mirror,
  type ReleaseFiles,
  type SyncRefusal,
  type VerifyRelease,
} from '../sync/mod.ts';

export type FollowDeps = HistoryDeps &
  CompressedDeps & {
    readonly mirror: Mirror;
    readonly verifyRelease: VerifyRelease;
    readonly decompress: Decompress;
    readonly clock: Clock;
    /** Milliseconds before each further attempt at a mirror that is in the middle of an update. */
    readonly pauses?: readonly number[];
  };

export type FollowProgress = {
  readonly suite: string;
  /** `waiting` for another process, or for a mirror in the middle of an update. */
  readonly phase: 'waiting' | 'release' | 'indexes' | 'recording';
  /** The index that something came of, and the bytes of all indexes together. */
  readonly path?: string;
  readonly done?: number;
  readonly total?: number;
};

export type FollowOptions = {
  /** Default: all that sheaf.toml names. */
  readonly suites?: readonly string[] | undefined;
  /** The clock is right now, though it was ahead at an earlier look. */
  readonly trustClock?: boolean | undefined;
  readonly onProgress?: ((progress: FollowProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
};

export type FollowReport = {
  readonly suite: string;
  readonly outcome: CheckOutcome;
  /** Of a refusal or failure. */
  readonly code?: string;
  readonly message: string;
  readonly snapshotId?: SnapshotId;
  readonly changes?: NonNullable<RecordedSnapshot['changes']>;
  /** Came over the wire. */
  readonly bytes: number;
  /** How many indexes were new. */
  readonly indexes: number;
  readonly alarms: RecordedSnapshot['alarms'];
};

const usualPauses = [10_000, 30_000, 60_000];

/**
 * One report per suite, in order; refusals and failures of one suite do not keep the others from being looked at. Throws
 * `unknown-suite`, `aborted`, and what is wrong with the database.
 */
export async function followUpstream(
  deps: FollowDeps,
  upstream: Upstream,
  options: FollowOptions = {},
): Promise<FollowReport[]> {
  const suites = options.suites ?? upstream.suites;
  const unknown = suites.find((suite) => !upstream.suites.includes(suite));
  if (unknown !== undefined) {
    throw new SheafError('unknown-suite', `Cannot follow "${unknown}": upstream ${upstream.name} has no such suite`, {
      kind: 'usage',
      hint: `sheaf.toml names these: ${upstream.suites.join(', ')}.`,
    });
  }
  const onWait = () => options.onProgress?.({ suite: suites[0]!, phase: 'waiting' });
  return withUpstreamLock(deps.db, upstream.name, { signal: options.signal, onWait }, async () => {
    const reports: FollowReport[] = [];
    for (const suite of suites) reports.push(await lookAt(new Look(deps, upstream, suite, options)));
    return reports;
  });
}

/** What is known of a look while it goes on, whatever comes of it. */
class Look {
  readonly deps: FollowDeps;
  readonly upstream: Upstream;
  readonly suite: string;
  readonly options: FollowOptions;
  /** The folder of the Release file. */
  readonly base: string;
  bytes = 0;
  release: Sha256 | undefined;
  snapshotId: SnapshotId | undefined;

  constructor(deps: FollowDeps, upstream: Upstream, suite: string, options: FollowOptions) {
    this.deps = deps;
    this.upstream = upstream;
    this.suite = suite;
    this.options = options;
    this.base = `${upstream.url.replace(/\/+$/, '')}/dists/${suite}/`;
  }

  get ref() {
    return { origin: this.upstream.name, suite: this.suite };
  }

  report(progress: Omit<FollowProgress, 'suite'>): void {
    this.options.onProgress?.({ suite: this.suite, ...progress });
  }

  mirrorOptions(fresh: boolean) {
    return { signal: this.options.signal, fresh, onBytes: (count: number) => void (this.bytes += count) };
  }
}

type Result = Omit<FollowReport, 'suite' | 'bytes' | 'snapshotId'>;

async function lookAt(look: Look): Promise<FollowReport> {
  const { deps, suite } = look;
  const startedAt = deps.clock.now();
  const result = await followPatiently(look).catch((error: unknown) => failure(error));
  const { bytes, release, snapshotId } = look;
  await recordCheck(deps.db, {
    ...{ upstream: look.upstream.name, suite, startedAt, release, snapshotId, bytes },
    finishedAt: deps.clock.now(),
    outcome: result.outcome,
    code: result.code,
    message: result.message,
  });
  return { suite, bytes, ...result, ...(snapshotId === undefined ? {} : { snapshotId }) };
}

/** A failure of the world is an outcome; one of ours is thrown. */
function failure(error: unknown): Result {
  if (error instanceof SheafError && error.code !== 'aborted') {
    const hint = error.hint === undefined ? '' : ` ${error.hint}`;
    return { outcome: 'failed', code: error.code, message: `${describeError(error)}.${hint}`, indexes: 0, alarms: [] };
  }
  if (!isDiskFull(error)) throw error;
  const message = 'Cannot keep what was fetched: the disk is full. Make room and look again; nothing was lost.';
  return { outcome: 'failed', code: 'disk-full', message, indexes: 0, alarms: [] };
}

function refused({ code, message, hint }: SyncRefusal): Result {
  return { outcome: 'refused', code, message: `${message} ${hint}`, indexes: 0, alarms: [] };
}

/** A mirror in the middle of an update has the Release file of one day and the indexes of another: that passes. */
async function followPatiently(look: Look): Promise<Result> {
  const pauses = look.deps.pauses ?? usualPauses;
  for (let attempt = 0; ; attempt++) {
    try {
      return await followOnce(look, attempt > 0);
    } catch (error) {
      const pause = pauses[attempt];
      if (!(error instanceof SheafError) || error.code !== 'mirror-inconsistent' || pause === undefined) throw error;
      look.report({ phase: 'waiting' });
      await delay(pause, undefined, { signal: look.options.signal }).catch(() => {
        throw new SheafError('aborted', `Cannot follow ${look.base}: it was called off`);
      });
    }
  }
}

async function followOnce(look: Look, fresh: boolean): Promise<Result> {
  const { deps, upstream, suite } = look;
  look.report({ phase: 'release' });
  look.snapshotId = undefined;
  const newest = await findSnapshot(deps.db, look.ref);
  const files = await currentRelease(look, newest?.release, fresh);
  const now = deps.clock.now();
  const verdict = await deps.verifyRelease(files, upstream.keyring, now);
  const seen = await readSeen(deps.db, upstream.name, suite);
  const trustClock = look.options.trustClock === true;
  const judged = judgeRelease({ verdict, upstream, suite, seen, now, trustClock });
  const bytes = releaseBytes(files);
  look.release = sha256(bytes);
  if ((await deps.store.info(look.release)) === undefined) {
    await deps.store.put(bytes, { sha256: look.release, split: 'lines', successorOf: newest?.release });
  }
  if (judged.kind === 'refused') return refused(judged);
  const known = await findSnapshot(deps.db, look.ref, judged.snapshotId);
  if (known?.release !== undefined && !(await saysTheSame(deps, known.release, look.release, bytes))) {
    return refused(alteredRefusal(judged.snapshotId));
  }
  look.snapshotId = judged.snapshotId;
  const previous = newest === undefined ? [] : await indexesAt(deps.db, newest);
  const { indexes, added } = await gather(look, judged, previous, fresh);
  look.report({ phase: 'recording' });
  const recorded = await recordSnapshot(deps, {
    ...look.ref,
    snapshotId: judged.snapshotId,
    ...(judged.release.codename === undefined ? {} : { codename: judged.release.codename }),
    ...(judged.release.validUntil === undefined ? {} : { validUntil: judged.release.validUntil }),
    seenAt: now,
    // Signatures may be added to a text later: what was recorded first stays.
    release: known?.release ?? look.release,
    signedBy: verdict.signedBy,
    indexes: known?.release === undefined ? [...indexes, ...(await keepSignature(deps, files))] : indexes,
  });
  return accepted(judged, recorded, added);
}

/** The mirror's Release files; those that are here when the mirror says that they are the same. */
async function currentRelease(look: Look, known: Sha256 | undefined, fresh: boolean): Promise<ReleaseFiles> {
  const { mirror, store } = look.deps;
  const fetched = await fetchRelease(mirror, look.base, { ...look.mirrorOptions(fresh), known });
  return fetched.kind === 'files' ? fetched.files : { inRelease: await store.read(known!) };
}

async function saysTheSame(deps: FollowDeps, known: Sha256, digest: Sha256, bytes: Uint8Array): Promise<boolean> {
  return known === digest || releaseText(await deps.store.read(known)) === releaseText(bytes);
}

function gather(look: Look, judged: AcceptedRelease, previous: readonly IndexContent[], fresh: boolean) {
  const { deps, base } = look;
  return gatherIndexes(
    {
      ...{ mirror: deps.mirror, decompress: deps.decompress, shelf: deps.store, base },
      byHash: judged.release.acquireByHash,
      options: look.mirrorOptions(fresh),
      indexesInside: (compressed) => indexesInside(deps.db, compressed),
      keepCompressed: (file) => keepCompressed(deps, file),
      previous: new Map(previous.map((each) => [each.path, each.sha256])),
      onProgress: (progress) => look.report({ phase: 'indexes', ...progress }),
    },
    judged.choice.wanted,
  );
}

/** A signature in a file of its own is kept beside the Release file, as one of the suite's files. */
async function keepSignature(deps: FollowDeps, files: ReleaseFiles): Promise<IndexContent[]> {
  if ('inRelease' in files) return [];
  const { signature } = files;
  const digest = sha256(signature);
  await deps.store.put(signature, { sha256: digest, split: 'lines' });
  const name = { path: 'Release.gpg', kind: 'other', component: '', architecture: '' } as const;
  return [{ ...name, sha256: digest, size: signature.length }];
}

function accepted({ snapshotId, choice }: AcceptedRelease, recorded: RecordedSnapshot, added: number): Result {
  const date = formatReleaseDate(snapshotTime(snapshotId));
  const absent = choice.absent.length === 0 ? '' : ` It has no ${choice.absent.join(', ')}.`;
  const { changes, alarms } = recorded;
  const isNew = recorded.kind === 'recorded';
  const message = isNew
    ? `New version of ${date}: ${added} of ${choice.wanted.length} indexes are new.${absent}`
    : `Still the version of ${date}.${absent}`;
  return {
    outcome: isNew ? 'new' : 'unchanged',
    message,
    indexes: added,
    alarms,
    ...(changes === undefined || !isNew ? {} : { changes }),
  };
}
