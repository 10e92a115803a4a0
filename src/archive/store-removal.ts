/** Removals and rollbacks in the tables: decisions are rows, and the suite's next publication carries them out. */
import { sql } from 'kysely';

import type { SuiteName } from '../model/names.ts';
import type { Db } from './store.ts';

/** A publication with the package it is about. */
export type PublicationRow = {
  readonly publication: number;
  readonly state: string;
  readonly removed: boolean;
  readonly kind: 'source' | 'binary';
  /** Of the source_package or the binary_package. */
  readonly thing: number;
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Of a source its own name and version. */
  readonly source: string;
  readonly sourceVersion: string;
};

export type PublicationFilter =
  | { readonly live: true }
  /** What the snapshot of this number has. */
  | { readonly snapshot: number };

export async function listPublications(db: Db, suite: SuiteName, filter: PublicationFilter): Promise<PublicationRow[]> {
  const which =
    'live' in filter
      ? sql`p.state in ('PENDING', 'PUBLISHED')`
      : sql`p.first_snapshot <= ${filter.snapshot} and coalesce(p.last_snapshot > ${filter.snapshot}, true)`;
  const { rows } = await sql<PublicationRow>`
    select p.id as publication, p.state, p.removed, 'source' as kind, s.id as thing, s.name, s.version,
        'source' as architecture, s.name as source, s.version as "sourceVersion"
      from publication p join source_package s on s.id = p.source_package
      where p.suite = ${suite} and ${which}
    union all
    select p.id, p.state, p.removed, 'binary', b.id, b.name, b.version, b.architecture, b.source, b.source_version
      from publication p join binary_package b on b.id = p.binary_package
      where p.suite = ${suite} and ${which}
    order by name, architecture, version, publication`.execute(db);
  return rows;
}

/** Decides for live publications whether they go with the next snapshot. */
export async function setRemoved(db: Db, ids: readonly number[], removed: boolean): Promise<void> {
  if (ids.length === 0) return;
  await db
    .updateTable('publication')
    .set({ removed })
    .where(sql<boolean>`id = any(${ids}::bigint[])`)
    .where('state', 'in', ['PENDING', 'PUBLISHED'])
    .execute();
}

/** Of what came after the snapshot of this number, what has ended for something newer ends by decision, too. */
export async function setEndedRemoved(db: Db, suite: SuiteName, snapshot: number): Promise<void> {
  await db
    .updateTable('publication')
    .set({ removed: true })
    .where('suite', '=', suite)
    .where('state', 'in', ['SUPERSEDED', 'OBSOLETE'])
    .where(sql<boolean>`coalesce(first_snapshot, last_snapshot) > ${snapshot}`)
    .execute();
}

/** Whether the suite ever had a source package of this name and version, or anything built from it; or such a binary. */
export async function everHad(
  db: Db,
  suite: SuiteName,
  kind: 'source' | 'binary',
  { name, version }: { readonly name: string; readonly version: string | undefined },
): Promise<boolean> {
  const said =
    kind === 'source'
      ? { name: sql`coalesce(s.name, b.source)`, version: sql`coalesce(s.version, b.source_version)` }
      : { name: sql`b.name`, version: sql`b.version` };
  const { rows } = await sql`
    select 1 from publication p
      left join source_package s on s.id = p.source_package left join binary_package b on b.id = p.binary_package
      where p.suite = ${suite} and ${said.name} = ${name}
        and ${version === undefined ? sql`true` : sql`${said.version} = ${version}`} limit 1`.execute(db);
  return rows.length > 0;
}

/** The number of a published snapshot, by its number or its id. */
export async function findSnapshotNumber(
  db: Db,
  suite: SuiteName,
  wanted: { readonly number: number } | { readonly id: string },
): Promise<number | undefined> {
  const row = await db
    .selectFrom('snapshot')
    .select('number')
    .where('suite', '=', suite)
    .where('state', '=', 'published')
    .$if('number' in wanted, (query) => query.where('number', '=', (wanted as { number: number }).number))
    .$if('id' in wanted, (query) => query.where('snapshot_id', '=', (wanted as { id: string }).id))
    .executeTakeFirst();
  return row?.number;
}
