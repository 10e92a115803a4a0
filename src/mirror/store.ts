/** What the database knows of the pool: the hash that each file was accepted with. */
import type { Db } from '../db/connect.ts';
import { parseSha256, type Sha256 } from '../kit/digest.ts';
import type { Label } from '../model/names.ts';

/** Paths begin with `pool/`. */
export async function poolDigests(db: Db, repository: Label): Promise<ReadonlyMap<string, Sha256>> {
  const rows = await db
    .selectFrom('pool_file')
    .select(['path', 'sha256'])
    .where('repository', '=', repository)
    .execute();
  return new Map(rows.map((row) => [row.path, parseSha256(row.sha256)]));
}
