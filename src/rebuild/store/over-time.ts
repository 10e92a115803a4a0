/** How many files of a place had which verdict, over time. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { Verdict } from '../../model/rebuild.ts';
import type { VerdictCounts } from './counts.ts';
import type { Believed } from './reading.ts';

export type CountsAt = { readonly at: Date; readonly counts: VerdictCounts };

/** Points of a plot: no page needs more. */
const mostPoints = 60;

/** How many files of a place had which verdict at moments from the first rebuild to `until`; each package by its newest. */
export async function countsOverTime(
  db: Db,
  { place, architecture }: { readonly place: string; readonly architecture: string | undefined },
  { foreign }: Believed,
  until: Date,
): Promise<CountsAt[]> {
  const { rows } = await sql<{ readonly at: Date; readonly verdict: Verdict; readonly change: number }>`
    with said as (
      select f.verdict, r.finished_at as since,
        lead(f.verdict) over file as next, lead(r.finished_at) over file as until
      from rebuild_file f join rebuild r on r.id = f.rebuild
      where r.place = ${place} and (r.origin = 'own' or r.rebuilder = any(${[...foreign]}::text[]))
        and (${architecture ?? null}::text is null or f.architecture = ${architecture ?? null})
        and (f.verdict <> 'unknown' or not exists (
          select from rebuild_file o where o.sha256 = f.sha256 and o.rebuild < f.rebuild and o.verdict <> 'unknown'))
      window file as (partition by f.name, f.architecture order by r.finished_at, r.id)
    ),
    changes as (
      select since as at, verdict, 1 as change from said
      union all
      select until, verdict, -1 from said where next is not null
    )
    select at, verdict, sum(change)::int as change from changes where at <= ${until} group by 1, 2 order by 1`.execute(
    db,
  );
  const [first] = rows;
  if (first === undefined) return [];
  const step = Math.max(1, (until.getTime() - first.at.getTime()) / (mostPoints - 1));
  const running: Record<Verdict, number> = { reproduced: 0, differs: 0, unknown: 0, failed: 0 };
  const points: CountsAt[] = [];
  let next = 0;
  for (let time = first.at.getTime(); points.length < mostPoints; time += step) {
    for (; next < rows.length && rows[next]!.at.getTime() <= Math.ceil(time); next++) {
      running[rows[next]!.verdict] += rows[next]!.change;
    }
    points.push({ at: new Date(time), counts: { ...running } });
  }
  return points;
}
