/** How many published files of a place were reproduced. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { Verdict } from '../../model/rebuild.ts';
import { newestOfFiles, type Believed } from './reading.ts';

/** `unknown` are also those that nobody has rebuilt. */
export type VerdictCounts = Readonly<Record<Verdict, number>>;
export type PlaceCounts = { readonly place: string; readonly architecture: string; readonly counts: VerdictCounts };

type Row = { readonly place: string; readonly architecture: string; readonly verdict: Verdict; readonly count: number };

/**
 * Of `suites`, our own, and of every place that a rebuild was of, by place and architecture: each file that is there now,
 * by the newest that is believed of its hash. A place that is neither a suite of ours nor followed has the files that were
 * rebuilt.
 */
export async function countPlaces(db: Db, suites: readonly string[], believed: Believed): Promise<PlaceCounts[]> {
  const { rows } = await sql<Row>`
    with newest as materialized (${newestOfFiles(db, believed)}),
    places as (select distinct place from rebuild where place is not null),
    published as (
      select p.suite as place, b.architecture, b.sha256
      from publication p join binary_package b on b.id = p.binary_package
      where p.state = 'PUBLISHED' and p.suite = any(${[...suites]}::text[])
      union
      select l.place, s.architecture, s.sha256
      from places l
      join history_index i on i.origin <> '' and l.place = i.origin || '/' || i.suite and i.kind = 'packages'
      join presence r on r.index = i.id and r.until is null
      join stanza s on s.piece = r.piece and s.kind = 'binary'
    ),
    judged as (
      select * from published
      union
      select n.place, n.architecture, n.sha256 from newest n
      where n.place is not null and n.place not in (select place from published)
    )
    select j.place, j.architecture, coalesce(n.verdict, 'unknown') as verdict, count(*) as count
    from judged j left join newest n on n.sha256 = j.sha256
    group by 1, 2, 3 order by 1, 2`.execute(db);
  const groups = Map.groupBy(rows, ({ place, architecture }) => `${place}\n${architecture}`);
  return [...groups.values()].map((group) => ({
    place: group[0]!.place,
    architecture: group[0]!.architecture,
    counts: toCounts(group),
  }));
}

function toCounts(rows: readonly Row[]): VerdictCounts {
  const counts: Record<Verdict, number> = { reproduced: 0, differs: 0, unknown: 0, failed: 0 };
  for (const { verdict, count } of rows) counts[verdict] += Number(count);
  return counts;
}
