/** Packages of our own repositories, from the tables of the archive: there as soon as they are published. */
import { sql, type RawBuilder } from 'kysely';

import type { Db } from '../../../db/connect.ts';
import type { Sha256 } from '../../../kit/digest.ts';
import type { InputFile } from '../../../model/job.ts';
import type { SnapshotId } from '../../../model/names.ts';
import type { BinaryFact, FactSource, FileFact } from './facts.ts';

export function ownFacts(db: Db): FactSource {
  return {
    sourceNames: async () => {
      const { rows } = await sql<{ name: string }>`
        select distinct s.name from source_package s join publication p on p.source_package = s.id
        where p.first_snapshot is not null`.execute(db);
      return rows.map(({ name }) => name);
    },
    sources: async (name, version) => {
      const rows = await sourceRows(
        db,
        version === undefined ? sql`s.name = ${name}` : sql`s.name = ${name} and s.version = ${version}`,
      );
      return rows.map((row) => ({ version: row.version, files: row.files.map((file) => sourceFile(row, file)) }));
    },
    binaries: async (query) => {
      if ('source' in query) {
        return binaryRows(db, sql`b.source = ${query.source} and b.source_version = ${query.sourceVersion}`);
      }
      const { name, version } = query;
      return binaryRows(
        db,
        version === undefined ? sql`b.name = ${name}` : sql`b.name = ${name} and b.version = ${version}`,
      );
    },
    files: async (sha256) => {
      const sources = await sourceRows(db, sql`s.files @> ${JSON.stringify([{ sha256 }])}::jsonb`);
      const binaries = await binaryRows(db, sql`b.sha256 = ${sha256}`);
      return [
        ...sources.flatMap((row) =>
          row.files.filter((file) => file.sha256 === sha256).map((file) => sourceFile(row, file)),
        ),
        ...binaries.map(({ file }) => file),
      ];
    },
  };
}

/** All moments at which something of a repository was published, oldest first, by repository. */
export async function publishedMoments(db: Db): Promise<Map<string, SnapshotId[]>> {
  const { rows } = await sql<{ repository: string; snapshot_id: SnapshotId }>`
    select distinct repository, snapshot_id from snapshot where state = 'published'
    order by repository, snapshot_id`.execute(db);
  const moments = new Map<string, SnapshotId[]>();
  for (const { repository, snapshot_id: id } of rows) {
    const found = moments.get(repository);
    if (found === undefined) moments.set(repository, [id]);
    else found.push(id);
  }
  return moments;
}

type SourceRow = {
  readonly repository: string;
  readonly version: string;
  readonly directory: string;
  readonly files: readonly InputFile[];
  readonly first_seen: SnapshotId;
};

async function sourceRows(db: Db, condition: RawBuilder<unknown>): Promise<SourceRow[]> {
  const { rows } = await sql<SourceRow>`
    select s.repository, s.version, s.directory, s.files, min(n.snapshot_id) as first_seen
    from source_package s
    join publication p on p.source_package = s.id
    join snapshot n on n.suite = p.suite and n.number = p.first_snapshot and n.state = 'published'
    where ${condition} group by s.id order by s.repository, s.version`.execute(db);
  return rows;
}

function sourceFile(row: SourceRow, { name, sha256, size }: InputFile): FileFact {
  return {
    ...{ name, size, sha256: sha256 as Sha256 },
    ...{ archive: row.repository, path: `/${row.directory}`, firstSeen: row.first_seen, from: { kind: 'ours' } },
  };
}

type BinaryRow = {
  readonly repository: string;
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: string;
  readonly source_version: string;
  readonly filename: string;
  readonly sha256: Sha256;
  readonly size: number;
  readonly first_seen: SnapshotId;
};

async function binaryRows(db: Db, condition: RawBuilder<unknown>): Promise<BinaryFact[]> {
  const { rows } = await sql<BinaryRow>`
    select b.repository, b.name, b.version, b.architecture, b.source, b.source_version, b.filename, b.sha256, b.size,
      min(n.snapshot_id) as first_seen
    from binary_package b
    join publication p on p.binary_package = b.id
    join snapshot n on n.suite = p.suite and n.number = p.first_snapshot and n.state = 'published'
    where ${condition} group by b.id order by b.repository, b.name, b.version, b.architecture`.execute(db);
  return rows.map(({ name, version, architecture, source, source_version: sourceVersion, ...row }) => ({
    ...{ name, version, architecture, source, sourceVersion },
    file: {
      ...{ sha256: row.sha256, size: row.size, archive: row.repository, firstSeen: row.first_seen },
      ...splitPath(row.filename),
      from: { kind: 'ours' },
    },
  }));
}

/** `pool/main/h/hello/hello_1_amd64.deb` → its folder as the API has it, and its name. */
export function splitPath(filename: string): { readonly path: string; readonly name: string } {
  const slash = filename.lastIndexOf('/');
  return { path: `/${filename.slice(0, Math.max(0, slash))}`, name: filename.slice(slash + 1) };
}
