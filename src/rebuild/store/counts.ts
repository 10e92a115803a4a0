/** How many published files of a place were reproduced. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import { order } from '../../kit/order.ts';
import type { Verdict } from '../../model/rebuild.ts';
import { statusOfFiles, stateOfRebuilds, type Believed } from './reading.ts';
import { remember } from './remember.ts';

/** `unknown` are also those that nobody has rebuilt. */
export type VerdictCounts = Readonly<Record<Verdict, number>>;
export type PlaceCounts = { readonly place: string; readonly architecture: string; readonly counts: VerdictCounts };

/** Files in all, and those that something is said of. */
type Size = { readonly place: string; readonly architecture: string; readonly files: number };
type Judged = Size & { readonly verdict: Verdict };

/**
 * Of `suites`, our own, and of every place that a rebuild was of, by place and architecture: each file that is there now,
 * by the status of its hash. A place that is neither a suite of ours nor followed has the files that were
 * rebuilt.
 */
export async function countPlaces(db: Db, suites: readonly string[], believed: Believed): Promise<PlaceCounts[]> {
  const [states, recorded] = await Promise.all([statesOf(db, suites), stateOfRebuilds(db, believed)]);
  return remember(db, 'places', JSON.stringify([states, recorded]), async () => {
    const sizes = await Promise.all(
      states.map(({ place, state }) => remember(db, `files of ${place}`, state, () => countFiles(db, place))),
    );
    return count(sizes.flat(), await countJudged(db, [...new Set(sizes.flat().map(({ place }) => place))], believed));
  });
}

function count(sizes: readonly Size[], judged: readonly Judged[]): PlaceCounts[] {
  const keyOf = ({ place, architecture }: Omit<Size, 'files'>) => `${place}\n${architecture}`;
  const groups = Map.groupBy(judged, keyOf);
  const known = new Set(sizes.map(keyOf));
  const others = [...groups].filter(([key]) => !known.has(key)).map(([, group]) => ({ ...group[0]!, files: 0 }));
  return [...sizes, ...others]
    .map(({ place, architecture, files }) => {
      const counts = toCounts(groups.get(keyOf({ place, architecture })) ?? [], files);
      return { place, architecture, counts };
    })
    .toSorted((a, b) => order(a.place, b.place) || order(a.architecture, b.architecture));
}

/** What each place is at: a suite by its snapshot, a followed one by the hashes of its indexes. */
async function statesOf(db: Db, suites: readonly string[]) {
  const { rows } = await sql<{ readonly place: string; readonly state: string }>`
    select suite as place, max(snapshot_id) as state
    from snapshot where state = 'published' and suite = any(${[...suites]}::text[])
    group by 1
    union all
    select l.place, string_agg(i.id || ' ' || v.sha256, ' ' order by i.id)
    from (select distinct place from rebuild) l
    join history_index i on i.origin <> '' and l.place = i.origin || '/' || i.suite and i.kind = 'packages'
    join history_index_version v on v.index = i.id and v.until is null
    group by 1
    order by 1`.execute(db);
  return rows;
}

/** Nothing if it has none. */
async function countFiles(db: Db, place: string): Promise<readonly Size[]> {
  const { rows } = await sql<Size>`
    select p.suite as place, b.architecture, count(distinct b.sha256) as files
    from publication p join binary_package b on b.id = p.binary_package
    where p.state = 'PUBLISHED' and p.suite = ${place}
    group by 1, 2
    union all
    select ${place}, s.architecture, count(distinct s.sha256)
    from history_index i
    join presence r on r.index = i.id and r.until is null
    join stanza s on s.piece = r.piece and s.kind = 'binary'
    where i.origin <> '' and i.kind = 'packages' and i.origin || '/' || i.suite = ${place}
    group by 2`.execute(db);
  return rows;
}

/** Of places with files and of those that only rebuilds name. Begins at what was judged, of which there is little. */
async function countJudged(db: Db, places: readonly string[], believed: Believed): Promise<readonly Judged[]> {
  const { rows } = await sql<Judged>`
    with newest as materialized (
      select sha256, verdict, place, architecture from (${statusOfFiles(db, believed)}) as each
    ),
    judged as (
      select p.suite as place, b.architecture, n.sha256, n.verdict
      from newest n
      join binary_package b on b.sha256 = n.sha256
      join publication p on p.binary_package = b.id and p.state = 'PUBLISHED' and p.suite = any(${[...places]}::text[])
      union
      select l.place, l.architecture, n.sha256, n.verdict
      from newest n
      -- Kept apart, for the planner would begin at all that is published.
      cross join lateral (
        select i.origin || '/' || i.suite as place, s.architecture
        from stanza s
        join presence r on r.piece = s.piece and r.until is null
        join history_index i on i.id = r.index and i.origin <> '' and i.kind = 'packages'
        where s.sha256 = n.sha256 and s.kind = 'binary'
        offset 0
      ) l
      where l.place = any(${[...places]}::text[])
      union
      select place, architecture, sha256, verdict from newest
      where place is not null and place <> all(${[...places]}::text[])
    )
    select place, architecture, verdict, count(*) as files from judged group by 1, 2, 3`.execute(db);
  return rows;
}

/** What nobody speaks of is unknown too. */
function toCounts(judged: readonly Judged[], size: number): VerdictCounts {
  const counts: Record<Verdict, number> = { reproduced: 0, differs: 0, unknown: 0, failed: 0 };
  for (const { verdict, files } of judged) counts[verdict] += files;
  counts.unknown += Math.max(0, size - judged.reduce((sum, { files }) => sum + files, 0));
  return counts;
}
