/** Tag builds, jobs, workers, archive, snapshots, events. One statement a table; comments say what a row is. */
import { sql, type Kysely } from 'kysely';

const statements = [
  // A build asked for by a signed git tag.
  `create table tag_build (
    id bigint generated always as identity primary key,
    repository text not null,
    tag text not null,
    suite text not null,
    origin text not null,
    claimed_object text,
    received_at timestamptz not null,
    judged_at timestamptz,
    done_at timestamptz,
    state text not null default 'RECEIVED'
      check (state in ('RECEIVED', 'REJECTED', 'ACCEPTED', 'DONE', 'DUPLICATE')),
    refusals jsonb not null default '[]',
    duplicate_of bigint references tag_build,
    -- How often the same refused notification came again.
    repeats int not null default 0,
    source text,
    version text,
    tag_object text,
    commit_object text,
    tree_object text,
    -- The tree of the upstream tag that the upstream tarball is to be made from, if one is needed.
    upstream_tree text,
    -- The date of the changelog entry, in seconds since the epoch.
    source_date_epoch bigint,
    signer text,
    signature jsonb
  )`,
  // A notification that waits is one row, however often it is sent.
  `create unique index tag_build_waiting on tag_build (repository, tag, suite) where state = 'RECEIVED'`,
  `create unique index tag_build_once on tag_build (repository, tag, suite, tag_object) where state in ('ACCEPTED', 'DONE')`,
  `create index tag_build_source on tag_build (source, id)`,
  `create index tag_build_open on tag_build (id) where state in ('RECEIVED', 'ACCEPTED')`,

  // A tag that carried a good signature of a known person: its name points there for ever.
  `create table tag_seen (
    repository text not null,
    tag text not null,
    tag_object text not null,
    first_seen timestamptz not null,
    primary key (repository, tag)
  )`,

  // A source version, once admitted, means this content for ever.
  `create table source_version (
    source text not null,
    version text not null,
    tree_object text not null,
    tag_build bigint not null references tag_build,
    primary key (source, version)
  )`,

  // An upstream tarball, once made or received, is the one for every later revision.
  `create table orig_tarball (
    source text not null,
    upstream_version text not null,
    name text not null,
    sha256 text not null,
    size bigint not null,
    primary key (source, upstream_version)
  )`,

  `create table worker (
    name text primary key,
    public_key text not null unique,
    architectures text[] not null,
    pool text not null default 'default',
    state text not null default 'pending' check (state in ('pending', 'approved', 'disabled')),
    enrolled_at timestamptz not null,
    last_seen_at timestamptz
  )`,
  // One-time tokens, by the SHA-256 of the secret.
  `create table enrolment_token (
    token_sha256 text primary key,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    used_by text references worker
  )`,
  // Nonces of signed requests, kept as long as their signatures could be replayed.
  `create unlogged table worker_nonce (
    worker text not null,
    nonce text not null,
    seen_at timestamptz not null,
    primary key (worker, nonce)
  )`,
  `create index worker_nonce_seen on worker_nonce (seen_at)`,

  // A unit of work; the table is the queue. worker, attempt and lease_expires_at are those of the current lease.
  `create table job (
    id bigint generated always as identity primary key,
    tag_build bigint references tag_build,
    kind text not null check (kind in ('source', 'binary')),
    architecture text not null,
    builds text not null,
    pool text not null default 'default',
    priority int not null default 0,
    state text not null
      check (state in ('Needs-Build', 'BD-Uninstallable', 'Building', 'Built', 'Uploaded', 'Installed',
                       'Build-Attempted', 'Failed', 'Cancelled')),
    -- One plain sentence: why it is in this state.
    reason text not null default '',
    spec jsonb not null,
    max_attempts int not null,
    attempt int not null default 0,
    worker text references worker,
    lease_expires_at timestamptz,
    not_before timestamptz,
    created_at timestamptz not null,
    finished_at timestamptz
  )`,
  `create index job_ready on job (pool, architecture, priority desc, id) where state = 'Needs-Build'`,
  `create index job_leased on job (lease_expires_at) where state = 'Building'`,
  `create index job_held on job (worker) where state = 'Building'`,
  `create index job_tag_build on job (tag_build)`,
  // One live job for each thing that a tag build makes.
  `create unique index job_once on job (tag_build, kind, architecture, builds) where tag_build is not null`,

  `create table attempt (
    job bigint not null references job,
    number int not null,
    worker text not null references worker,
    started_at timestamptz not null,
    finished_at timestamptz,
    outcome text check (outcome in ('built', 'failed', 'expired', 'cancelled', 'refused')),
    fault text check (fault in ('package', 'environment', 'worker')),
    reason text not null default '',
    files jsonb not null default '[]',
    provenance_sha256 text,
    timings jsonb not null default '{}',
    log_bytes bigint not null default 0,
    primary key (job, number)
  )`,
  // The log as it came; "position" is the offset of the chunk's first byte.
  `create table log_chunk (
    job bigint not null,
    attempt int not null,
    position bigint not null,
    bytes bytea not null,
    primary key (job, attempt, position),
    foreign key (job, attempt) references attempt
  )`,

  // A source package in a repository: its .dsc and the files it names.
  `create table source_package (
    id bigint generated always as identity primary key,
    repository text not null,
    name text not null,
    version text not null,
    component text not null,
    -- The stanza of Sources, without Directory and Checksums of the .dsc itself.
    stanza text not null,
    directory text not null,
    -- [{name, sha256, size}], the .dsc first.
    files jsonb not null,
    tag_build bigint references tag_build,
    accepted_at timestamptz not null,
    unique (repository, name, version)
  )`,
  `create table binary_package (
    id bigint generated always as identity primary key,
    repository text not null,
    name text not null,
    version text not null,
    architecture text not null,
    source text not null,
    source_version text not null,
    component text not null,
    -- DEBIAN/control as it is in the .deb.
    control text not null,
    filename text not null,
    sha256 text not null,
    size bigint not null,
    job bigint references job,
    attempt int,
    accepted_at timestamptz not null,
    unique (repository, name, version, architecture)
  )`,
  `create index binary_package_source on binary_package (source, source_version)`,
  // A file's path in a pool means these bytes for ever.
  `create table pool_file (
    repository text not null,
    path text not null,
    sha256 text not null,
    size bigint not null,
    primary key (repository, path)
  )`,

  // That a package is, was or will be in a suite. Exactly one of source_package and binary_package is set.
  `create table publication (
    id bigint generated always as identity primary key,
    suite text not null,
    source_package bigint references source_package,
    binary_package bigint references binary_package,
    state text not null default 'PENDING'
      check (state in ('PENDING', 'PUBLISHED', 'SUPERSEDED', 'DELETED', 'OBSOLETE')),
    created_at timestamptz not null,
    published_at timestamptz,
    ended_at timestamptz,
    -- Numbers of the first snapshot with it and of the first without it.
    first_snapshot int,
    last_snapshot int,
    check (num_nonnulls(source_package, binary_package) = 1)
  )`,
  `create index publication_live on publication (suite) where state in ('PENDING', 'PUBLISHED')`,
  `create unique index publication_source_once on publication (suite, source_package)
     where source_package is not null and state in ('PENDING', 'PUBLISHED')`,
  `create unique index publication_binary_once on publication (suite, binary_package)
     where binary_package is not null and state in ('PENDING', 'PUBLISHED')`,
  `create index publication_by_source on publication (source_package)`,
  `create index publication_by_binary on publication (binary_package)`,

  // One immutable, published version of a suite. "staged" while its tree is being written.
  `create table snapshot (
    suite text not null,
    number int not null,
    repository text not null,
    snapshot_id text not null,
    state text not null default 'staged' check (state in ('staged', 'published')),
    created_at timestamptz not null,
    valid_until timestamptz not null,
    in_release_sha256 text,
    packages int not null default 0,
    primary key (suite, number),
    unique (suite, snapshot_id)
  )`,

  // Signed statements, by the SHA-256 of their envelope (a blob), found by any subject's hash.
  `create table statement (
    sha256 text not null,
    subject_sha256 text not null,
    subject_name text not null,
    predicate_type text not null,
    signer text not null,
    job bigint references job,
    created_at timestamptz not null,
    primary key (sha256, subject_sha256)
  )`,
  `create index statement_subject on statement (subject_sha256)`,

  `create table event (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    kind text not null,
    message text not null,
    tag_build bigint references tag_build,
    job bigint references job,
    suite text,
    source text
  )`,
  `create index event_tag_build on event (tag_build, id)`,
  `create index event_source on event (source, id)`,

  // What a notifier has still to deliver.
  `create table delivery (
    id bigint generated always as identity primary key,
    notifier text not null,
    event bigint not null references event,
    state text not null default 'waiting' check (state in ('waiting', 'delivered', 'given-up')),
    attempts int not null default 0,
    not_before timestamptz not null,
    last_error text,
    unique (notifier, event)
  )`,
  `create index delivery_waiting on delivery (not_before) where state = 'waiting'`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
