/** What an upload by a person is compared with. */
import { sql } from 'kysely';

import type { Label, SuiteName } from '../model/names.ts';
import type { Db } from './store.ts';

export type LiveSource = { readonly name: string; readonly version: string };
export type LiveBinary = LiveSource & { readonly architecture: string; readonly source: string };

/** Source packages of these names that are in the suite or wait to be. */
export async function liveSourcesOf(db: Db, suite: SuiteName, names: readonly string[]): Promise<LiveSource[]> {
  if (names.length === 0) return [];
  return db
    .selectFrom('publication as p')
    .innerJoin('source_package as s', 's.id', 'p.source_package')
    .select(['s.name', 's.version'])
    .where('p.suite', '=', suite)
    .where('p.state', 'in', ['PENDING', 'PUBLISHED'])
    .where(sql<boolean>`s.name = any(${names})`)
    .execute();
}

/** Binary packages of these names that are in the suite or wait to be. */
export async function liveBinariesOf(db: Db, suite: SuiteName, names: readonly string[]): Promise<LiveBinary[]> {
  if (names.length === 0) return [];
  return db
    .selectFrom('publication as p')
    .innerJoin('binary_package as b', 'b.id', 'p.binary_package')
    .select(['b.name', 'b.version', 'b.architecture', 'b.source'])
    .where('p.suite', '=', suite)
    .where('p.state', 'in', ['PENDING', 'PUBLISHED'])
    .where(sql<boolean>`b.name = any(${names})`)
    .execute();
}

/** Of these names, those that no package of the repository ever had. */
export async function unknownNames(
  db: Db,
  repository: Label,
  names: { readonly sources: readonly string[]; readonly binaries: readonly string[] },
): Promise<{ readonly sources: readonly string[]; readonly binaries: readonly string[] }> {
  const { sources, binaries } = names;
  const [knownSources, knownBinaries] = await Promise.all([
    sources.length === 0
      ? []
      : db
          .selectFrom('source_package')
          .select('name')
          .distinct()
          .where('repository', '=', repository)
          .where(sql<boolean>`name = any(${sources})`)
          .execute(),
    binaries.length === 0
      ? []
      : db
          .selectFrom('binary_package')
          .select('name')
          .distinct()
          .where('repository', '=', repository)
          .where(sql<boolean>`name = any(${binaries})`)
          .execute(),
  ]);
  const without = (all: readonly string[], known: readonly { readonly name: string }[]) => {
    const had = new Set(known.map((row) => row.name));
    return [...new Set(all)].filter((name) => !had.has(name));
  };
  return { sources: without(sources, knownSources), binaries: without(binaries, knownBinaries) };
}

/** Of packages of these sources that no job has made: in the order of the sources. */
export async function listUploadedArchitectures(
  db: Db,
  repository: Label,
  sources: readonly { readonly source: string; readonly version: string }[],
): Promise<readonly (readonly string[])[]> {
  const keys = sources.map(({ source, version }) => ({ source, version }));
  const { rows } = await sql<{ architectures: string[] }>`
    select array(select distinct b.architecture from binary_package b
        where b.repository = ${repository} and b.source = r.source and b.source_version = r.version and b.job is null
      ) as architectures
    from rows from (json_to_recordset(${JSON.stringify(keys)}::json) as (source text, version text))
      with ordinality as r (source, version, at)
    order by r.at`.execute(db);
  return rows.map((row) => row.architectures);
}
