/** An upload's way: judged, accepted whole or not at all, published; with names that are new perhaps held for a person. */
import { withNewUploadLock } from '../db/locks.ts';
import {
  acceptUpload,
  acceptUploads,
  publishSuite,
  type ArchiveDeps,
  type Kept,
  type Opinion,
  type UnlistedPackage,
  type UploadAcceptance,
} from '../archive/mod.ts';
import { finishTagBuilds, wakeUploads } from '../intake/mod.ts';
import { SheafError } from '../kit/error.ts';
import type { Suite } from '../model/distribution.ts';
import type { InputFile } from '../model/job.ts';
import type { LintianTag } from '../model/lintian.ts';
import {
  decideUpload,
  fatalTags,
  findHeldFiles,
  findLintian,
  findNewUpload,
  holdUpload,
  judgeUpload,
  lintianReasons,
  recordRefusal,
  saveLintian,
  summariseLintian,
  type Judgement,
  type NewUpload,
  type RunLintian,
  type UploadDeps,
} from '../upload/mod.ts';
import { areLeftToBuild, entering } from './upload-build.ts';

export type TakeUploadDeps = {
  readonly archive: ArchiveDeps;
  readonly verifyDocument: UploadDeps['verifyDocument'];
  readonly runLintian: RunLintian;
};

export type UploadOffer = {
  readonly suite: Suite;
  /** Their bytes are blobs already. */
  readonly files: readonly InputFile[];
  /** Bytes of some of them, which this process has hashed itself while it stored them: they are not read again. */
  readonly kept?: Kept | undefined;
  readonly component?: string | undefined;
  readonly withoutSource?: boolean | undefined;
  /** The local administrator who vouches for files without a signature. */
  readonly unsigned?: string | undefined;
  /** It came by the network: a refusal is recorded and told. */
  readonly remote: boolean;
};

export type TakenUpload =
  | {
      readonly kind: 'accepted';
      readonly source: string;
      readonly version: string;
      readonly packages: readonly string[];
      readonly already: boolean;
      /** The suite's newest snapshot after it. */
      readonly number: number;
      /** Of its packages those whose files cannot be read for Contents. */
      readonly unlisted: readonly UnlistedPackage[];
      /** The tag build that it goes on as, and whether packages that did not come with it are built now. */
      readonly tagBuild: number | undefined;
      readonly isBuilding: boolean;
      /** What lintian says of it, the worst first; undefined when it was not asked. */
      readonly lintian: readonly LintianTag[] | undefined;
    }
  | { readonly kind: 'new'; readonly upload: NewUpload }
  | {
      readonly kind: 'refused';
      readonly reasons: readonly string[];
      /** Of the uploader, of what the suite has, of the files themselves, or of tags that the suite does not take. */
      readonly because: 'uploader' | 'conflict' | 'files' | 'lintian';
    };

export async function takeUpload(deps: TakeUploadDeps, offer: UploadOffer, now: Date): Promise<TakenUpload> {
  const [taken] = await takeUploads(deps, offer.suite, [[offer]], () => now);
  return taken!;
}

/**
 * Uploads in their order, some at a time; the suite is published once, at the end, also when one of the later ones
 * fails. Each is taken whole or not at all, whatever becomes of the others.
 */
export async function takeUploads(
  deps: TakeUploadDeps,
  suite: Suite,
  parts: Iterable<readonly Offered[]> | AsyncIterable<readonly Offered[]>,
  now: () => Date,
): Promise<readonly TakenUpload[]> {
  const taken: (TakenUpload | Waiting)[] = [];
  const publishAll = async () => {
    const waiting = taken.filter((each) => each.kind === 'waiting');
    return waiting.length === 0 ? new Map<Waiting, TakenUpload>() : publish(deps, suite, waiting, now());
  };
  try {
    for await (const offers of parts) {
      for (const part of inOrder(offers)) taken.push(...(await takePart(deps, suite, part, now())));
    }
  } catch (error) {
    await publishAll();
    throw error;
  }
  const published = await publishAll();
  return taken.map((each) => (each.kind === 'waiting' ? published.get(each)! : each));
}

type Offered = Omit<UploadOffer, 'suite'>;

/** Accepted, and not yet published. */
type Waiting = { readonly kind: 'waiting'; readonly answer: Accepted; readonly look: Look | undefined };

/**
 * Packages alone need their source in the repository before they come, and a source may need files of an earlier
 * version of it: what comes together needs nothing of each other.
 */
function inOrder(offers: readonly Offered[]): readonly (readonly Offered[])[] {
  const parts: Offered[][] = [];
  let sources = new Set<string>();
  for (const offer of offers) {
    const dsc = offer.files.find((file) => file.name.endsWith('.dsc'))?.name;
    const source = dsc?.slice(0, dsc.indexOf('_'));
    if (parts.length === 0 || (source === undefined ? sources.size > 0 : sources.has(source))) {
      parts.push([]);
      sources = new Set();
    }
    parts.at(-1)!.push(offer);
    if (source !== undefined) sources.add(source);
  }
  return parts;
}

async function takePart(
  deps: TakeUploadDeps,
  suite: Suite,
  offers: readonly Offered[],
  now: Date,
): Promise<readonly (TakenUpload | Waiting)[]> {
  const { archive } = deps;
  const held = await findHeldFiles(
    archive.db,
    suite.name,
    offers.map((offer) => offer.files),
  );
  const taken = new Map<Offered, TakenUpload | Waiting>();
  const coming = [];
  for (const [at, offer] of offers.entries()) {
    const known = held[at];
    if (known?.state === 'REJECTED') {
      const why = known.reason === undefined ? '' : `: ${known.reason}`;
      const reason = `These files were rejected by ${known.decidedBy} as NEW ${known.id}${why}; upload a new version`;
      taken.set(offer, { kind: 'refused', reasons: [reason], because: 'uploader' });
      continue;
    }
    const judged = await judgeUpload(
      { ...deps, distribution: archive.distribution, blobs: archive.blobs },
      { suite, files: offer.files, unsigned: offer.unsigned !== undefined },
      now,
    );
    const by =
      offer.unsigned === undefined ? `signed by ${judged.signer}` : `unsigned, vouched for by ${offer.unsigned}`;
    const newNames = known?.state === 'ACCEPTED' ? ('accept' as const) : (suite.newPackages ?? 'accept');
    coming.push({ offer, judged, by, newNames, look: looking(deps, suite, offer.files, false, now) });
  }
  const answers = await acceptUploads(
    archive,
    {
      suite: suite.name,
      uploads: coming.map(({ offer, judged, by, newNames, look }) => ({
        ...{ files: offer.files, kept: offer.kept, by, component: offer.component, newNames },
        withoutSource: offer.withoutSource,
        ...{ against: judged.reasons, look: look?.ask },
      })),
      enter: entering(
        archive.distribution,
        suite,
        coming.map(({ judged, by }) => ({ ...judged, by })),
        now,
      ),
    },
    now,
  );
  for (const [at, { offer, judged, look }] of coming.entries()) {
    const answer = answers[at]!;
    if (answer.kind === 'accepted') taken.set(offer, { kind: 'waiting', answer, look });
    else taken.set(offer, await turnAway(archive, suite, offer, answer, judged, look, now));
  }
  return offers.map((offer) => taken.get(offer)!);
}

async function turnAway(
  archive: ArchiveDeps,
  suite: Suite,
  { files, remote }: Offered,
  answer: Exclude<UploadAcceptance, Accepted>,
  judged: Judgement,
  look: Look | undefined,
  now: Date,
): Promise<TakenUpload> {
  if (answer.kind === 'new') {
    const { source, version, names } = answer;
    const arrival = { suite: suite.name, source, version, names, files, signer: judged.signer };
    return { kind: 'new', upload: await holdUpload(archive, arrival, now) };
  }
  const { reasons } = answer;
  const source = answer.source ?? judged.source;
  if (remote) await recordRefusal(archive, { suite: suite.name, source, signer: judged.signer, reasons }, now);
  return { kind: 'refused', reasons, because: becauseOf(judged, look, answer) };
}

type Accepted = Extract<UploadAcceptance, { kind: 'accepted' }>;

/** Also what was here already: an earlier run may have ended before this. */
async function publish(
  { archive }: TakeUploadDeps,
  suite: Suite,
  waiting: readonly Waiting[],
  now: Date,
): Promise<ReadonlyMap<Waiting, TakenUpload>> {
  const { db, distribution } = archive;
  const publication = await publishSuite(archive, suite.name, now);
  const { number } = publication;
  const unlisted = (publication.kind === 'published' && publication.unlisted) || [];
  const answers = waiting.map(({ answer }) => answer);
  const entered = answers.flatMap((answer) => {
    const { tagBuild, architectures } = answer;
    return tagBuild === undefined ? [] : [{ ...answer, tagBuild, architectures: architectures! }];
  });
  const building = new Set([...(await areLeftToBuild(db, suite, entered))].map(({ tagBuild }) => tagBuild));
  await finishTagBuilds(
    db,
    distribution,
    entered.flatMap(({ tagBuild }) => (building.has(tagBuild) ? [] : [tagBuild])),
    now,
  );
  // Packages that came for a source of before: what waits for a worker may not be needed any more.
  await wakeUploads(
    db,
    answers.filter(({ tagBuild, already }) => tagBuild === undefined && !already),
  );
  return new Map(
    waiting.map((each) => {
      const { source, version, packages, already, tagBuild } = each.answer;
      const isBuilding = tagBuild !== undefined && building.has(tagBuild);
      const isOwn = (each: UnlistedPackage) => packages.includes(each.package);
      const facts = { source, version, packages, already, number, tagBuild, isBuilding };
      return [each, { kind: 'accepted', ...facts, unlisted: unlisted.filter(isOwn), lintian: each.look?.tags }];
    }),
  );
}

/** Undefined where nobody asks. Filled while it is asked. */
type Look = {
  readonly ask: (files: readonly InputFile[]) => Promise<Opinion>;
  tags: readonly LintianTag[] | undefined;
  isFatal: boolean;
};

/** `kept`: what was said of the same files before counts. */
function looking(
  deps: TakeUploadDeps,
  suite: Suite,
  files: readonly InputFile[],
  kept: boolean,
  now: Date,
): Look | undefined {
  if (suite.lintian !== true) return undefined;
  const { archive } = deps;
  const look: Look = {
    tags: undefined,
    isFatal: false,
    ask: async (all) => {
      try {
        const before = kept ? await findLintian(archive.db, files) : undefined;
        const report = before ?? (await deps.runLintian(archive.blobs, all));
        if (before === undefined) await saveLintian(archive.db, files, report, now);
        look.tags = report.tags;
        const reasons = lintianReasons(fatalTags(suite, report));
        look.isFatal = reasons.length > 0;
        return { reasons, note: summariseLintian(report.tags) };
      } catch (error) {
        if (!(error instanceof SheafError) || error.code !== 'lintian-failed') throw error;
        look.isFatal = true;
        return { reasons: [error.message], note: '' };
      }
    },
  };
  return look;
}

function becauseOf(
  judged: Judgement,
  look: Look | undefined,
  { conflict }: { readonly conflict: boolean },
): Extract<TakenUpload, { kind: 'refused' }>['because'] {
  if (judged.reasons.length > 0) return 'uploader';
  if (look?.isFatal === true) return 'lintian';
  return conflict ? 'conflict' : 'files';
}

export type NewDecision = { readonly id: number; readonly by: string; readonly reason: string | undefined };

/** Lets an upload in. What has come between since it was held may still refuse it: then it goes on waiting. */
export async function acceptNew(deps: TakeUploadDeps, decision: NewDecision, now: Date): Promise<TakenUpload> {
  return withNewUploadLock(deps.archive.db, decision.id, () => accept(deps, decision, now));
}

async function accept(deps: TakeUploadDeps, decision: NewDecision, now: Date): Promise<TakenUpload> {
  const { archive } = deps;
  const upload = await findWaiting(archive, decision.id, 'ACCEPTED');
  const suite = archive.distribution.suites.get(upload.suite as Suite['name']);
  if (suite === undefined) {
    const reason = `Suite "${upload.suite}" is no longer in sheaf.toml`;
    return { kind: 'refused', reasons: [reason], because: 'conflict' };
  }
  const unsigned = upload.signer === undefined;
  const judged = await judgeUpload(
    { ...deps, distribution: archive.distribution, blobs: archive.blobs },
    { suite, files: upload.files, unsigned },
    now,
  );
  const whose = unsigned ? 'unsigned' : `signed by ${judged.signer}`;
  const by = `${whose}, NEW ${upload.id} accepted by ${decision.by}`;
  const look = looking(deps, suite, upload.files, true, now);
  const request = {
    ...{ suite: suite.name, files: upload.files, by, against: judged.reasons, look: look?.ask },
    newNames: 'accept' as const,
    // It was held only because it had been let in without.
    withoutSource: true,
    enter: entering(archive.distribution, suite, [{ ...judged, by }], now),
  };
  const answer = await acceptUpload(archive, request, now);
  if (answer.kind === 'refused') {
    return { kind: 'refused', reasons: answer.reasons, because: becauseOf(judged, look, answer) };
  }
  if (answer.kind === 'new') throw new Error('an upload that was let in is held again');
  await decideUpload(archive, upload, { ...decision, state: 'ACCEPTED' }, now);
  const accepted: Waiting = { kind: 'waiting', answer, look };
  return (await publish(deps, suite, [accepted], now)).get(accepted)!;
}

/** Nothing of it was in the archive, and the same files never will be. */
export async function rejectNew(deps: TakeUploadDeps, decision: NewDecision, now: Date): Promise<NewUpload> {
  return withNewUploadLock(deps.archive.db, decision.id, async () => {
    const upload = await findWaiting(deps.archive, decision.id, 'REJECTED');
    await decideUpload(deps.archive, upload, { ...decision, state: 'REJECTED' }, now);
    return (await findNewUpload(deps.archive.db, decision.id))!;
  });
}

/** The same decision twice is none. */
async function findWaiting({ db }: ArchiveDeps, id: number, state: 'ACCEPTED' | 'REJECTED'): Promise<NewUpload> {
  const upload = await findNewUpload(db, id);
  if (upload === undefined) {
    throw new SheafError('no-upload', `Cannot find NEW ${id}: no upload has this number`, {
      kind: 'usage',
      hint: 'See: sheaf new list --all',
    });
  }
  if (upload.state === 'NEW' || upload.state === state) return upload;
  throw new SheafError(
    'already-decided',
    `Cannot decide about NEW ${id}: it was ${upload.state.toLowerCase()} by ${upload.decidedBy}`,
  );
}
