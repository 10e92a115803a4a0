/** Snapshots of our suites and of upstreams, their indexes over time, and what those say of packages. */
import { sql, type Kysely } from 'kysely';

const statements = [
  // The stores whose piece numbers the tables below speak of: one row.
  `create table history_store (id text primary key)`,

  // One version of a suite. "origin" is empty for a suite of ours, else an upstream's name. Snapshot ids sort by time.
  `create table history_snapshot (
    origin text not null,
    suite text not null,
    snapshot_id text not null,
    codename text,
    valid_until timestamptz,
    seen_at timestamptz not null,
    -- The InRelease (or Release) file as it came, in the store; absent for indexes that somebody saved without one.
    release_sha256 text,
    -- Fingerprints of the keys that vouched for it; empty when nobody did.
    signed_by text[] not null,
    -- Differences to the snapshot before: {binary: {added, removed, upgraded, downgraded, altered}, source: {…}}.
    changes jsonb,
    primary key (origin, suite, snapshot_id)
  )`,
  `create table history_index (
    id int generated always as identity primary key,
    origin text not null,
    suite text not null,
    path text not null,
    kind text not null check (kind in ('packages', 'sources', 'contents', 'translation', 'other')),
    component text not null,
    architecture text not null,
    unique (origin, suite, path)
  )`,
  // What an index held, from the snapshot "since" up to but without the snapshot "until".
  `create table history_index_version (
    index int not null references history_index,
    since text not null,
    until text,
    sha256 text not null,
    size bigint not null,
    -- How many packages a Packages or Sources index lists.
    entries int not null default 0,
    primary key (index, since)
  )`,
  `create index history_index_version_sha256 on history_index_version (sha256)`,

  // One distinct stanza of a Packages or Sources index; "piece" is its number in the store.
  `create table stanza (
    piece int primary key,
    kind text not null check (kind in ('binary', 'source')),
    name text collate "C" not null,
    version text not null,
    architecture text not null,
    source text not null,
    source_version text not null,
    sha256 text not null,
    size bigint not null
  )`,
  `create index stanza_name on stanza (name, kind)`,
  `create index stanza_source on stanza (source) where kind = 'binary'`,
  `create index stanza_sha256 on stanza (sha256)`,
  // Where a stanza stood, and when; the interval is that of history_index_version.
  `create table presence (
    index int not null references history_index,
    piece int not null references stanza,
    since text not null,
    until text,
    primary key (index, piece, since)
  )`,
  `create index presence_piece on presence (piece)`,
  `create index presence_since on presence (index, since)`,
  `create index presence_until on presence (index, until) where until is not null`,
  // Which packages a stanza names: "field" is the number of the field in model/relation-field.ts, "name" the package that
  // the stanza is of. Ordered as it is shown, so that a page of a long list is read without the rest.
  `create table relation (
    target text collate "C" not null,
    field smallint not null,
    name text collate "C" not null,
    piece int not null,
    primary key (target, field, name, piece)
  )`,

  // Pieces of Contents indexes, by the packages whose files they list.
  `create table contents_piece (
    package text collate "C" not null,
    piece int not null,
    primary key (package, piece)
  )`,

  // A compressed file that a Release file names, by its own SHA-256: of which index, and how its bytes are made again.
  `create table compressed_index (
    sha256 text primary key,
    index_sha256 text not null,
    size bigint not null,
    -- "kept": the bytes are a blob; otherwise the encoder that was proved to give them again.
    encoder text not null
  )`,
  `create index compressed_index_of on compressed_index (index_sha256)`,

  // A package version that had other bytes before, in the same origin.
  `create table hash_alarm (
    origin text not null,
    kind text not null,
    name text not null,
    version text not null,
    architecture text not null,
    sha256 text[] not null,
    seen_at timestamptz not null,
    primary key (origin, kind, name, version, architecture)
  )`,

  // Every look at an upstream's suite, and what came of it.
  `create table upstream_check (
    id bigint generated always as identity primary key,
    upstream text not null,
    suite text not null,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    outcome text not null check (outcome in ('new', 'unchanged', 'refused', 'failed')),
    -- The code of the refusal or failure, and one plain sentence.
    code text,
    message text not null,
    snapshot_id text,
    -- The Release file that was looked at, in the store, also when it was refused.
    release_sha256 text,
    bytes bigint not null default 0
  )`,
  `create index upstream_check_suite on upstream_check (upstream, suite, id)`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
