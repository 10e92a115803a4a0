/** Rows of `contents_piece`: in which pieces of Contents indexes a package's files are. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import { ints, texts } from './arrays.ts';

/** So many rows are written by one statement. */
const batch = 50_000;

/** Pieces by package; those that are there already are passed over. */
export async function addContentsPieces(trx: Db, found: ReadonlyMap<string, readonly number[]>): Promise<void> {
  let [packages, pieces]: [string[], number[]] = [[], []];
  const flush = async () => {
    if (packages.length === 0) return;
    await sql`
      insert into contents_piece (package, piece) select * from unnest(${texts(packages)}, ${ints(pieces)})
      on conflict do nothing`.execute(trx);
    [packages, pieces] = [[], []];
  };
  // Sorted, the table's index grows from left to right.
  for (const name of [...found.keys()].toSorted()) {
    for (const piece of found.get(name)!) {
      packages.push(name);
      pieces.push(piece);
    }
    if (packages.length >= batch) await flush();
  }
  await flush();
}

/** In every version of every Contents index. */
export async function contentsPieces(db: Db, name: string): Promise<number[]> {
  const rows = await db.selectFrom('contents_piece').select('piece').where('package', '=', name).execute();
  return rows.map((row) => row.piece);
}
