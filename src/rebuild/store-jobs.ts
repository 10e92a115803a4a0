/** Which of our own jobs built a published file. */
import { sql } from 'kysely';

import type { Db } from '../db/connect.ts';
import type { Sha256 } from '../kit/digest.ts';
import type { JobId, JobSpec } from '../model/job.ts';

export type BuiltBy = {
  readonly sha256: Sha256;
  readonly job: JobId;
  readonly spec: JobSpec;
  /** The .buildinfo that its attempt left. */
  readonly buildinfo: Sha256 | undefined;
  /** Seconds since the epoch. */
  readonly builtAt: number;
};

/** By file; none for what nobody here built. */
export async function jobsOfFiles(db: Db, files: readonly Sha256[]): Promise<BuiltBy[]> {
  const { rows } = await sql<BuiltBy>`
    select distinct on (b.sha256) b.sha256, j.id as job, j.spec,
      (select f ->> 'sha256' from jsonb_array_elements(a.files) f where f ->> 'name' like '%.buildinfo' limit 1)
        as buildinfo, extract(epoch from a.started_at)::int as "builtAt"
    from binary_package b join job j on j.id = b.job
    join attempt a on a.job = j.id and a.number = b.attempt
    where b.sha256 = any(${files}) order by b.sha256, b.id`.execute(db);
  return rows.map((row) => ({ ...row, buildinfo: row.buildinfo ?? undefined }));
}
