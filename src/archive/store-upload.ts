/** What an upload by a person is compared with. */
import type { Label, SuiteName } from '../model/names.ts';
import type { Db } from './store.ts';

export type LiveSource = { readonly name: string; readonly version: string };
export type LiveBinary = LiveSource & { readonly architecture: string; readonly source: string };

/** Versions of a source package that are in the suite or wait to be. */
export async function liveSourceVersions(db: Db, suite: SuiteName, name: string): Promise<string[]> {
  const rows = await db
    .selectFrom('publication as p')
    .innerJoin('source_package as s', 's.id', 'p.source_package')
    .select('s.version')
    .where('p.suite', '=', suite)
    .where('p.state', 'in', ['PENDING', 'PUBLISHED'])
    .where('s.name', '=', name)
    .execute();
  return rows.map((row) => row.version);
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
    .where('b.name', 'in', [...names])
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
          .where('name', 'in', [...sources])
          .execute(),
    binaries.length === 0
      ? []
      : db
          .selectFrom('binary_package')
          .select('name')
          .distinct()
          .where('repository', '=', repository)
          .where('name', 'in', [...binaries])
          .execute(),
  ]);
  const without = (all: readonly string[], known: readonly { readonly name: string }[]) => {
    const had = new Set(known.map((row) => row.name));
    return [...new Set(all)].filter((name) => !had.has(name));
  };
  return { sources: without(sources, knownSources), binaries: without(binaries, knownBinaries) };
}

/** Of packages of a source that no job has made. */
export async function listUploadedArchitectures(
  db: Db,
  repository: Label,
  source: string,
  version: string,
): Promise<string[]> {
  const rows = await db
    .selectFrom('binary_package')
    .select('architecture')
    .distinct()
    .where('repository', '=', repository)
    .where('source', '=', source)
    .where('source_version', '=', version)
    .where('job', 'is', null)
    .execute();
  return rows.map((row) => row.architecture);
}
