/**
 * Tables of databases that were made between two versions of an earlier migration: they have it by its name, and not all
 * that it says today. Where nothing is missing, nothing happens. `migrations.test.ts` holds that none changes any more.
 */
import { sql, type Kysely } from 'kysely';

const missing = (table: string, column: string) =>
  `not exists (select from information_schema.columns
    where table_schema = current_schema and table_name = '${table}' and column_name = '${column}')`;

const statements = [
  // 0002: nothing was kept in these yet.
  `do $$ begin
    if ${missing('relation', 'name')} then
      alter table stanza alter column name type text collate "C";
      drop table relation;
      create table relation (
        target text collate "C" not null,
        field smallint not null,
        name text collate "C" not null,
        piece int not null,
        primary key (target, field, name, piece)
      );
    end if;
  end $$`,
  `alter table history_index_version add column if not exists entries int not null default 0`,
  `create table if not exists contents_piece (
    package text collate "C" not null,
    piece int not null,
    primary key (package, piece)
  )`,
  // 0004
  `create table if not exists package_contents (
    sha256 text primary key,
    paths bytea not null,
    problem text
  )`,
  `create table if not exists access (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('sign-in', 'session', 'token')),
    person text not null,
    token_sha256 text not null unique,
    made_by text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
  )`,
  `create index if not exists access_by_person on access (person)`,
  `create table if not exists suite_freeze (
    suite text primary key,
    since timestamptz not null,
    frozen_by text not null,
    reason text
  )`,
  `create table if not exists upload_comment (
    id bigint generated always as identity primary key,
    upload bigint not null references new_upload,
    at timestamptz not null,
    author text not null,
    text text not null
  )`,
  `create index if not exists upload_comment_by_upload on upload_comment (upload)`,
  `alter table event add column if not exists actor text,
    add column if not exists upload bigint references new_upload`,
  `create index if not exists event_by_actor on event (id) where actor is not null`,
  `alter table tag_build add column if not exists upload jsonb`,
  `create unique index if not exists tag_build_upload_once on tag_build (suite, source, version)
     where upload is not null and state in ('ACCEPTED', 'DONE')`,
  `create table if not exists lintian_report (
    files_sha256 text primary key,
    looked_at timestamptz not null,
    lintian_version text not null,
    tags jsonb not null
  )`,
  `create index if not exists pool_file_by_sha256 on pool_file (sha256)`,
  `create index if not exists job_by_lock on job ((spec->>'lock'))`,
  `create index if not exists job_by_base_lock on job ((spec->>'baseLock'))`,
  // 0005: what had been recorded by then was our own.
  `do $$ begin
    if ${missing('rebuild', 'origin')} then
      alter table rebuild add column origin text not null default 'own' check (origin in ('own', 'foreign'));
      alter table rebuild alter column origin drop default;
      alter table rebuild drop constraint rebuild_rebuilder_invocation_key;
      alter table rebuild add unique (origin, rebuilder, invocation);
    end if;
  end $$`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
