/** What publishing, serving and mirroring need beside the tables of the foundation. */
import { sql, type Kysely } from 'kysely';

// Each look for something to publish asks for these first; most suites have none.
const waitingStatements = [`create index publication_pending on publication (suite) where state = 'PENDING'`];

// snapshot.debian.org's API calls files by SHA-1; ours are found by what they hold, whichever package names them.
const sha1Statements = [
  `create table blob_sha1 (sha256 text primary key, sha1 text not null)`,
  `create index blob_sha1_by_sha1 on blob_sha1 (sha1)`,
  `create index binary_package_by_sha256 on binary_package (sha256)`,
  `create index source_package_by_file on source_package using gin (files jsonb_path_ops)`,
];

// Uploads whose packages the repository never had wait for a person, when the suite says so.
const uploadStatements = [
  `create table new_upload (
    id bigint generated always as identity primary key,
    suite text not null,
    source text not null,
    version text not null,
    -- Names that the repository never had when it came.
    names text[] not null,
    -- [{name, sha256, size}], and the SHA-256 of that list.
    files jsonb not null,
    files_sha256 text not null,
    signer text,
    received_at timestamptz not null,
    state text not null default 'NEW' check (state in ('NEW', 'ACCEPTED', 'REJECTED')),
    decided_at timestamptz,
    decided_by text,
    reason text,
    unique (suite, files_sha256)
  )`,
  // An administrator's removal: the suite's next publication carries it out, whoever makes that.
  `alter table publication add column removed boolean not null default false`,
  `create index publication_removed on publication (suite) where removed and state in ('PENDING', 'PUBLISHED')`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [...uploadStatements, ...sha1Statements, ...waitingStatements])
    await sql.raw(statement).execute(db);
}
