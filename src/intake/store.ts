/** Intake's tables. */
import { sql } from 'kysely';

import type { Db } from '../db/connect.ts';
import { recordEvent, recordEvents } from '../db/events.ts';
import { readFreeze } from '../db/freezes.ts';
import { notify, notifyAll } from '../db/notify.ts';
import { inTransaction } from '../db/transaction.ts';
import type { TagBuildTable } from '../db/schema.ts';
import type { Selectable } from 'kysely';
import type { Label, ObjectId, PackageName, SuiteName, Version } from '../model/names.ts';
import type { Admission, Refusal, TagBuild, TagBuildId, TagRequest, UploadedSource } from '../model/tag-build.ts';
import type { History } from './facts.ts';

export type { Db };
export { inTransaction, notify, notifyAll, recordEvent, recordEvents };

export type TagBuildRow = Selectable<TagBuildTable>;

/** Any number, the same in every version of this program: it keeps this lock apart from others'. */
const judgementLock = 7401;

/** A notification that waits is one row: a second one is counted as the same, with its time and its claim. */
export async function insertTagBuild(
  db: Db,
  request: TagRequest,
  now: Date,
): Promise<{ readonly id: TagBuildId; readonly already: boolean }> {
  return db
    .insertInto('tag_build')
    .values({
      repository: request.repository,
      tag: request.tag,
      suite: request.suite,
      origin: request.origin,
      claimed_object: request.claimedObject ?? null,
      received_at: now,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['repository', 'tag', 'suite'])
        .where('state', '=', 'RECEIVED')
        .doUpdateSet((set) => ({
          received_at: sql<Date>`greatest(tag_build.received_at + interval '1 millisecond', ${set.ref('excluded.received_at')})`,
          claimed_object: set.ref('excluded.claimed_object'),
        })),
    )
    .returning(['id', sql<boolean>`xmax <> 0`.as('already')])
    .executeTakeFirstOrThrow();
}

export async function readTagBuild(db: Db, id: TagBuildId): Promise<TagBuildRow | undefined> {
  return db.selectFrom('tag_build').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Judgements follow one another: what one has looked at, no other changes meanwhile. They take milliseconds. */
export async function lockForJudgement(transaction: Db, id: TagBuildId): Promise<TagBuildRow | undefined> {
  await sql`select pg_advisory_xact_lock(${judgementLock}::int, 0)`.execute(transaction);
  return transaction.selectFrom('tag_build').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
}

export async function listOpenTagBuilds(db: Db): Promise<TagBuildId[]> {
  const rows = await db
    .selectFrom('tag_build')
    .select('id')
    .where('state', 'in', ['RECEIVED', 'ACCEPTED'])
    .orderBy('id')
    .execute();
  return rows.map(({ id }) => id);
}

export async function writeObstacle(db: Db, id: TagBuildId, obstacle: string | null): Promise<void> {
  await db
    .updateTable('tag_build')
    .set({ obstacle })
    .where('id', '=', id)
    .where('obstacle', 'is distinct from', obstacle)
    .execute();
}

/** Returns those that it did something to. */
export async function markDone(
  db: Db,
  ids: readonly TagBuildId[],
  now: Date,
): Promise<readonly Pick<TagBuildRow, 'id' | 'source' | 'version' | 'suite'>[]> {
  return db
    .updateTable('tag_build')
    .set({ state: 'DONE', done_at: now })
    .where(sql<boolean>`id = any(${ids}::bigint[])`)
    .where('state', '=', 'ACCEPTED')
    .returning(['id', 'source', 'version', 'suite'])
    .execute();
}

/** Of these tag builds the ones whose source package never was in their suite, and waits for it no more. */
export async function findPassedOver(db: Db, ids: readonly TagBuildId[]): Promise<ReadonlySet<TagBuildId>> {
  const rows = await db
    .selectFrom('tag_build')
    .innerJoin('source_package', 'source_package.tag_build', 'tag_build.id')
    .innerJoin('publication', 'publication.source_package', 'source_package.id')
    .select('tag_build.id')
    .where(sql<boolean>`tag_build.id = any(${ids}::bigint[])`)
    .whereRef('publication.suite', '=', 'tag_build.suite')
    .groupBy('tag_build.id')
    .having(sql<boolean>`bool_and(publication.published_at is null and publication.ended_at is not null)`)
    .execute();
  return new Set(rows.map(({ id }) => id));
}

type Same = Pick<TagBuildRow, 'id' | 'repository' | 'tag' | 'suite'>;

function sameNotice(db: Db, row: Same) {
  return db
    .selectFrom('tag_build')
    .selectAll()
    .where('repository', '=', row.repository)
    .where('tag', '=', row.tag)
    .where('suite', '=', row.suite)
    .where('id', '<>', row.id);
}

/** The same tag object, admitted before for the same suite. */
export async function findAdmitted(db: Db, row: Same, object: ObjectId): Promise<TagBuildRow | undefined> {
  return sameNotice(db, row)
    .where('tag_object', '=', object)
    .where('state', 'in', ['ACCEPTED', 'DONE'])
    .executeTakeFirst();
}

/** The newest refusal of the same notice. */
export async function findRefused(db: Db, row: Same): Promise<TagBuildRow | undefined> {
  return sameNotice(db, row).where('state', '=', 'REJECTED').orderBy('id', 'desc').limit(1).executeTakeFirst();
}

export type HistoryQuestion = {
  readonly id: TagBuildId;
  readonly repository: string;
  readonly tag: string;
  readonly identity: { readonly source: PackageName; readonly version: Version } | undefined;
  readonly suite: SuiteName | undefined;
  /** Suites that share the suite's archive repository, itself included. */
  readonly sisters: readonly SuiteName[];
  readonly archiveRepository: Label | undefined;
};

export async function readHistory(db: Db, question: HistoryQuestion): Promise<History> {
  const { identity, suite, archiveRepository } = question;
  const seen = await db
    .selectFrom('tag_seen')
    .select('tag_object')
    .where('repository', '=', question.repository)
    .where('tag', '=', question.tag)
    .executeTakeFirst();
  const none = {
    seenObject: seen?.tag_object,
    admitted: undefined,
    suiteVersions: [],
    releases: [],
    isInRepository: false,
    freeze: suite === undefined ? undefined : await readFreeze(db, suite),
  };
  if (identity === undefined) return none;
  const admitted = await db
    .selectFrom('source_version')
    .select(['tree_object', 'tag_build'])
    .where('source', '=', identity.source)
    .where('version', '=', identity.version)
    .executeTakeFirst();
  const releases = await db
    .selectFrom('tag_build')
    .select(['id', 'suite', 'state'])
    .where('source', '=', identity.source)
    .where('version', '=', identity.version)
    .where('state', 'in', ['ACCEPTED', 'DONE'])
    .where('id', '<>', question.id)
    .orderBy('id')
    .execute();
  const versions =
    suite === undefined
      ? []
      : await db
          .selectFrom('publication')
          .innerJoin('source_package', 'source_package.id', 'publication.source_package')
          .select('source_package.version')
          .where('publication.suite', '=', suite)
          .where('publication.state', 'in', ['PENDING', 'PUBLISHED'])
          .where('source_package.name', '=', identity.source)
          .execute();
  const inRepository =
    archiveRepository === undefined
      ? undefined
      : await db
          .selectFrom('source_package')
          .select('id')
          .where('repository', '=', archiveRepository)
          .where('name', '=', identity.source)
          .where('version', '=', identity.version)
          .executeTakeFirst();
  return {
    seenObject: seen?.tag_object,
    admitted: admitted && { tree: admitted.tree_object, tagBuild: admitted.tag_build },
    suiteVersions: versions.map(({ version }) => version),
    releases: releases
      .filter((row) => question.sisters.some((sister) => sister === row.suite))
      .map((row) => ({ suite: row.suite, tagBuild: row.id, state: row.state as 'ACCEPTED' | 'DONE' })),
    isInRepository: inRepository !== undefined,
    freeze: none.freeze,
  };
}

export async function recordSeen(db: Db, row: Same, object: ObjectId, now: Date): Promise<void> {
  await db
    .insertInto('tag_seen')
    .values({ repository: row.repository, tag: row.tag, tag_object: object, first_seen: now })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function recordSourceVersion(db: Db, id: TagBuildId, admission: Admission): Promise<void> {
  const { source, version, tree } = admission;
  await db
    .insertInto('source_version')
    .values({ source, version, tree_object: tree, tag_build: id })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export type Verdict = Pick<TagBuildRow, 'state'> &
  Partial<
    Pick<
      TagBuildRow,
      | 'duplicate_of'
      | 'source'
      | 'version'
      | 'tag_object'
      | 'commit_object'
      | 'tree_object'
      | 'upstream_tree'
      | 'source_date_epoch'
      | 'signer'
    >
  > & { readonly refusals?: readonly Refusal[]; readonly signature?: Admission['signature'] | undefined };

export async function writeVerdict(db: Db, id: TagBuildId, verdict: Verdict, now: Date): Promise<void> {
  const { refusals, signature, ...columns } = verdict;
  await db
    .updateTable('tag_build')
    .set({
      ...columns,
      judged_at: now,
      refusals: JSON.stringify(refusals ?? []),
      signature: signature === undefined ? null : JSON.stringify(signature),
    })
    .where('id', '=', id)
    .execute();
}

export async function countRepeat(db: Db, id: TagBuildId): Promise<void> {
  await db
    .updateTable('tag_build')
    .set((set) => ({ repeats: set('repeats', '+', 1) }))
    .where('id', '=', id)
    .execute();
}

export function toTagBuild(row: TagBuildRow): TagBuild {
  const isIn = row.state === 'ACCEPTED' || row.state === 'DONE';
  return {
    id: row.id,
    repository: row.repository,
    tag: row.tag,
    suite: row.suite,
    origin: row.origin,
    ...(row.claimed_object === null ? {} : { claimedObject: row.claimed_object }),
    receivedAt: row.received_at,
    judgedAt: row.judged_at ?? undefined,
    state: row.state,
    refusals: row.refusals,
    admission: isIn && row.upload === null ? toAdmission(row) : undefined,
    upload: isIn && row.upload !== null ? toUpload(row, row.upload) : undefined,
    duplicateOf: row.duplicate_of ?? undefined,
  };
}

function toUpload(row: TagBuildRow, upload: NonNullable<TagBuildRow['upload']>): UploadedSource {
  const { source, version, source_date_epoch: sourceDateEpoch } = row;
  return {
    ...{ source: source as PackageName, version: version as Version, sourceDateEpoch: sourceDateEpoch! },
    ...{ name: upload.name, sha256: upload.sha256, by: upload.by },
  };
}

/** What judgement wrote into an ACCEPTED or DONE row: it was checked then. */
function toAdmission(row: TagBuildRow): Admission {
  const signature = row.signature!;
  return {
    source: row.source as PackageName,
    version: row.version as Version,
    tagObject: row.tag_object as ObjectId,
    commit: row.commit_object as ObjectId,
    tree: row.tree_object as ObjectId,
    upstreamTree: (row.upstream_tree ?? undefined) as ObjectId | undefined,
    sourceDateEpoch: row.source_date_epoch!,
    signer: row.signer as Label,
    signature: { kind: signature.kind, fingerprint: signature.fingerprint, created: new Date(signature.created) },
  };
}

/** In place of a tree, for content that came as a source package. */
export function treeOfUpload(dsc: string): string {
  return `sha256:${dsc}`;
}

/** What these versions were reserved for, in their order. Waits for judgements under way. */
export async function reservedForAll(
  transaction: Db,
  versions: readonly { readonly source: string; readonly version: string }[],
): Promise<readonly ({ readonly tree: string; readonly tagBuild: TagBuildId } | undefined)[]> {
  await sql`select pg_advisory_xact_lock(${judgementLock}::int, 0)`.execute(transaction);
  const keys = versions.map(({ source, version }) => ({ source, version }));
  const { rows } = await sql<{ source: string; version: string; tree: string; tagBuild: TagBuildId }>`
    select v.source, v.version, v.tree_object as tree, v.tag_build as "tagBuild"
    from json_to_recordset(${JSON.stringify(keys)}::json) as r (source text, version text)
      join source_version v on v.source = r.source and v.version = r.version`.execute(transaction);
  const found = new Map(rows.map((row) => [`${row.source} ${row.version}`, row]));
  return versions.map(({ source, version }) => found.get(`${source} ${version}`));
}

type NewUpload = UploadedSource & {
  readonly suite: string;
  readonly dsc: string;
  readonly signer: string | undefined;
  readonly signature: Verdict['signature'];
};

/** Returns the ids in the order of the uploads. */
export async function insertUploads(
  transaction: Db,
  uploads: readonly NewUpload[],
  now: Date,
): Promise<readonly TagBuildId[]> {
  const rows = uploads.map(({ source, version, suite, signer, signature, name, sha256, by, sourceDateEpoch, dsc }) => ({
    ...{ source, version, suite, signer, signature, name, epoch: sourceDateEpoch, upload: { name, sha256, by } },
    tree: treeOfUpload(dsc),
  }));
  const inserted = await sql<{ id: TagBuildId; source: string; version: string }>`
    insert into tag_build (repository, tag, suite, origin, state, received_at, judged_at, source, version,
      source_date_epoch, signer, signature, upload)
    select 'upload', r.name, r.suite, 'upload', 'ACCEPTED', ${now}::timestamptz, ${now}::timestamptz, r.source, r.version,
      r.epoch, r.signer, r.signature, r.upload
    from json_to_recordset(${JSON.stringify(rows)}::json) as r (name text, suite text, source text, version text,
      epoch bigint, signer text, signature jsonb, upload jsonb)
    returning id, source, version`.execute(transaction);
  const ids = new Map(inserted.rows.map(({ id, source, version }) => [`${source} ${version}`, id]));
  const idOf = ({ source, version }: NewUpload) => ids.get(`${source} ${version}`)!;
  const reserved = uploads.map((upload, at) => ({ ...rows[at], tagBuild: idOf(upload) }));
  await sql`
    insert into source_version (source, version, tree_object, tag_build)
    select r.source, r.version, r.tree, r."tagBuild"
    from json_to_recordset(${JSON.stringify(reserved)}::json) as r (source text, version text, tree text,
      "tagBuild" bigint)
    on conflict do nothing`.execute(transaction);
  return uploads.map(idOf);
}

export async function listOpenUploads(
  db: Db,
  sources: readonly { readonly source: string; readonly version: string }[],
): Promise<TagBuildId[]> {
  if (sources.length === 0) return [];
  const keys = sources.map(({ source, version }) => ({ source, version }));
  const { rows } = await sql<{ id: TagBuildId }>`
    select distinct t.id
    from json_to_recordset(${JSON.stringify(keys)}::json) as r (source text, version text)
      join tag_build t on t.source = r.source and t.version = r.version
    where t.upload is not null and t.state = 'ACCEPTED'
    order by t.id`.execute(db);
  return rows.map(({ id }) => id);
}

/** Whether some repository has this version as exactly this source package: then the content is the same. */
export async function wasMadeInto(db: Db, source: string, version: string, dsc: string): Promise<boolean> {
  const row = await db
    .selectFrom('source_package')
    .select('id')
    .where('name', '=', source)
    .where('version', '=', version)
    .where(sql<string>`files -> 0 ->> 'sha256'`, '=', dsc)
    .executeTakeFirst();
  return row !== undefined;
}
