/** What an administrator's operation on a suite looks at. */
import type { SuiteName } from '../model/names.ts';
import type { Db } from './store.ts';

export type PublishedSource = { readonly id: number; readonly name: string; readonly version: string };
export type PublishedBinary = PublishedSource & {
  readonly publication: number;
  readonly architecture: string;
  readonly component: string;
  readonly source: string;
  readonly sourceVersion: string;
};

/** Source packages of these names in the suite's newest snapshot. */
export async function publishedSources(db: Db, suite: SuiteName, names: readonly string[]): Promise<PublishedSource[]> {
  return db
    .selectFrom('publication as p')
    .innerJoin('source_package as s', 's.id', 'p.source_package')
    .select(['s.id', 's.name', 's.version'])
    .where('p.suite', '=', suite)
    .where('p.state', '=', 'PUBLISHED')
    .where('s.name', 'in', [...names])
    .orderBy('s.id')
    .execute();
}

/** Binary packages of these sources in the suite's newest snapshot. */
export async function publishedBinaries(
  db: Db,
  suite: SuiteName,
  sources: readonly string[],
): Promise<PublishedBinary[]> {
  const rows = await db
    .selectFrom('publication as p')
    .innerJoin('binary_package as b', 'b.id', 'p.binary_package')
    .select(['p.id as publication', 'b.id', 'b.name', 'b.version', 'b.architecture', 'b.component'])
    .select(['b.source', 'b.source_version'])
    .where('p.suite', '=', suite)
    .where('p.state', '=', 'PUBLISHED')
    .where('b.source', 'in', [...sources])
    .orderBy('b.id')
    .execute();
  return rows.map(({ source_version, ...row }) => ({ ...row, sourceVersion: source_version }));
}
