/** Who could rebuild, and who built the original. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { Pools } from '../choose-pool.ts';

/** Of an architecture, for published files. Where a worker has been moved since, both its pools are the original's. */
export async function readPools(db: Db, architecture: string, originals: readonly string[]): Promise<Pools> {
  const [able, builders] = await Promise.all([
    sql<{ pool: string; load: number }>`
      select w.pool, (
        select count(*) from job j where j.pool = w.pool and j.state in ('Needs-Build', 'Building')
      )::float8 / count(*) as load
      from worker w where w.state = 'approved' and ${architecture} = any(w.architectures)
      group by w.pool`.execute(db),
    sql<{ pool: string }>`
      with built as (select distinct job, attempt from binary_package where sha256 = any(${[...originals]}::text[]))
      select j.pool from built join job j on j.id = built.job
      union
      select w.pool from built join attempt a on a.job = built.job and a.number = built.attempt
      join worker w on w.name = a.worker`.execute(db),
  ]);
  return { able: able.rows, builders: builders.rows.map(({ pool }) => pool) };
}
