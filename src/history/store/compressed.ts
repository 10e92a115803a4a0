/** Rows of `compressed_index`: of which index a compressed file is, and how its bytes are made again. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { Sha256 } from '../../kit/digest.ts';

/** `kept`: the bytes are a blob. `unproved`: so they are, and no encoder was tried yet. Otherwise the encoder's name. */
export type CompressedRow = {
  readonly sha256: Sha256;
  readonly indexSha256: Sha256;
  readonly size: number;
  readonly encoder: string;
};

/** No change when the file is known. */
export async function addCompressed(db: Db, row: CompressedRow): Promise<void> {
  await db
    .insertInto('compressed_index')
    .values({ sha256: row.sha256, index_sha256: row.indexSha256, size: row.size, encoder: row.encoder })
    .onConflict((conflict) => conflict.column('sha256').doNothing())
    .execute();
}

export async function findCompressed(db: Db, sha256: Sha256): Promise<CompressedRow | undefined> {
  const { rows } = await sql<CompressedRow>`
    select sha256, index_sha256 as "indexSha256", size, encoder from compressed_index
    where sha256 = ${sha256}`.execute(db);
  return rows[0];
}

/** All, or those with this encoder. */
export async function listCompressed(db: Db, encoder?: string): Promise<CompressedRow[]> {
  const { rows } = await sql<CompressedRow>`
    select sha256, index_sha256 as "indexSha256", size, encoder from compressed_index
    where ${encoder ?? null}::text is null or encoder = ${encoder ?? null}
    order by index_sha256, sha256`.execute(db);
  return rows;
}

export async function setEncoder(db: Db, sha256: Sha256, encoder: string): Promise<void> {
  await db.updateTable('compressed_index').set({ encoder }).where('sha256', '=', sha256).execute();
}
