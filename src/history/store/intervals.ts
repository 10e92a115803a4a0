/** Applying planned changes of intervals to the two tables that have them. */
import { sql, type RawBuilder } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { IntervalChanges } from '../intervals.ts';
import type { PieceSet } from '../piece-set.ts';
import { ints, texts } from './arrays.ts';

/** Of one index: this snapshot, the one before and the next. */
export type Position = {
  readonly index: number;
  readonly before: string | undefined;
  readonly here: string;
  readonly next: string | undefined;
};

type Table = {
  readonly name: 'presence' | 'history_index_version';
  readonly key: 'piece' | 'sha256';
  /** Columns beside index, key and interval. */
  readonly extra: readonly string[];
};

type Keys = { readonly length: number; readonly sql: RawBuilder<unknown> };

/** Of the stanzas of an index. Those that begin must have a row in `stanza`: others are passed over. */
export async function changePresence(trx: Db, at: Position, changes: IntervalChanges<PieceSet>): Promise<void> {
  const table: Table = { name: 'presence', key: 'piece', extra: [] };
  const keys = (set: PieceSet): Keys => ({ length: set.length, sql: ints(set) });
  await changeIntervals(trx, table, at, mapChanges(changes, keys));
  if (changes.begin.length === 0) return;
  await sql`
    insert into presence (index, piece, since, until)
    select ${at.index}::int, s.piece, ${at.here}, ${at.next ?? null}::text
    from unnest(${ints(changes.begin)}) as n(piece) join stanza s on s.piece = n.piece
    order by s.piece`.execute(trx);
}

/** Of the contents of an index, by their SHA-256; `size` is that of the one that is true now. */
export async function changeVersions(
  trx: Db,
  at: Position,
  changes: IntervalChanges<ReadonlySet<string>>,
  size: number,
): Promise<void> {
  const table: Table = { name: 'history_index_version', key: 'sha256', extra: ['size', 'entries'] };
  const keys = (set: ReadonlySet<string>): Keys => ({ length: set.size, sql: texts([...set]) });
  await changeIntervals(trx, table, at, mapChanges(changes, keys));
  for (const sha256 of changes.begin) {
    await trx
      .insertInto('history_index_version')
      .values({ index: at.index, since: at.here, until: at.next ?? null, sha256, size })
      .execute();
  }
}

function mapChanges<S>(changes: IntervalChanges<S>, keys: (set: S) => Keys): IntervalChanges<Keys> {
  const { end, split, beginLater, drop, join, prolong, beginEarlier, begin } = changes;
  return {
    ...{ end: keys(end), split: keys(split), beginLater: keys(beginLater), drop: keys(drop) },
    ...{ join: keys(join), prolong: keys(prolong), beginEarlier: keys(beginEarlier), begin: keys(begin) },
  };
}

/** What leaves comes first: at any time, an item has one row that begins at a snapshot. */
async function changeIntervals(trx: Db, table: Table, at: Position, changes: IntervalChanges<Keys>): Promise<void> {
  const { here, next = null } = at;
  const run = async (keys: Keys, statement: () => RawBuilder<unknown>) => {
    if (keys.length > 0) await statement().execute(trx);
  };
  const name = sql.table(table.name);
  const rows = (keys: Keys) => sql`index = ${at.index} and ${sql.ref(table.key)} = any(${keys.sql})`;
  const lasting = sql`since <= ${at.before ?? null} and (until is null or until > ${at.before ?? null})`;
  const columns = sql.join([table.key, ...table.extra].map((column) => sql.ref(column)));

  await run(
    changes.split,
    () => sql`
      with cut as (select * from ${name} where ${rows(changes.split)} and ${lasting}),
      ended as (update ${name} set until = ${here} where ${rows(changes.split)} and ${lasting})
      insert into ${name} (index, since, until, ${columns}) select index, ${next}::text, until, ${columns} from cut`,
  );
  await run(changes.end, () => sql`update ${name} set until = ${here} where ${rows(changes.end)} and ${lasting}`);
  await run(
    changes.beginLater,
    () => sql`update ${name} set since = ${next} where ${rows(changes.beginLater)} and since = ${here}`,
  );
  await run(changes.drop, () => sql`delete from ${name} where ${rows(changes.drop)} and since = ${here}`);
  await run(
    changes.join,
    () => sql`
      with later as (
        delete from ${name} where ${rows(changes.join)} and since = ${next} returning ${sql.ref(table.key)} as key, until)
      update ${name} as t set until = later.until from later
      where t.index = ${at.index} and t.${sql.ref(table.key)} = later.key and t.until = ${here}`,
  );
  await run(
    changes.prolong,
    () => sql`update ${name} set until = ${next} where ${rows(changes.prolong)} and until = ${here}`,
  );
  await run(
    changes.beginEarlier,
    () => sql`update ${name} set since = ${here} where ${rows(changes.beginEarlier)} and since = ${next}`,
  );
}
