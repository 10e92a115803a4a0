/** Which bytes the paths of the pools stand for. */
import type { Db } from '../db/connect.ts';
import type { Sha256 } from '../kit/digest.ts';
import type { Label } from '../model/names.ts';

export type PoolName = { readonly repository: Label; readonly path: string; readonly sha256: Sha256 };

/** What stands under one path of a repository: `pool/main/h/hello/hello_2.10-3_amd64.deb`. */
export async function findPoolFile(db: Db, repository: Label, path: string): Promise<Sha256 | undefined> {
  const row = await db
    .selectFrom('pool_file')
    .select('sha256')
    .where('repository', '=', repository)
    .where('path', '=', path)
    .executeTakeFirst();
  return row?.sha256 as Sha256 | undefined;
}

export async function listPoolFiles(db: Db, repository: Label): Promise<PoolName[]> {
  return (await poolNames(db).where('repository', '=', repository).orderBy('path').execute()) as PoolName[];
}

/** All names of these blobs, in every repository. */
export async function namesOfBlobs(db: Db, digests: readonly Sha256[]): Promise<PoolName[]> {
  if (digests.length === 0) return [];
  return (await poolNames(db).where('sha256', 'in', digests).execute()) as PoolName[];
}

function poolNames(db: Db) {
  return db.selectFrom('pool_file').select(['repository', 'path', 'sha256']);
}
