/** Many packages at once, with all their facts: what an import brings. */
import { sql } from 'kysely';

import type { Label, SuiteName } from '../model/names.ts';
import type { BinaryEntry, SourceEntry } from './content.ts';
import type { Db, PoolPath } from './store.ts';

/** `stanza`: with `Source`, without what the archive says of files. */
export type ImportedSource = Pick<SourceEntry, 'name' | 'version' | 'component' | 'stanza' | 'directory' | 'files'>;

/** `control`: the control file, with what the index had otherwise. */
export type ImportedBinary = Pick<
  BinaryEntry,
  | ('name' | 'version' | 'architecture' | 'source' | 'sourceVersion')
  | ('component' | 'control' | 'filename' | 'sha256' | 'size')
>;

export type KnownBinary = Pick<
  ImportedBinary,
  'name' | 'version' | 'architecture' | 'component' | 'filename' | 'sha256'
>;
export type KnownSource = Pick<ImportedSource, 'name' | 'version' | 'component' | 'directory' | 'files'>;

const partSize = 5000;

export async function knownBinaries(
  db: Db,
  repository: Label,
  asked: readonly Pick<ImportedBinary, 'name' | 'version' | 'architecture'>[],
): Promise<KnownBinary[]> {
  const found: KnownBinary[] = [];
  for (const part of partsOf(asked.map(({ name, version, architecture }) => ({ name, version, architecture })))) {
    const { rows } = await sql<KnownBinary>`
      select b.name, b.version, b.architecture, b.component, b.filename, b.sha256
      from jsonb_to_recordset(${json(part)}) as r (name text, version text, architecture text)
        join binary_package b on b.repository = ${repository} and b.name = r.name and b.version = r.version
          and b.architecture = r.architecture`.execute(db);
    found.push(...rows);
  }
  return found;
}

export async function knownSources(
  db: Db,
  repository: Label,
  asked: readonly Pick<ImportedSource, 'name' | 'version'>[],
): Promise<KnownSource[]> {
  const found: KnownSource[] = [];
  for (const part of partsOf(asked.map(({ name, version }) => ({ name, version })))) {
    const { rows } = await sql<KnownSource>`
      select s.name, s.version, s.component, s.directory, s.files
      from jsonb_to_recordset(${json(part)}) as r (name text, version text)
        join source_package s on s.repository = ${repository} and s.name = r.name and s.version = r.version`.execute(
      db,
    );
    found.push(...rows);
  }
  return found;
}

export async function knownPaths(db: Db, repository: Label, paths: readonly string[]): Promise<PoolPath[]> {
  const found: PoolPath[] = [];
  for (const part of partsOf(paths)) {
    const { rows } = await sql<PoolPath>`
      select path, sha256, size from pool_file
      where repository = ${repository} and path = any(${part}::text[])`.execute(db);
    found.push(...rows);
  }
  return found;
}

/** Writes those that are new; the caller has compared the others. */
export async function insertImported(
  db: Db,
  repository: Label,
  { sources, binaries }: { readonly sources: readonly ImportedSource[]; readonly binaries: readonly ImportedBinary[] },
  now: Date,
): Promise<void> {
  for (const part of partsOf(sources)) {
    await sql`
      insert into source_package (repository, name, version, component, stanza, directory, files, accepted_at)
      select ${repository}, r.name, r.version, r.component, r.stanza, r.directory, r.files, ${now}
      from jsonb_to_recordset(${json(part)})
        as r (name text, version text, component text, stanza text, directory text, files jsonb)
      on conflict do nothing`.execute(db);
  }
  for (const part of partsOf(binaries)) {
    await sql`
      insert into binary_package (repository, name, version, architecture, source, source_version, component, control,
        filename, sha256, size, accepted_at)
      select ${repository}, r.name, r.version, r.architecture, r.source, r."sourceVersion", r.component, r.control,
        r.filename, r.sha256, r.size, ${now}
      from jsonb_to_recordset(${json(part)}) as r (name text, version text, architecture text, source text,
        "sourceVersion" text, component text, control text, filename text, sha256 text, size bigint)
      on conflict do nothing`.execute(db);
  }
}

export async function insertPaths(db: Db, repository: Label, paths: readonly PoolPath[]): Promise<void> {
  for (const part of partsOf(paths)) {
    await sql`
      insert into pool_file (repository, path, sha256, size)
      select ${repository}, r.path, r.sha256, r.size
      from jsonb_to_recordset(${json(part)}) as r (path text, sha256 text, size bigint)
      on conflict do nothing`.execute(db);
  }
}

/** Of what the suite never had. Returns how many binary packages and sources these are. */
export async function insertPublications(
  db: Db,
  repository: Label,
  suite: SuiteName,
  {
    sources,
    binaries,
  }: {
    readonly sources: readonly Pick<ImportedSource, 'name' | 'version'>[];
    readonly binaries: readonly Pick<ImportedBinary, 'name' | 'version' | 'architecture'>[];
  },
  now: Date,
): Promise<{ readonly sources: number; readonly binaries: number }> {
  const count = { sources: 0, binaries: 0 };
  for (const part of partsOf(sources.map(({ name, version }) => ({ name, version })))) {
    const { numAffectedRows } = await sql`
      insert into publication (suite, source_package, created_at)
      select ${suite}, s.id, ${now}
      from jsonb_to_recordset(${json(part)}) as r (name text, version text)
        join source_package s on s.repository = ${repository} and s.name = r.name and s.version = r.version
      where not exists (select from publication p where p.suite = ${suite} and p.source_package = s.id)`.execute(db);
    count.sources += Number(numAffectedRows ?? 0);
  }
  for (const part of partsOf(binaries.map(({ name, version, architecture }) => ({ name, version, architecture })))) {
    const { numAffectedRows } = await sql`
      insert into publication (suite, binary_package, created_at)
      select ${suite}, b.id, ${now}
      from jsonb_to_recordset(${json(part)}) as r (name text, version text, architecture text)
        join binary_package b on b.repository = ${repository} and b.name = r.name and b.version = r.version
          and b.architecture = r.architecture
      where not exists (select from publication p where p.suite = ${suite} and p.binary_package = b.id)`.execute(db);
    count.binaries += Number(numAffectedRows ?? 0);
  }
  return count;
}

function json<T>(rows: readonly T[]) {
  return sql`${JSON.stringify(rows)}::jsonb`;
}

function partsOf<T>(rows: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(rows.length / partSize) }, (_, at) =>
    rows.slice(at * partSize, (at + 1) * partSize),
  );
}
