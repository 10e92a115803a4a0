/** Who names a package in one of its fields. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { PackageEntry, SnapshotRef } from '../../model/index-history.ts';
import { relationFields, type RelationField } from '../../model/relation-field.ts';
import { ints } from './arrays.ts';
import { stanzaColumns, toEntry, type StanzaRow } from './entries.ts';
import { indexesAt } from './indexes.ts';

export type RelationQuery = {
  /** Name of a binary package, real or virtual. */
  readonly target: string;
  readonly ref: SnapshotRef;
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: string;
};

export type RelationPage = {
  /** By field in the order of `relationFields`, then by name. */
  readonly items: { readonly field: RelationField; readonly entry: PackageEntry }[];
  /** Of all pages, but counting stops at `mostCounted`. */
  readonly total: number;
  readonly next?: string;
};

/** Some packages are named by 25,000 others. */
const mostCounted = 1000;

/** Packages of a snapshot that name `target` in a relation field. */
export async function relationsTo(db: Db, query: RelationQuery): Promise<RelationPage> {
  const { target, ref, limit } = query;
  const indexes = (await indexesAt(db, ref)).filter(({ kind }) => kind === 'packages' || kind === 'sources');
  const present = sql`
    cross join lateral (
      select index from presence p
      where p.piece = r.piece and p.index = any(${ints(indexes.map((each) => each.index))})
        and p.since <= ${ref.snapshotId} and (p.until is null or p.until > ${ref.snapshotId})
      order by index limit 1) p`;
  const after = parseCursor(query.after);
  const page = sql<StanzaRow & { readonly field: number; readonly index: number }>`
    with page as (
      select r.field, r.name, r.piece, p.index from relation r ${present}
      where r.target = ${target}
        and (r.field, r.name, r.piece) > (${after.field}::int2, ${after.name}, ${after.piece}::int8)
      order by r.field, r.name, r.piece limit ${limit + 1})
    select page.field, page.index, ${stanzaColumns} from page join stanza s on s.piece = page.piece
    order by page.field, page.name, page.piece`.execute(db);
  const counted = sql<{ total: number }>`
    select count(*) as total from (
      select from relation r ${present} where r.target = ${target} limit ${mostCounted}) as counted`.execute(db);
  const [{ rows }, { rows: totals }] = await Promise.all([page, counted]);
  const components = new Map(indexes.map((each) => [each.index, each.component]));
  const items = rows.slice(0, limit).map((row) => ({
    field: relationFields[row.field]!,
    entry: toEntry(row, components.get(row.index)!),
  }));
  const last = rows[limit - 1];
  const total = totals[0]!.total;
  return rows.length > limit && last !== undefined
    ? { items, total, next: `${last.field} ${last.name} ${last.piece}` }
    : { items, total };
}

function parseCursor(text = ''): { field: number; name: string; piece: number } {
  const match = /^(\d{1,2}) (\S+) (\d{1,10})$/.exec(text);
  if (match === null) return { field: -1, name: '', piece: 0 };
  return { field: Number(match[1]), name: match[2]!, piece: Number(match[3]) };
}
