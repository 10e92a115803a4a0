/** Package versions that had two files in one origin. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { PieceSet } from '../piece-set.ts';
import type { HashAlarm } from '../types.ts';
import { ints } from './arrays.ts';

/** Compares stanzas that have come with all that were ever in the origin. Returns the alarms that are new or have grown. */
export async function raiseAlarms(trx: Db, origin: string, came: PieceSet, seenAt: Date): Promise<HashAlarm[]> {
  if (came.length === 0) return [];
  const { rows } = await sql<Omit<HashAlarm, 'seenAt'> & { readonly seen_at: Date }>`
    insert into hash_alarm (origin, kind, name, version, architecture, sha256, seen_at)
    select ${origin}, n.kind, n.name, n.version, n.architecture,
      (select array_agg(distinct each order by each)
       from unnest(array_agg(n.sha256) || array_agg(o.sha256)) as each),
      ${seenAt}
    from unnest(${ints(came)}) as c(piece)
    join stanza n on n.piece = c.piece
    join stanza o on o.name = n.name and o.kind = n.kind and o.version = n.version
      and o.architecture = n.architecture and o.sha256 <> n.sha256
    where n.sha256 <> '' and o.sha256 <> ''
      and exists (
        select from presence p join history_index i on i.id = p.index
        where p.piece = o.piece and i.origin = ${origin})
    group by n.kind, n.name, n.version, n.architecture
    on conflict (origin, kind, name, version, architecture) do update
      set sha256 = (
        select array_agg(distinct each order by each) from unnest(hash_alarm.sha256 || excluded.sha256) as each)
      where not hash_alarm.sha256 @> excluded.sha256
    returning *`.execute(trx);
  return rows.map(toAlarm);
}

/** Newest first. */
export async function listAlarms(
  db: Db,
  { origin, limit }: { readonly origin?: string | undefined; readonly limit: number },
): Promise<HashAlarm[]> {
  const rows = await db
    .selectFrom('hash_alarm')
    .selectAll()
    .$if(origin !== undefined, (query) => query.where('origin', '=', origin!))
    .orderBy('seen_at', 'desc')
    .orderBy('name')
    .orderBy('version')
    .limit(limit)
    .execute();
  return rows.map(toAlarm);
}

function toAlarm({ seen_at: seenAt, ...row }: Omit<HashAlarm, 'seenAt'> & { readonly seen_at: Date }): HashAlarm {
  return { ...row, seenAt };
}
