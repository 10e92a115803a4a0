/** What people who manage suites do on the web and by the API: the same flows as the commands of the same names. */
import {
  copyPackages,
  freezeSuite,
  publishSuite,
  rollBack,
  thawSuite,
  type ArchiveDeps,
  type FreezeResult,
  type OperationResult,
  type Publication,
} from '../archive/mod.ts';
import { describeUpload, type UploadDescription } from '../flows/describe-upload.ts';
import { acceptNew, rejectNew, type TakenUpload } from '../flows/take-upload.ts';
import type { Clock } from '../kit/clock.ts';
import { SheafError } from '../kit/error.ts';
import type { Distribution, Person } from '../model/distribution.ts';
import { decompressStream } from '../plumbing/decompress.ts';
import { runLintian } from '../plumbing/lintian.ts';
import { verifyEd25519 } from '../plumbing/keys.ts';
import { verifyDocument } from '../plumbing/upload-signature.ts';
import { acceptStatement, type Accepted } from '../rebuild/mod.ts';
import { addComment, findNewUpload, type NewUpload, type UploadComment } from '../upload/mod.ts';

/** Who asks, and why. Whether they may was decided before. */
export type By = { readonly by: string; readonly reason: string | undefined };

export type Actions = {
  /** As sheaf.toml says now: what it no longer says, nobody may. */
  readonly people: () => Promise<ReadonlyMap<string, Person>>;
  readonly publish: (suite: string, by: string) => Promise<Publication>;
  readonly freeze: (suite: string, by: By) => Promise<FreezeResult>;
  readonly thaw: (suite: string, by: By) => Promise<FreezeResult>;
  /** Throws `not-in-suite`. */
  readonly copy: (request: CopyRequest) => Promise<OperationResult>;
  /** Throws `no-snapshot`. */
  readonly rollBack: (request: RollbackRequest) => Promise<OperationResult>;
  /** Throws `no-upload`, `already-decided`. */
  readonly accept: (id: number, by: By) => Promise<TakenUpload>;
  readonly reject: (id: number, by: By) => Promise<NewUpload>;
  readonly comment: (id: number, by: string, text: string) => Promise<UploadComment>;
  /** A statement of another rebuilder; throws what `acceptStatement` throws. */
  readonly acceptRebuild: (envelope: string, from: { file?: string; actor?: string }) => Promise<Accepted>;
  readonly describe: (upload: NewUpload) => Promise<UploadDescription>;
};

type CopyRequest = By & {
  readonly from: string;
  readonly to: string;
  readonly packages: readonly string[];
  readonly dryRun: boolean;
};
type RollbackRequest = By & { readonly suite: string; readonly snapshot: string; readonly dryRun: boolean };

/** `settings` reads sheaf.toml as it is now. */
export function actionsOf(archive: ArchiveDeps, clock: Clock, settings: () => Promise<Distribution>): Actions {
  const uploads = { archive, verifyDocument, runLintian };
  const now = () => clock.now();
  return {
    people: async () => (await settings()).people,
    publish: (suite, by) => publishSuite(archive, suite, now(), { force: true, by }),
    freeze: (suite, by) => freezeSuite(archive, { suite, ...by }, now()),
    thaw: (suite, by) => thawSuite(archive, { suite, ...by }, now()),
    copy: (request) => copyPackages(archive, request, now()),
    rollBack: (request) => rollBack(archive, request, now()),
    accept: (id, by) => acceptNew(uploads, { id, ...by }, now()),
    reject: (id, by) => rejectNew(uploads, { id, ...by }, now()),
    comment: async (id, by, text) => {
      const upload = await findNewUpload(archive.db, id);
      if (upload === undefined) throw new SheafError('no-upload', `Cannot find NEW ${id}: no upload has this number`);
      return addComment(archive, upload, { by, text }, now());
    },
    acceptRebuild: async (envelope, from) => {
      const { db, blobs } = archive;
      const distribution = await settings();
      return acceptStatement({ db, blobs, now, distribution, verify: verifyEd25519 }, envelope, from);
    },
    describe: (upload) => describeUpload({ blobs: archive.blobs, decompress: decompressStream }, upload),
  };
}
