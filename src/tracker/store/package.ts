/** Source and binary packages in the archive, and their publications. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import { bound } from './bound.ts';

export type PackageFileRow = Awaited<ReturnType<typeof readBinaryPackages>>[number];
export type SourcePackageRow = Awaited<ReturnType<typeof readSourcePackages>>[number];
export type PublicationRow = Awaited<ReturnType<typeof readPublications>>[number];
export type LivePackageRow = Awaited<ReturnType<typeof readLivePackages>>[number];

/** Names of source packages that were ever here, built or refused by name, in order. `part` must be in the name. */
export async function listSourceNames(
  db: Db,
  part: string | undefined,
  after: string | undefined,
  limit: number,
): Promise<string[]> {
  const pattern = part === undefined ? '%' : `%${part.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  const { rows } = await sql<{ name: string }>`
    select name from (
      select distinct source as name from tag_build where source is not null
      union
      select distinct name from source_package
      union
      select distinct source from binary_package
    ) as every
    where name like ${pattern} and name > ${after ?? ''}
    order by name limit ${limit}`.execute(db);
  return rows.map((row) => row.name);
}

/** Names of the source packages that a binary package was ever built from. */
export async function findSourcesOf(db: Db, binary: string): Promise<string[]> {
  const rows = await db
    .selectFrom('binary_package')
    .select('source')
    .distinct()
    .where('name', '=', binary)
    .orderBy('source')
    .limit(bound)
    .execute();
  return rows.map((row) => row.source);
}

export function readSourcePackages(db: Db, tagBuilds: readonly number[]) {
  return tagBuilds.length === 0
    ? Promise.resolve([])
    : db
        .selectFrom('source_package')
        .select(['id', 'repository', 'name', 'version', 'component', 'directory', 'files', 'tag_build', 'accepted_at'])
        .where('tag_build', 'in', tagBuilds)
        .orderBy('id')
        .limit(bound)
        .execute();
}

export function readBinaryPackages(db: Db, jobIds: readonly number[]) {
  return jobIds.length === 0
    ? Promise.resolve([])
    : db
        .selectFrom('binary_package')
        .select([
          'id',
          'repository',
          'name',
          'version',
          'architecture',
          'filename',
          'sha256',
          'size',
          'job',
          'attempt',
          'accepted_at',
        ])
        .where('job', 'in', jobIds)
        .orderBy('name')
        .orderBy('architecture')
        .limit(bound)
        .execute();
}

/** Packages of these source packages that came with them or after them, by an upload. */
export function readUploadedPackages(db: Db, sourcePackages: readonly number[]) {
  return sourcePackages.length === 0
    ? Promise.resolve([])
    : db
        .selectFrom('binary_package as b')
        .innerJoin('source_package as s', (join) =>
          join
            .onRef('s.repository', '=', 'b.repository')
            .onRef('s.name', '=', 'b.source')
            .onRef('s.version', '=', 'b.source_version'),
        )
        .select(['b.id', 'b.repository', 'b.name', 'b.version', 'b.architecture', 'b.filename', 'b.sha256', 'b.size'])
        .select(['b.job', 'b.attempt', 'b.accepted_at', 's.tag_build'])
        .where('b.job', 'is', null)
        .where('s.id', 'in', sourcePackages)
        .orderBy('b.name')
        .orderBy('b.architecture')
        .limit(bound)
        .execute();
}

export function readPublications(db: Db, sourcePackages: readonly number[], binaryPackages: readonly number[]) {
  if (sourcePackages.length + binaryPackages.length === 0) return Promise.resolve([]);
  return db
    .selectFrom('publication')
    .selectAll()
    .where((eb) =>
      eb.or([
        ...(sourcePackages.length > 0 ? [eb('source_package', 'in', sourcePackages)] : []),
        ...(binaryPackages.length > 0 ? [eb('binary_package', 'in', binaryPackages)] : []),
      ]),
    )
    .orderBy('id')
    .limit(bound * 2)
    .execute();
}

/** Every publication of these source packages and of what was built from them, whatever became of it. */
export function readLivePackages(db: Db, sources: readonly string[]) {
  if (sources.length === 0) return Promise.resolve([]);
  const source = db
    .selectFrom('publication')
    .innerJoin('source_package', 'source_package.id', 'publication.source_package')
    .select([
      'publication.suite',
      'publication.state',
      'publication.created_at',
      'publication.published_at',
      'publication.ended_at',
      'publication.first_snapshot',
      'source_package.name as source',
      'source_package.version',
      'source_package.component',
      sql<string>`'source'`.as('architecture'),
      // The patterns of what it builds for.
      sql<string | null>`(regexp_match(source_package.stanza, '^Architecture: *(.*)$', 'ni'))[1]`.as('builds_for'),
    ])
    .where('source_package.name', 'in', sources);
  const binary = db
    .selectFrom('publication')
    .innerJoin('binary_package', 'binary_package.id', 'publication.binary_package')
    .select([
      'publication.suite',
      'publication.state',
      'publication.created_at',
      'publication.published_at',
      'publication.ended_at',
      'publication.first_snapshot',
      'binary_package.source',
      'binary_package.source_version as version',
      'binary_package.component',
      'binary_package.architecture',
      sql<string | null>`null`.as('builds_for'),
    ])
    .where('binary_package.source', 'in', sources);
  return source.unionAll(binary).orderBy('created_at', 'desc').limit(20_000).execute();
}
