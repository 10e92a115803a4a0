/** The NEW queue. */
import { sql } from 'kysely';

import type { Db } from '../db/connect.ts';
import { recordEvent } from '../db/events.ts';
import { sha256 } from '../kit/digest.ts';
import type { Distribution } from '../model/distribution.ts';
import type { InputFile } from '../model/job.ts';
import type { LintianTag } from '../model/lintian.ts';

export type NewUpload = {
  readonly id: number;
  readonly suite: string;
  readonly source: string;
  readonly version: string;
  /** Names that the repository never had when it came. */
  readonly names: readonly string[];
  readonly files: readonly InputFile[];
  /** Undefined when the administrator vouched for it. */
  readonly signer: string | undefined;
  readonly receivedAt: Date;
  readonly state: 'NEW' | 'ACCEPTED' | 'REJECTED';
  readonly decidedAt: Date | undefined;
  readonly decidedBy: string | undefined;
  readonly reason: string | undefined;
  /** What lintian said of it, the worst first; undefined when it was not asked. */
  readonly lintian: readonly LintianTag[] | undefined;
};

export type Arrival = Pick<NewUpload, 'suite' | 'source' | 'version' | 'names' | 'files' | 'signer'>;
export type Decision = {
  readonly state: 'ACCEPTED' | 'REJECTED';
  readonly by: string;
  readonly reason: string | undefined;
};

type Deps = { readonly db: Db; readonly distribution: Distribution };

/** Puts it into the queue; the same upload again is the same entry, whatever became of it. */
export async function holdUpload({ db, distribution }: Deps, arrival: Arrival, now: Date): Promise<NewUpload> {
  const digest = digestOf(arrival.files);
  return db.transaction().execute(async (transaction) => {
    const same = select(transaction).where('suite', '=', arrival.suite).where('files_sha256', '=', digest);
    // A conflict would use up a number.
    const before = await same.executeTakeFirst();
    if (before !== undefined) return toUpload(before);
    const added = await transaction
      .insertInto('new_upload')
      .values({
        ...{ suite: arrival.suite, source: arrival.source, version: arrival.version, names: [...arrival.names] },
        ...{ files: JSON.stringify(arrival.files), files_sha256: digest, signer: arrival.signer ?? null },
        ...{ received_at: now, decided_at: null, decided_by: null, reason: null },
      })
      .onConflict((conflict) => conflict.columns(['suite', 'files_sha256']).doNothing())
      .returning('id')
      .executeTakeFirst();
    if (added !== undefined) {
      await recordEvent(transaction, distribution, now, {
        kind: 'upload-held',
        message: `Upload of ${arrival.source} ${arrival.version} for ${arrival.suite} waits for a person as NEW ${added.id}: ${arrival.names.join(', ')}`,
        suite: arrival.suite,
        source: arrival.source,
        upload: added.id,
      });
    }
    return toUpload(await same.executeTakeFirstOrThrow());
  });
}

/** Of each upload what was decided about exactly its files, or that they wait. */
export async function findHeldFiles(
  db: Db,
  suite: string,
  uploads: readonly (readonly InputFile[])[],
): Promise<readonly (NewUpload | undefined)[]> {
  const digests = uploads.map(digestOf);
  const rows = await select(db)
    .select('files_sha256')
    .where('suite', '=', suite)
    .where(sql<boolean>`new_upload.files_sha256 = any(${digests})`)
    .execute();
  const found = new Map(rows.map(({ files_sha256, ...row }) => [files_sha256, toUpload(row)]));
  return digests.map((digest) => found.get(digest));
}

export async function findNewUpload(db: Db, id: number): Promise<NewUpload | undefined> {
  const row = await select(db).where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : toUpload(row);
}

/** The oldest first; with `all`, also those that are decided. */
export async function listNewUploads(
  db: Db,
  options: { readonly all: boolean; readonly suite?: string | undefined },
): Promise<NewUpload[]> {
  const rows = await select(db)
    .$if(!options.all, (query) => query.where('state', '=', 'NEW'))
    .$if(options.suite !== undefined, (query) => query.where('suite', '=', options.suite!))
    .orderBy('id', options.all ? 'desc' : 'asc')
    .limit(1000)
    .execute();
  return rows.map(toUpload);
}

/** False when somebody else has decided before. A rejection is told by the notifiers. */
export async function decideUpload(
  { db, distribution }: Deps,
  upload: NewUpload,
  { state, by, reason }: Decision,
  now: Date,
): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    const { numUpdatedRows } = await transaction
      .updateTable('new_upload')
      .set({ state, decided_at: now, decided_by: by, reason: reason ?? null })
      .where('id', '=', upload.id)
      .where('state', '=', 'NEW')
      .executeTakeFirst();
    if (numUpdatedRows !== 1n) return false;
    const whose = upload.signer === undefined ? '' : ` of ${upload.signer}`;
    const why = reason === undefined ? '' : `: ${reason}`;
    await recordEvent(transaction, distribution, now, {
      kind: state === 'REJECTED' ? 'upload-rejected' : 'upload-accepted',
      message: `NEW ${upload.id}, the upload${whose} of ${upload.source} ${upload.version} for ${upload.suite}, was ${state === 'REJECTED' ? 'rejected' : 'accepted'} by ${by}${why}`,
      suite: upload.suite,
      source: upload.source,
      actor: by,
      upload: upload.id,
    });
    return true;
  });
}

/** An upload by the network that was refused: its uploader is told by the notifiers too. */
export async function recordRefusal(
  { db, distribution }: Deps,
  facts: {
    readonly suite: string;
    readonly source: string | undefined;
    readonly signer: string | undefined;
    readonly reasons: readonly string[];
  },
  now: Date,
): Promise<void> {
  const whose = facts.signer === undefined ? '' : ` of ${facts.signer}`;
  await db.transaction().execute(async (transaction) => {
    await recordEvent(transaction, distribution, now, {
      kind: 'result-refused',
      message:
        `Upload${whose}${facts.source === undefined ? '' : ` of ${facts.source}`} for ${facts.suite} refused: ${facts.reasons.join('; ')}`.slice(
          0,
          4000,
        ),
      suite: facts.suite,
      ...(facts.source === undefined ? {} : { source: facts.source }),
    });
  });
}

function select(db: Db) {
  return db
    .selectFrom('new_upload')
    .select(['id', 'suite', 'source', 'version', 'names', 'files', 'signer', 'received_at', 'state'])
    .select(['decided_at', 'decided_by', 'reason'])
    .select((eb) =>
      eb
        .selectFrom('lintian_report')
        .select('lintian_report.tags')
        .whereRef('lintian_report.files_sha256', '=', 'new_upload.files_sha256')
        .as('lintian'),
    );
}

type Row = Awaited<ReturnType<ReturnType<typeof select>['executeTakeFirstOrThrow']>>;

function toUpload(row: Row): NewUpload {
  const { received_at, decided_at, decided_by, signer, reason, lintian, ...same } = row;
  return {
    ...same,
    signer: signer ?? undefined,
    receivedAt: received_at,
    decidedAt: decided_at ?? undefined,
    decidedBy: decided_by ?? undefined,
    reason: reason ?? undefined,
    lintian: lintian ?? undefined,
  };
}

/** The order in which the files came does not matter. */
export function digestOf(files: readonly InputFile[]): string {
  const lines = files.map((file) => `${file.sha256} ${file.name}\n`).toSorted();
  return sha256(Buffer.from(lines.join('')));
}
