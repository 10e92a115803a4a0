/** An upload's way: judged, accepted whole or not at all, published; with names that are new perhaps held for a person. */
import { withNewUploadLock } from '../db/locks.ts';
import { acceptUpload, publishSuite, type ArchiveDeps, type Opinion } from '../archive/mod.ts';
import { finishTagBuild, wakeUploads } from '../intake/mod.ts';
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
import { entering, leftToBuild } from './upload-build.ts';

export type TakeUploadDeps = {
  readonly archive: ArchiveDeps;
  readonly verifyDocument: UploadDeps['verifyDocument'];
  readonly runLintian: RunLintian;
};

export type UploadOffer = {
  readonly suite: Suite;
  /** Their bytes are blobs already. */
  readonly files: readonly InputFile[];
  readonly component?: string | undefined;
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
  const { archive } = deps;
  const { suite, files } = offer;
  const known = await findHeldFiles(archive.db, suite.name, files);
  if (known?.state === 'REJECTED') {
    const why = known.reason === undefined ? '' : `: ${known.reason}`;
    const reason = `These files were rejected by ${known.decidedBy} as NEW ${known.id}${why}; upload a new version`;
    return { kind: 'refused', reasons: [reason], because: 'uploader' };
  }
  const judged = await judgeUpload(
    { ...deps, distribution: archive.distribution, blobs: archive.blobs },
    { suite, files, unsigned: offer.unsigned !== undefined },
    now,
  );
  const by = offer.unsigned === undefined ? `signed by ${judged.signer}` : `unsigned, vouched for by ${offer.unsigned}`;
  const newNames = known?.state === 'ACCEPTED' ? 'accept' : (suite.newPackages ?? 'accept');
  const look = looking(deps, suite, files, false, now);
  const request = {
    ...{ suite: suite.name, files, by, component: offer.component, newNames, against: judged.reasons, look: look.ask },
    enter: entering(archive.distribution, suite, { ...judged, by }, now),
  };
  const answer = await acceptUpload(archive, request, now);
  switch (answer.kind) {
    case 'refused': {
      const { reasons } = answer;
      const source = answer.source ?? judged.source;
      if (offer.remote) {
        await recordRefusal(archive, { suite: suite.name, source, signer: judged.signer, reasons }, now);
      }
      return { kind: 'refused', reasons, because: becauseOf(judged, look, answer) };
    }
    case 'new': {
      const { source, version, names } = answer;
      const arrival = { suite: suite.name, source, version, names, files, signer: judged.signer };
      return { kind: 'new', upload: await holdUpload(archive, arrival, now) };
    }
    case 'accepted': {
      return publish(deps, suite, answer, look, now);
    }
  }
}

type Accepted = Extract<Awaited<ReturnType<typeof acceptUpload>>, { kind: 'accepted' }>;

/** Also when it was here already: an earlier run may have ended before this. */
async function publish(
  { archive }: TakeUploadDeps,
  suite: Suite,
  answer: Accepted,
  look: Look,
  now: Date,
): Promise<TakenUpload> {
  const { kind, source, version, packages, already, tagBuild } = answer;
  const { number } = await publishSuite(archive, suite.name, now);
  const isBuilding = tagBuild !== undefined && (await leftToBuild(archive.db, suite, answer)).length > 0;
  if (tagBuild === undefined) {
    // Packages that came for a source of before: what waits for a worker may not be needed any more.
    if (!already) await wakeUploads(archive.db, source, version);
  } else if (!isBuilding) await finishTagBuild(archive.db, archive.distribution, tagBuild, now);
  return { kind, source, version, packages, already, number, tagBuild, isBuilding, lintian: look.tags };
}

/** Filled while it is asked. */
type Look = {
  readonly ask: (files: readonly InputFile[]) => Promise<Opinion>;
  tags: readonly LintianTag[] | undefined;
  isFatal: boolean;
};

/** `kept`: what was said of the same files before counts. */
function looking(deps: TakeUploadDeps, suite: Suite, files: readonly InputFile[], kept: boolean, now: Date): Look {
  const { archive } = deps;
  const look: Look = {
    tags: undefined,
    isFatal: false,
    ask: async (all) => {
      if (suite.lintian !== true) return { reasons: [], note: '' };
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
  look: Look,
  { conflict }: { readonly conflict: boolean },
): Extract<TakenUpload, { kind: 'refused' }>['because'] {
  if (judged.reasons.length > 0) return 'uploader';
  if (look.isFatal) return 'lintian';
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
    ...{ suite: suite.name, files: upload.files, by, against: judged.reasons, look: look.ask },
    newNames: 'accept' as const,
    enter: entering(archive.distribution, suite, { ...judged, by }, now),
  };
  const answer = await acceptUpload(archive, request, now);
  if (answer.kind === 'refused') {
    return { kind: 'refused', reasons: answer.reasons, because: becauseOf(judged, look, answer) };
  }
  if (answer.kind === 'new') throw new Error('an upload that was let in is held again');
  await decideUpload(archive, upload, { ...decision, state: 'ACCEPTED' }, now);
  return publish(deps, suite, answer, look, now);
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
