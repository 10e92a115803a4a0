/** Where package versions were, and when. */
import { sql, type RawBuilder } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { PackageEntry } from '../../model/index-history.ts';
import type { SnapshotId } from '../../model/names.ts';
import type { Sighting } from '../types.ts';
import { stanzaColumns, toEntry, type StanzaRow } from './entries.ts';

/** One of `name`, `source` and `sha256` should be given; without any there is no answer. */
export type WhereQuery = {
  readonly name?: string | undefined;
  /** Name of a source package: itself, and what was built from it. */
  readonly source?: string | undefined;
  readonly sha256?: string | undefined;
  readonly version?: string | undefined;
  readonly architecture?: string | undefined;
  readonly kind?: PackageEntry['kind'] | undefined;
  readonly origin?: string | undefined;
  readonly suite?: string | undefined;
};

/** So many intervals are read at most, before those that differ only in text are joined. */
const mostRows = 20_000;

type Row = StanzaRow & {
  readonly origin: string;
  readonly suite: string;
  readonly component: string;
  readonly since: SnapshotId;
  readonly until: SnapshotId | null;
};

/** Newest first. Texts of one package version that differ in words only (a description, a tag) count as one. */
export async function whereWas(db: Db, query: WhereQuery): Promise<Sighting[]> {
  const { name, source, sha256, version, architecture, kind, origin, suite } = query;
  if (name === undefined && source === undefined && (sha256 ?? '') === '') return [];
  const conditions: RawBuilder<unknown>[] = [];
  if (name !== undefined) conditions.push(sql`s.name = ${name}`);
  if (source !== undefined) {
    conditions.push(sql`((s.kind = 'binary' and s.source = ${source}) or (s.kind = 'source' and s.name = ${source}))`);
  }
  if (sha256 !== undefined) conditions.push(sql`s.sha256 = ${sha256}`);
  if (version !== undefined) conditions.push(sql`s.version = ${version}`);
  if (architecture !== undefined) conditions.push(sql`s.architecture = ${architecture}`);
  if (kind !== undefined) conditions.push(sql`s.kind = ${kind}`);
  if (origin !== undefined) conditions.push(sql`i.origin = ${origin}`);
  if (suite !== undefined) conditions.push(sql`i.suite = ${suite}`);
  const { rows } = await sql<Row>`
    select ${stanzaColumns}, i.origin, i.suite, i.component, p.since, p.until
    from stanza s join presence p on p.piece = s.piece join history_index i on i.id = p.index
    where ${sql.join(conditions, sql` and `)}
    order by p.since desc limit ${mostRows}`.execute(db);
  return joinSightings(rows);
}

/** Rows by package version and place; of each, intervals that meet or overlap become one. */
function joinSightings(rows: readonly Row[]): Sighting[] {
  const places = new Map<string, Row[]>();
  for (const row of rows) {
    const { origin, suite, component, kind, name, version, architecture, sha256 } = row;
    const key = [origin, suite, component, kind, name, version, architecture, sha256].join('\n');
    const found = places.get(key);
    if (found === undefined) places.set(key, [row]);
    else found.push(row);
  }
  return [...places.values()].flatMap(joinIntervals).toSorted(newestFirst);
}

function joinIntervals(rows: readonly Row[]): Sighting[] {
  const sightings: { -readonly [K in keyof Sighting]: Sighting[K] }[] = [];
  for (const row of rows.toSorted((a, b) => compare(a.since, b.since))) {
    const { origin, suite, component, since, until } = row;
    const last = sightings.at(-1);
    if (last === undefined || (last.until !== undefined && last.until < since)) {
      const entry = toEntry(row, component);
      sightings.push({ origin, suite, component, entry, since, ...(until === null ? {} : { until }) });
      continue;
    }
    last.entry = toEntry(row, component);
    if (until === null) delete last.until;
    else if (last.until !== undefined && last.until < until) last.until = until;
  }
  return sightings;
}

function newestFirst(a: Sighting, b: Sighting): number {
  return (
    compare(b.since, a.since) ||
    compare(b.until ?? '~', a.until ?? '~') ||
    compare(a.entry.name, b.entry.name) ||
    compare(a.entry.architecture, b.entry.architecture) ||
    compare(a.entry.version, b.entry.version)
  );
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

export type HashSighting = {
  readonly origin: string;
  readonly sha256: string;
  readonly since: SnapshotId;
  readonly until?: SnapshotId;
};

/** Which files a package version had, in each origin, from its first to its last snapshot. */
export async function hashesOf(
  db: Db,
  { name, architecture, version }: { readonly name: string; readonly architecture: string; readonly version: string },
): Promise<HashSighting[]> {
  const { rows } = await sql<{ origin: string; sha256: string; since: SnapshotId; until: SnapshotId | null }>`
    select i.origin, s.sha256, min(p.since) as since,
      case when bool_or(p.until is null) then null else max(p.until) end as until
    from stanza s join presence p on p.piece = s.piece join history_index i on i.id = p.index
    where s.name = ${name} and s.architecture = ${architecture} and s.version = ${version} and s.sha256 <> ''
    group by i.origin, s.sha256 order by i.origin, min(p.since)`.execute(db);
  return rows.map(({ until, ...row }) => ({ ...row, ...(until === null ? {} : { until }) }));
}
