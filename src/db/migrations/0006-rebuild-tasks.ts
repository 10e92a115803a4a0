/** Rebuilds that the server has the workers make. */
import { sql, type Kysely } from 'kysely';

const statements = [
  // What is to be rebuilt, for whom, and how far it is.
  `create table rebuild_task (
    id bigint generated always as identity primary key,
    -- Where it is published: stable, debian/bookworm; and the same with the snapshot.
    suite text not null,
    place text not null,
    source text not null,
    version text not null,
    architecture text not null,
    mode text check (mode in ('exact', 'idempotent')),
    -- Places that dependencies come from; none for where it is published.
    dependencies text[] not null,
    nocheck boolean not null,
    plain boolean not null,
    experiments int not null,
    priority int not null,
    state text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'given-up')),
    reason text not null,
    attempts int not null default 0,
    not_before timestamptz,
    -- It waits for a worker in a pool that has not built the original.
    no_pool boolean not null default false,
    -- What the statement calls this rebuild: so it is recorded once.
    invocation text not null unique,
    rebuild bigint references rebuild,
    asked_by text not null,
    asked_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    check ((state = 'done') = (rebuild is not null)),
    check ((state in ('done', 'given-up')) = (finished_at is not null))
  )`,
  `create unique index rebuild_task_once on rebuild_task (suite, source, version, architecture)
    where state in ('waiting', 'running')`,
  `create index rebuild_task_next on rebuild_task (priority desc, id) where state in ('waiting', 'running')`,
  `create index rebuild_task_by_source on rebuild_task (source, version)`,
  // The builds of a task, each by the hash of all that goes into it: nothing is built twice.
  `alter table job add column rebuild_task bigint references rebuild_task, add column rebuild_key text,
    add check ((rebuild_task is null) = (rebuild_key is null)),
    add check (rebuild_task is null or tag_build is null)`,
  `create unique index job_of_rebuild on job (rebuild_task, rebuild_key) where rebuild_task is not null`,
  // The files that this very attempt has brought, by their SHA-256.
  `alter table attempt add column uploaded text[] not null default '{}'`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
