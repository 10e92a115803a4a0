/** What managing a distribution needs beside publishing it. */
import { sql, type Kysely } from 'kysely';

// Which files a package holds, for Contents; read once for each .deb.
const contentsStatements: string[] = [
  // The paths of the files of a .deb, sorted, each with LF behind it, as zstd; none, and why, when it cannot be read.
  `create table package_contents (
    sha256 text primary key,
    paths bytea not null,
    problem text
  )`,
];

// Sessions of people on the web, and suites that somebody has frozen.
const managementStatements: string[] = [
  // One-time addresses for signing in, sessions of browsers and tokens of programs; only hashes of the secrets.
  `create table access (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('sign-in', 'session', 'token')),
    person text not null,
    token_sha256 text not null unique,
    made_by text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
  )`,
  `create index access_by_person on access (person)`,
  `create table suite_freeze (
    suite text primary key,
    since timestamptz not null,
    frozen_by text not null,
    reason text
  )`,
  `create table upload_comment (
    id bigint generated always as identity primary key,
    upload bigint not null references new_upload,
    at timestamptz not null,
    author text not null,
    text text not null
  )`,
  `create index upload_comment_by_upload on upload_comment (upload)`,
  // Who did it, when a person did; and the upload of the NEW queue that it is about.
  `alter table event add column actor text, add column upload bigint references new_upload`,
  `create index event_by_actor on event (id) where actor is not null`,
];

// What lintian says of an upload, and builds of sources that came without binaries.
const uploadStatements: string[] = [
  // A source that came without some of its binaries is built as a tag is: its row has the file that was uploaded, and by whom.
  `alter table tag_build add column upload jsonb`,
  `create unique index tag_build_upload_once on tag_build (suite, source, version)
     where upload is not null and state in ('ACCEPTED', 'DONE')`,
  // What lintian said of exactly these files; files_sha256 as in new_upload.
  `create table lintian_report (
    files_sha256 text primary key,
    looked_at timestamptz not null,
    lintian_version text not null,
    -- [{severity, file, tag, context, overridden}], at most some thousand.
    tags jsonb not null
  )`,
];

// Archives that others made and that go on here.
const importStatements: string[] = [];

// A bucket has the blobs: which names has one of them in the pools on this disk?
const storageStatements = [`create index pool_file_by_sha256 on pool_file (sha256)`];

// Which jobs were built in what a lock names?
const lockStatements = [
  `create index job_by_lock on job ((spec->>'lock'))`,
  `create index job_by_base_lock on job ((spec->>'baseLock'))`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [
    ...contentsStatements,
    ...managementStatements,
    ...uploadStatements,
    ...importStatements,
    ...storageStatements,
    ...lockStatements,
  ]) {
    await sql.raw(statement).execute(db);
  }
}
