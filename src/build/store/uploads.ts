/** Which files an attempt has brought itself. A hash that a worker merely knows is not a file that it built. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { Sha256 } from '../../kit/digest.ts';
import type { Holder } from './leases.ts';

/** Once the file is stored. Only the holder of the lease is here. */
export async function noteUpload(db: Db, { job, attempt, worker }: Holder, digest: Sha256): Promise<void> {
  await sql`
    update attempt set uploaded = array_append(uploaded, ${digest}::text)
    where job = ${job} and number = ${attempt} and worker = ${worker} and not ${digest}::text = any(uploaded)`.execute(
    db,
  );
}

export async function uploadsOf(db: Db, { job, attempt, worker }: Holder): Promise<ReadonlySet<string>> {
  const row = await db
    .selectFrom('attempt')
    .select('uploaded')
    .where('job', '=', job)
    .where('number', '=', attempt)
    .where('worker', '=', worker)
    .executeTakeFirst();
  return new Set(row?.uploaded);
}
