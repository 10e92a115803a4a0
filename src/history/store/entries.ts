/** Packages as stanzas describe them: by piece, by name, by what is in a snapshot. */
import { sql, type RawBuilder } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { PackageEntry } from '../../model/index-history.ts';
import type { SnapshotId } from '../../model/names.ts';
import type { PieceSet } from '../piece-set.ts';
import type { IndexAt } from '../types.ts';
import { ints, texts } from './arrays.ts';

export type StanzaRow = {
  readonly piece: number;
  readonly kind: PackageEntry['kind'];
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: string;
  readonly source_version: string;
  readonly sha256: string;
  readonly size: number;
};

export const stanzaColumns = sql.raw(
  's.piece, s.kind, s.name, s.version, s.architecture, s.source, s.source_version, s.sha256, s.size',
);

export function toEntry(row: StanzaRow, component: string): PackageEntry {
  const { piece, kind, name, version, architecture, source, source_version: sourceVersion, sha256, size } = row;
  return { kind, name, version, architecture, source, sourceVersion, sha256, size, component, piece };
}

/** So many are asked for at once. */
const portion = 20_000;

/** What is the same of many entries. */
export type EntryOf = Pick<PackageEntry, 'kind' | 'component'>;

/**
 * What pieces say, in any order; pieces that are no stanza are passed over. Two suites of Debian differ in 160,000
 * stanzas: they come as one text a portion, without what is said twice, which costs a third of what rows cost.
 */
export async function readEntries(db: Db, pieces: PieceSet, of: EntryOf): Promise<PackageEntry[]> {
  const portions: Promise<PackageEntry[]>[] = [];
  for (let start = 0; start < pieces.length; start += portion) {
    portions.push(readPortion(db, pieces.subarray(start, start + portion), of));
  }
  return (await Promise.all(portions)).flat();
}

/** No value can hold a tab or a line's end: whoever reads a stanza refuses them. */
async function readPortion(db: Db, pieces: PieceSet, of: EntryOf): Promise<PackageEntry[]> {
  const { rows } = await sql<{ text: string | null }>`
    select string_agg(concat_ws(chr(9), s.piece, s.size, s.name, s.version, s.architecture, s.sha256,
      case when s.source = s.name then '' else s.source end,
      case when s.source_version = s.version then '' else s.source_version end), chr(10)) || chr(10) as text
    from unnest(${ints(pieces)}) as n(piece) join stanza s on s.piece = n.piece`.execute(db);
  return parseEntries(rows[0]?.text ?? '', of);
}

function parseEntries(text: string, { kind, component }: EntryOf): PackageEntry[] {
  const entries: PackageEntry[] = [];
  let at = 0;
  const next = (end: string) => {
    const start = at;
    const stop = text.indexOf(end, start);
    at = stop + 1;
    return text.slice(start, stop);
  };
  while (at < text.length) {
    const piece = Number(next('\t'));
    const size = Number(next('\t'));
    const name = next('\t');
    const version = next('\t');
    const architecture = next('\t');
    const sha256 = next('\t');
    const source = next('\t') || name;
    const sourceVersion = next('\n') || version;
    entries.push({ kind, name, version, architecture, source, sourceVersion, sha256, size, component, piece });
  }
  return entries;
}

/** Every stanza of packages with these names, whatever snapshot it is of. */
export async function readEntriesByName(
  db: Db,
  names: readonly string[],
  { kind, component }: EntryOf,
): Promise<PackageEntry[]> {
  const { rows } = await sql<StanzaRow>`
    select ${stanzaColumns} from stanza s where s.kind = ${kind} and s.name = any(${texts(names)})`.execute(db);
  return rows.map((row) => toEntry(row, component));
}

export type EntryFilter = {
  readonly kind?: PackageEntry['kind'];
  readonly name?: string;
  /** Name of the source package. */
  readonly source?: string;
  readonly nameContains?: string;
  readonly component?: string;
  readonly architecture?: string;
  /** A name: entries behind all of that name. Or `entryCursor` of the last entry of the page before. */
  readonly after?: string;
  readonly limit?: number;
};

/** For the page behind this entry. */
export function entryCursor({ name, piece }: PackageEntry): string {
  return `${name} ${piece}`;
}

/** Entries of these indexes of one snapshot, by name; each stanza once. Stops reading at the limit. */
export async function selectEntries(
  db: Db,
  indexes: readonly IndexAt[],
  snapshotId: SnapshotId,
  filter: EntryFilter & { readonly limit: number },
): Promise<PackageEntry[]> {
  const conditions: RawBuilder<unknown>[] = [];
  const { kind, name, source, nameContains, architecture, after } = filter;
  if (kind !== undefined) conditions.push(sql`s.kind = ${kind}`);
  if (name !== undefined) conditions.push(sql`s.name = ${name}`);
  // The index on the source is one of binary packages; a source package is its own source.
  if (source !== undefined) conditions.push(ofSource(source, kind));
  if (nameContains !== undefined) conditions.push(sql`strpos(s.name, ${nameContains}) > 0`);
  if (architecture !== undefined) conditions.push(sql`s.architecture = ${architecture}`);
  if (after !== undefined) conditions.push(behind(after));
  const { rows } = await sql<StanzaRow & { readonly index: number }>`
    select ${stanzaColumns}, p.index from stanza s
    cross join lateral (
      select index from presence p
      where p.piece = s.piece and p.index = any(${ints(indexes.map((each) => each.index))})
        and p.since <= ${snapshotId} and (p.until is null or p.until > ${snapshotId})
      order by index limit 1) p
    ${conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`}
    order by s.name, s.piece limit ${filter.limit}`.execute(db);
  const components = new Map(indexes.map((each) => [each.index, each.component]));
  return rows.map((row) => toEntry(row, components.get(row.index)!));
}

function ofSource(source: string, kind: PackageEntry['kind'] | undefined): RawBuilder<unknown> {
  const binary = sql`(s.kind = 'binary' and s.source = ${source})`;
  const itself = sql`(s.kind = 'source' and s.name = ${source})`;
  if (kind === 'binary') return binary;
  return kind === 'source' ? itself : sql`(${binary} or ${itself})`;
}

function behind(after: string): RawBuilder<unknown> {
  const space = after.indexOf(' ');
  if (space === -1) return sql`s.name > ${after}`;
  const piece = Number.parseInt(after.slice(space + 1), 10);
  return sql`(s.name, s.piece) > (${after.slice(0, space)}, ${Number.isSafeInteger(piece) ? piece : 0}::int8)`;
}

/** Names that begin so, in order, source packages behind binary ones of the same name. */
export async function searchNames(
  db: Db,
  { prefix, limit }: { readonly prefix: string; readonly limit: number },
): Promise<{ name: string; kind: PackageEntry['kind'] }[]> {
  // From one name to the next by the index, however many versions each has.
  const { rows } = await sql<{ name: string; kind: PackageEntry['kind'] }>`
    with recursive found (name, kind, number) as (
      (select name, kind, 1 from stanza where name >= ${prefix} and starts_with(name, ${prefix})
       order by name, kind limit 1)
      union all
      select n.name, n.kind, found.number + 1 from found
      cross join lateral (
        select name, kind from stanza s
        where (s.name, s.kind) > (found.name, found.kind) order by name, kind limit 1) n
      where found.number < ${limit} and starts_with(n.name, ${prefix}))
    select name, kind from found`.execute(db);
  return rows;
}
