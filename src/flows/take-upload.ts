/** An upload's way: judged, accepted whole or not at all, published; with names that are new perhaps held for a person. */
import { acceptUpload, publishSuite, type ArchiveDeps } from '../archive/mod.ts';
import { SheafError } from '../kit/error.ts';
import type { Suite } from '../model/distribution.ts';
import type { InputFile } from '../model/job.ts';
import {
  decideUpload,
  findHeldFiles,
  findNewUpload,
  holdUpload,
  judgeUpload,
  recordRefusal,
  type NewUpload,
  type UploadDeps,
} from '../upload/mod.ts';

export type TakeUploadDeps = {
  readonly archive: ArchiveDeps;
  readonly verifyDocument: UploadDeps['verifyDocument'];
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
    }
  | { readonly kind: 'new'; readonly upload: NewUpload }
  | {
      readonly kind: 'refused';
      readonly reasons: readonly string[];
      /** Of the uploader, of what the suite has, or of the files themselves. */
      readonly because: 'uploader' | 'conflict' | 'files';
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
  const request = { suite: suite.name, files, by, component: offer.component, newNames, against: judged.reasons };
  const answer = await acceptUpload(archive, request, now);
  switch (answer.kind) {
    case 'refused': {
      const { reasons } = answer;
      const source = answer.source ?? judged.source;
      if (offer.remote) {
        await recordRefusal(archive, { suite: suite.name, source, signer: judged.signer, reasons }, now);
      }
      const because = judged.reasons.length > 0 ? 'uploader' : answer.conflict ? 'conflict' : 'files';
      return { kind: 'refused', reasons, because };
    }
    case 'new': {
      const { source, version, names } = answer;
      const arrival = { suite: suite.name, source, version, names, files, signer: judged.signer };
      return { kind: 'new', upload: await holdUpload(archive, arrival, now) };
    }
    case 'accepted': {
      // Also when it was here already: an earlier run may have ended before this.
      const { number } = await publishSuite(archive, suite.name, now);
      return { ...answer, number };
    }
  }
}

export type NewDecision = { readonly id: number; readonly by: string; readonly reason: string | undefined };

/** Lets an upload in. What has come between since it was held may still refuse it: then it goes on waiting. */
export async function acceptNew(deps: TakeUploadDeps, decision: NewDecision, now: Date): Promise<TakenUpload> {
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
  const request = { suite: suite.name, files: upload.files, by, newNames: 'accept', against: judged.reasons } as const;
  const answer = await acceptUpload(archive, request, now);
  if (answer.kind === 'refused') {
    const because = judged.reasons.length > 0 ? 'uploader' : answer.conflict ? 'conflict' : 'files';
    return { kind: 'refused', reasons: answer.reasons, because };
  }
  if (answer.kind === 'new') throw new Error('an upload that was let in is held again');
  await decideUpload(archive, upload, { ...decision, state: 'ACCEPTED' }, now);
  const { number } = await publishSuite(archive, suite.name, now);
  return { ...answer, number };
}

/** Nothing of it was in the archive, and the same files never will be. */
export async function rejectNew(deps: TakeUploadDeps, decision: NewDecision, now: Date): Promise<NewUpload> {
  const upload = await findWaiting(deps.archive, decision.id, 'REJECTED');
  await decideUpload(deps.archive, upload, { ...decision, state: 'REJECTED' }, now);
  return (await findNewUpload(deps.archive.db, decision.id))!;
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
