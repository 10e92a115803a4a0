/** The tables as kysely sees them. `schema.test.ts` compares this file with a migrated database. */
import type { ColumnType, Generated, JSONColumnType } from 'kysely';

import type { IndexKind, SnapshotChanges } from '../model/index-history.ts';
import type { AttemptResult, InputFile, JobSpec, JobState, WorkerState } from '../model/job.ts';
import type { LintianTag } from '../model/lintian.ts';
import type { RebuildMode, RebuildResult, RebuildTaskState, Verdict } from '../model/rebuild.ts';
import type { Refusal, TagBuildState } from '../model/tag-build.ts';

/** bigint columns arrive as numbers: see connect.ts. */
type Id = Generated<number>;
type Json<T> = ColumnType<T, string, string>;
type JsonWithDefault<T> = ColumnType<T, string | undefined, string>;

/** The description that was uploaded, and whose doing it was. */
type UploadRow = { name: string; sha256: string; by: string };
type SignatureRow = { kind: 'openpgp' | 'ssh'; fingerprint: string; created: string };

export type TagBuildTable = {
  id: Id;
  repository: string;
  tag: string;
  suite: string;
  origin: string;
  claimed_object: string | null;
  received_at: Date;
  judged_at: Date | null;
  done_at: Date | null;
  state: Generated<TagBuildState>;
  refusals: JsonWithDefault<Refusal[]>;
  duplicate_of: number | null;
  repeats: Generated<number>;
  source: string | null;
  version: string | null;
  tag_object: string | null;
  commit_object: string | null;
  tree_object: string | null;
  upstream_tree: string | null;
  source_date_epoch: number | null;
  signer: string | null;
  signature: JSONColumnType<SignatureRow> | null;
  upload: JSONColumnType<UploadRow> | null;
  /** Why it could not go on when it was last tried. */
  obstacle: string | null;
};

export type TagSeenTable = { repository: string; tag: string; tag_object: string; first_seen: Date };
export type SourceVersionTable = { source: string; version: string; tree_object: string; tag_build: number };
export type OrigTarballTable = {
  source: string;
  upstream_version: string;
  name: string;
  sha256: string;
  size: number;
};

export type WorkerTable = {
  name: string;
  public_key: string;
  architectures: string[];
  pool: Generated<string>;
  state: Generated<WorkerState>;
  enrolled_at: Date;
  last_seen_at: Date | null;
};
export type EnrolmentTokenTable = {
  token_sha256: string;
  created_at: Date;
  expires_at: Date;
  used_at: Date | null;
  used_by: string | null;
};
export type WorkerNonceTable = { worker: string; nonce: string; seen_at: Date };

export type JobTable = {
  id: Id;
  tag_build: number | null;
  kind: 'source' | 'binary';
  architecture: string;
  builds: JobSpec['builds'];
  pool: Generated<string>;
  priority: Generated<number>;
  state: JobState;
  reason: Generated<string>;
  spec: Json<JobSpec>;
  max_attempts: number;
  attempt: Generated<number>;
  worker: string | null;
  lease_expires_at: Date | null;
  not_before: Date | null;
  created_at: Date;
  finished_at: Date | null;
  rebuild_task: number | null;
  rebuild_key: string | null;
};
export type AttemptTable = {
  job: number;
  number: number;
  worker: string;
  started_at: Date;
  finished_at: Date | null;
  outcome: 'built' | 'failed' | 'expired' | 'cancelled' | 'refused' | null;
  fault: 'package' | 'environment' | 'worker' | null;
  reason: Generated<string>;
  files: JsonWithDefault<InputFile[]>;
  provenance_sha256: string | null;
  timings: JsonWithDefault<AttemptResult['timings']>;
  log_bytes: Generated<number>;
  uploaded: Generated<string[]>;
};
export type LogChunkTable = { job: number; attempt: number; position: number; bytes: Buffer };

export type SourcePackageTable = {
  id: Id;
  repository: string;
  name: string;
  version: string;
  component: string;
  stanza: string;
  directory: string;
  files: Json<InputFile[]>;
  tag_build: number | null;
  accepted_at: Date;
};
export type BinaryPackageTable = {
  id: Id;
  repository: string;
  name: string;
  version: string;
  architecture: string;
  source: string;
  source_version: string;
  component: string;
  control: string;
  filename: string;
  sha256: string;
  size: number;
  job: number | null;
  attempt: number | null;
  accepted_at: Date;
};
export type PoolFileTable = { repository: string; path: string; sha256: string; size: number };

export type PublicationTable = {
  id: Id;
  suite: string;
  source_package: number | null;
  binary_package: number | null;
  state: Generated<'PENDING' | 'PUBLISHED' | 'SUPERSEDED' | 'DELETED' | 'OBSOLETE'>;
  created_at: Date;
  published_at: Date | null;
  ended_at: Date | null;
  removed: Generated<boolean>;
  first_snapshot: number | null;
  last_snapshot: number | null;
};
export type SnapshotTable = {
  suite: string;
  number: number;
  repository: string;
  snapshot_id: string;
  state: Generated<'staged' | 'published'>;
  created_at: Date;
  valid_until: Date;
  in_release_sha256: string | null;
  packages: Generated<number>;
};
export type StatementTable = {
  sha256: string;
  subject_sha256: string;
  subject_name: string;
  predicate_type: string;
  signer: string;
  job: number | null;
  created_at: Date;
};
export type EventTable = {
  id: Id;
  at: Date;
  kind: string;
  message: string;
  tag_build: number | null;
  job: number | null;
  suite: string | null;
  source: string | null;
  actor: string | null;
  upload: number | null;
};
export type DeliveryTable = {
  id: Id;
  notifier: string;
  event: number;
  state: Generated<'waiting' | 'delivered' | 'given-up'>;
  attempts: Generated<number>;
  not_before: Date;
  last_error: string | null;
};

export type HistoryStoreTable = { id: string };
export type HistorySnapshotTable = {
  origin: string;
  suite: string;
  snapshot_id: string;
  codename: string | null;
  valid_until: Date | null;
  seen_at: Date;
  release_sha256: string | null;
  signed_by: string[];
  changes: JSONColumnType<SnapshotChanges, string | null, string | null> | null;
};
export type HistoryIndexTable = {
  id: Id;
  origin: string;
  suite: string;
  path: string;
  kind: IndexKind;
  component: string;
  architecture: string;
};
export type HistoryIndexVersionTable = {
  index: number;
  since: string;
  until: string | null;
  sha256: string;
  size: number;
  entries: Generated<number>;
};
export type StanzaTable = {
  piece: number;
  kind: 'binary' | 'source';
  name: string;
  version: string;
  architecture: string;
  source: string;
  source_version: string;
  sha256: string;
  size: number;
};
export type PresenceTable = { index: number; piece: number; since: string; until: string | null };
export type RelationTable = { target: string; field: number; name: string; piece: number };
export type ContentsPieceTable = { package: string; piece: number };
export type CompressedIndexTable = { sha256: string; index_sha256: string; size: number; encoder: string };
export type HashAlarmTable = {
  origin: string;
  kind: 'binary' | 'source';
  name: string;
  version: string;
  architecture: string;
  sha256: string[];
  seen_at: Date;
};
export type BlobSha1Table = { sha256: string; sha1: string };
export type NewUploadTable = {
  id: Id;
  suite: string;
  source: string;
  version: string;
  names: string[];
  files: Json<InputFile[]>;
  files_sha256: string;
  signer: string | null;
  received_at: Date;
  state: Generated<'NEW' | 'ACCEPTED' | 'REJECTED'>;
  decided_at: Date | null;
  decided_by: string | null;
  reason: string | null;
};
export type AccessTable = {
  id: Id;
  kind: 'sign-in' | 'session' | 'token';
  person: string;
  token_sha256: string;
  made_by: string;
  created_at: Date;
  expires_at: Date;
};
export type PackageContentsTable = { sha256: string; paths: Buffer; problem: string | null };
export type SuiteFreezeTable = { suite: string; since: Date; frozen_by: string; reason: string | null };
export type UploadCommentTable = { id: Id; upload: number; at: Date; author: string; text: string };
export type LintianReportTable = {
  files_sha256: string;
  looked_at: Date;
  lintian_version: string;
  tags: Json<LintianTag[]>;
};
export type UpstreamCheckTable = {
  id: Id;
  upstream: string;
  suite: string;
  started_at: Date;
  finished_at: Date;
  outcome: 'new' | 'unchanged' | 'refused' | 'failed';
  code: string | null;
  message: string;
  snapshot_id: string | null;
  release_sha256: string | null;
  bytes: Generated<number>;
};
export type RebuildTable = {
  id: Id;
  statement: string;
  origin: 'own' | 'foreign';
  rebuilder: string;
  key: string | null;
  invocation: string;
  source: string;
  version: string;
  architecture: string;
  place: string | null;
  verdict: Verdict;
  result: Json<RebuildResult>;
  job: number | null;
  finished_at: Date;
  recorded_at: Date;
};
export type RebuildFileTable = {
  rebuild: number;
  file: string;
  name: string;
  version: string;
  architecture: string;
  sha256: string;
  rebuilt_sha256: string | null;
  verdict: Verdict;
};
export type RebuildTaskTable = {
  id: Id;
  suite: string;
  place: string;
  source: string;
  version: string;
  architecture: string;
  mode: RebuildMode | null;
  dependencies: string[];
  nocheck: boolean;
  plain: boolean;
  experiments: number;
  priority: number;
  state: Generated<RebuildTaskState>;
  reason: string;
  attempts: Generated<number>;
  not_before: Date | null;
  no_pool: Generated<boolean>;
  invocation: string;
  rebuild: number | null;
  asked_by: string;
  asked_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
};

export type Database = {
  tag_build: TagBuildTable;
  tag_seen: TagSeenTable;
  source_version: SourceVersionTable;
  orig_tarball: OrigTarballTable;
  worker: WorkerTable;
  enrolment_token: EnrolmentTokenTable;
  worker_nonce: WorkerNonceTable;
  job: JobTable;
  attempt: AttemptTable;
  log_chunk: LogChunkTable;
  source_package: SourcePackageTable;
  binary_package: BinaryPackageTable;
  pool_file: PoolFileTable;
  publication: PublicationTable;
  snapshot: SnapshotTable;
  statement: StatementTable;
  event: EventTable;
  delivery: DeliveryTable;
  history_store: HistoryStoreTable;
  history_snapshot: HistorySnapshotTable;
  history_index: HistoryIndexTable;
  history_index_version: HistoryIndexVersionTable;
  stanza: StanzaTable;
  presence: PresenceTable;
  relation: RelationTable;
  contents_piece: ContentsPieceTable;
  compressed_index: CompressedIndexTable;
  hash_alarm: HashAlarmTable;
  upstream_check: UpstreamCheckTable;
  new_upload: NewUploadTable;
  blob_sha1: BlobSha1Table;
  package_contents: PackageContentsTable;
  access: AccessTable;
  suite_freeze: SuiteFreezeTable;
  upload_comment: UploadCommentTable;
  lintian_report: LintianReportTable;
  rebuild: RebuildTable;
  rebuild_file: RebuildFileTable;
  rebuild_task: RebuildTaskTable;
};
