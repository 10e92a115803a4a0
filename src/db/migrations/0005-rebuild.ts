/** Rebuilds of published files: what came of each, and who says so. */
import { sql, type Kysely } from 'kysely';

// A rebuild, by the signed statement that says what came of it; nothing is ever changed or taken out.
const recordStatements = [
  `create table rebuild (
    id bigint generated always as identity primary key,
    -- The envelope, a blob.
    statement text not null unique,
    -- own: a worker, or this house. foreign: a rebuilder that sheaf.toml names. And what it calls this one rebuild.
    origin text not null check (origin in ('own', 'foreign')),
    rebuilder text not null,
    invocation text not null,
    source text not null,
    version text not null,
    architecture text not null,
    place text,
    verdict text not null check (verdict in ('reproduced', 'differs', 'unknown', 'failed')),
    result jsonb not null,
    job bigint references job,
    finished_at timestamptz not null,
    recorded_at timestamptz not null,
    unique (origin, rebuilder, invocation)
  )`,
  `create index rebuild_by_source on rebuild (source, version)`,
  `create index rebuild_by_place on rebuild (place, finished_at)`,
  // The newest row of a published file is its status.
  `create table rebuild_file (
    rebuild bigint not null references rebuild,
    file text not null,
    name text not null,
    version text not null,
    architecture text not null,
    sha256 text not null,
    rebuilt_sha256 text,
    verdict text not null check (verdict in ('reproduced', 'differs', 'unknown', 'failed')),
    primary key (rebuild, file)
  )`,
  `create index rebuild_file_by_sha256 on rebuild_file (sha256, rebuild desc)`,
  `create index rebuild_file_by_rebuilt on rebuild_file (rebuilt_sha256) where rebuilt_sha256 <> sha256`,
  `create index rebuild_file_by_name on rebuild_file (name, version)`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of recordStatements) await sql.raw(statement).execute(db);
}
