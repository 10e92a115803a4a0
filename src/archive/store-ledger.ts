/** Many packages looked up and written at once: the tables under the ledger. */
import { sql } from 'kysely';

import type { InputFile } from '../model/job.ts';
import type { Label, SuiteName } from '../model/names.ts';
import type { BinaryEntry, SourceEntry } from './content.ts';
import type { Db } from './store.ts';
import type { ImportedBinary, ImportedSource } from './store-import.ts';

export type SourceKey = { readonly name: string; readonly version: string };
export type BinaryKey = SourceKey & { readonly architecture: string };

/** What the suite last had to do with a package: the state of its newest publication, undefined without any. */
type InSuite = { readonly state: string | null; readonly removed: boolean | null };

export type SourceFacts = SourceKey & InSuite & { readonly id: number; readonly files: readonly InputFile[] };
export type BinaryFacts = BinaryKey & InSuite & { readonly id: number; readonly sha256: string };

export type NewSource = ImportedSource & Pick<SourceEntry, 'tagBuild'>;
export type NewBinary = ImportedBinary & Pick<BinaryEntry, 'job'> & { readonly attempt: number | undefined };

/** Those of the source packages that the repository has. */
export async function findSourceFacts(
  db: Db,
  repository: Label,
  suite: SuiteName,
  asked: readonly SourceKey[],
): Promise<readonly SourceFacts[]> {
  if (asked.length === 0) return [];
  const keys = asked.map(({ name, version }) => ({ name, version }));
  const { rows } = await sql<SourceFacts>`
    select s.id, s.name, s.version, s.files, p.state, p.removed
    from json_to_recordset(${JSON.stringify(keys)}::json) as r (name text, version text)
      join source_package s on s.repository = ${repository} and s.name = r.name and s.version = r.version
      left join lateral (select state, removed from publication
        where source_package = s.id and suite = ${suite} order by id desc limit 1) p on true`.execute(db);
  return rows;
}

/** The stanzas of those of the source packages that the repository has, by `NAME VERSION`. */
export async function findStanzasOf(
  db: Db,
  repository: Label,
  asked: readonly SourceKey[],
): Promise<ReadonlyMap<string, string>> {
  if (asked.length === 0) return new Map();
  const keys = asked.map(({ name, version }) => ({ name, version }));
  const { rows } = await sql<SourceKey & { readonly stanza: string }>`
    select s.name, s.version, s.stanza
    from json_to_recordset(${JSON.stringify(keys)}::json) as r (name text, version text)
      join source_package s on s.repository = ${repository} and s.name = r.name and s.version = r.version`.execute(db);
  return new Map(rows.map(({ name, version, stanza }) => [`${name} ${version}`, stanza]));
}

/** Those of the binary packages that the repository has. */
export async function findBinaryFacts(
  db: Db,
  repository: Label,
  suite: SuiteName,
  asked: readonly BinaryKey[],
): Promise<readonly BinaryFacts[]> {
  if (asked.length === 0) return [];
  const keys = asked.map(({ name, version, architecture }) => ({ name, version, architecture }));
  const { rows } = await sql<BinaryFacts>`
    select b.id, b.name, b.version, b.architecture, b.sha256, p.state, p.removed
    from json_to_recordset(${JSON.stringify(keys)}::json) as r (name text, version text, architecture text)
      join binary_package b on b.repository = ${repository} and b.name = r.name and b.version = r.version
        and b.architecture = r.architecture
      left join lateral (select state, removed from publication
        where binary_package = b.id and suite = ${suite} order by id desc limit 1) p on true`.execute(db);
  return rows;
}

/** Returns their ids. */
export async function insertSources(
  db: Db,
  repository: Label,
  sources: readonly NewSource[],
  now: Date,
): Promise<readonly (SourceKey & { readonly id: number })[]> {
  if (sources.length === 0) return [];
  const { rows } = await sql<SourceKey & { readonly id: number }>`
    insert into source_package (repository, name, version, component, stanza, directory, files, tag_build, accepted_at)
    select ${repository}, r.name, r.version, r.component, r.stanza, r.directory, r.files, r."tagBuild", ${now}
    from json_to_recordset(${JSON.stringify(sources)}::json) as r (name text, version text, component text, stanza text,
      directory text, files jsonb, "tagBuild" bigint)
    returning id, name, version`.execute(db);
  return rows;
}

/** Returns their ids. */
export async function insertBinaries(
  db: Db,
  repository: Label,
  binaries: readonly NewBinary[],
  now: Date,
): Promise<readonly (BinaryKey & { readonly id: number })[]> {
  if (binaries.length === 0) return [];
  const { rows } = await sql<BinaryKey & { readonly id: number }>`
    insert into binary_package (repository, name, version, architecture, source, source_version, component, control,
      filename, sha256, size, job, attempt, accepted_at)
    select ${repository}, r.name, r.version, r.architecture, r.source, r."sourceVersion", r.component, r.control,
      r.filename, r.sha256, r.size, r.job, r.attempt, ${now}
    from json_to_recordset(${JSON.stringify(binaries)}::json) as r (name text, version text, architecture text,
      source text, "sourceVersion" text, component text, control text, filename text, sha256 text, size bigint,
      job bigint, attempt int)
    returning id, name, version, architecture`.execute(db);
  return rows;
}

/** All of them wait for the next publication. */
export async function insertWaiting(
  db: Db,
  suite: SuiteName,
  { sources, binaries }: { readonly sources: readonly number[]; readonly binaries: readonly number[] },
  now: Date,
): Promise<void> {
  if (sources.length + binaries.length === 0) return;
  await sql`
    insert into publication (suite, source_package, binary_package, created_at)
    select ${suite}, id, null::bigint, ${now}::timestamptz from unnest(${sources}::bigint[]) as id
    union all
    select ${suite}, null, id, ${now} from unnest(${binaries}::bigint[]) as id`.execute(db);
}
