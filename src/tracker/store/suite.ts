/** Suites and their snapshots. */
import { sql, type Selectable } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { SnapshotTable } from '../../db/schema.ts';
import { bound } from './bound.ts';

export { readFreezes } from '../../db/freezes.ts';

export type SnapshotRow = Selectable<SnapshotTable>;

/** In the order of `order`, whatever the database's own is. */
const sourceName = sql<string>`source_package.name collate "C"`;
const sourceOfBinary = sql<string>`binary_package.source collate "C"`;

/** A suite as its settings are now: what it had a place for before is in none of its indexes. */
export type SuitePlace = {
  readonly name: string;
  readonly architectures: readonly string[];
  readonly components: readonly string[];
};

/** Source packages in a suite now, by name: of each the version that was taken last. */
export async function listSuiteSources(db: Db, suite: SuitePlace, after: string | undefined, limit: number) {
  let query = suiteSources(db, suite)
    .orderBy(sourceName)
    .orderBy('publication.id', 'desc')
    .distinctOn(sourceName)
    .limit(limit);
  if (after !== undefined) query = query.where(sourceName, '>', after);
  return query.execute();
}

/** Every version that a suite has now of the source packages of these names. */
export async function readSuiteSources(db: Db, suite: SuitePlace, names: readonly string[]) {
  if (names.length === 0) return [];
  return suiteSources(db, suite)
    .where('source_package.name', 'in', [...names])
    .orderBy('publication.id')
    .execute();
}

/**
 * Names of sources that are not in a suite and have binary packages there, as rows of `listSuiteSources`; `before` is
 * excluded.
 */
export async function listMissingSources(
  db: Db,
  suite: SuitePlace,
  { after, before }: { readonly after: string | undefined; readonly before: string | undefined },
  limit: number,
) {
  let query = suiteBinaries(db, suite.name)
    .distinctOn(sourceOfBinary)
    .select([
      'binary_package.source as name',
      'binary_package.source_version as version',
      'binary_package.component',
      'publication.state',
      'publication.published_at',
      'publication.first_snapshot',
    ])
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('publication as other')
            .innerJoin('source_package', 'source_package.id', 'other.source_package')
            .select('other.id')
            .where('other.suite', '=', suite.name)
            .where('other.state', 'in', ['PENDING', 'PUBLISHED'])
            .where('source_package.component', 'in', suite.components)
            .whereRef('source_package.name', '=', 'binary_package.source'),
        ),
      ),
    )
    .where('binary_package.component', 'in', suite.components)
    .where('binary_package.architecture', 'in', ['all', ...suite.architectures])
    .orderBy(sourceOfBinary)
    .orderBy('publication.id', 'desc')
    .limit(limit);
  if (after !== undefined) query = query.where(sourceOfBinary, '>', after);
  if (before !== undefined) query = query.where(sourceOfBinary, '<', before);
  return query.execute();
}

function suiteSources(db: Db, suite: SuitePlace) {
  return db
    .selectFrom('publication')
    .innerJoin('source_package', 'source_package.id', 'publication.source_package')
    .select([
      'source_package.name',
      'source_package.version',
      'source_package.component',
      'publication.state',
      'publication.published_at',
      'publication.first_snapshot',
    ])
    .where('publication.suite', '=', suite.name)
    .where('publication.state', 'in', ['PENDING', 'PUBLISHED'])
    .where('source_package.component', 'in', suite.components);
}

function suiteBinaries(db: Db, suite: string) {
  return db
    .selectFrom('publication')
    .innerJoin('binary_package', 'binary_package.id', 'publication.binary_package')
    .where('publication.suite', '=', suite)
    .where('publication.state', 'in', ['PENDING', 'PUBLISHED']);
}

/** Binary packages in a suite now that were built from these sources. */
export async function readSuiteBinaries(db: Db, suite: string, sources: readonly string[]) {
  if (sources.length === 0) return [];
  return suiteBinaries(db, suite)
    .select([
      'binary_package.source',
      'binary_package.source_version',
      'binary_package.name',
      'binary_package.version',
      'binary_package.architecture',
      'binary_package.component',
      'binary_package.sha256',
      'publication.state',
    ])
    .where('binary_package.source', 'in', sources)
    .orderBy('binary_package.name')
    .orderBy('binary_package.architecture')
    .limit(bound * 5)
    .execute();
}

/**
 * Live publications of each suite, those of source packages by their component; of binary packages, without one, those
 * that wait for its next snapshot.
 */
export async function countSuitePackages(db: Db) {
  return db
    .selectFrom('publication')
    .leftJoin('source_package', 'source_package.id', 'publication.source_package')
    .select([
      'suite',
      'component',
      (eb) => eb.fn.count<number>('source_package').as('sources'),
      sql<number>`count(binary_package) filter (where state = 'PENDING')`.as('pendingBinaries'),
      sql<number>`count(*) filter (where state = 'PENDING')`.as('pending'),
    ])
    .where('state', 'in', ['PENDING', 'PUBLISHED'])
    .groupBy(['suite', 'component'])
    .execute();
}

export async function readNewestSnapshots(db: Db): Promise<SnapshotRow[]> {
  return db
    .selectFrom('snapshot')
    .selectAll()
    .distinctOn('suite')
    .where('state', '=', 'published')
    .orderBy('suite')
    .orderBy('number', 'desc')
    .execute();
}

/** Newest first. */
export async function listSnapshots(db: Db, suite: string, before: number | undefined, limit: number) {
  let query = db
    .selectFrom('snapshot')
    .selectAll()
    .where('suite', '=', suite)
    .where('state', '=', 'published')
    .orderBy('number', 'desc')
    .limit(limit);
  if (before !== undefined) query = query.where('number', '<', before);
  return query.execute();
}

export async function readSnapshots(db: Db, suite: string, numbers: readonly number[]): Promise<SnapshotRow[]> {
  if (numbers.length === 0) return [];
  return db.selectFrom('snapshot').selectAll().where('suite', '=', suite).where('number', 'in', numbers).execute();
}
