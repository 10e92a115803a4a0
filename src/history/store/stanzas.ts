/** Rows of `stanza` and `relation`: what stanzas say, once for each distinct text. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { PieceSet } from '../piece-set.ts';
import type { RelationTargets, StanzaFacts } from '../stanza-facts.ts';
import { bigints, ints, texts } from './arrays.ts';

/** Of the pieces, those that have no row yet, in order. */
export async function unreadPieces(trx: Db, pieces: PieceSet): Promise<number[]> {
  if (pieces.length === 0) return [];
  const { rows } = await sql<{ piece: number }>`
    select n.piece from unnest(${ints(pieces)}) as n(piece)
    where not exists (select from stanza s where s.piece = n.piece) order by 1`.execute(trx);
  return rows.map((row) => row.piece);
}

export async function addStanzas(trx: Db, stanzas: readonly StanzaFacts[]): Promise<void> {
  if (stanzas.length === 0) return;
  await sql`
    insert into stanza (piece, kind, name, version, architecture, source, source_version, sha256, size)
    select * from unnest(
      ${ints(stanzas.map((each) => each.piece))},
      ${texts(stanzas.map((each) => each.kind))},
      ${texts(stanzas.map((each) => each.name))},
      ${texts(stanzas.map((each) => each.version))},
      ${texts(stanzas.map((each) => each.architecture))},
      ${texts(stanzas.map((each) => each.source))},
      ${texts(stanzas.map((each) => each.sourceVersion))},
      ${texts(stanzas.map((each) => each.sha256))},
      ${bigints(stanzas.map((each) => each.size))})`.execute(trx);
}

/** So many rows are written by one statement. */
const batch = 50_000;

/** Sorted by target: the index of the table then grows from left to right. */
export async function addRelations(trx: Db, relations: RelationTargets): Promise<void> {
  let [targets, fields, names, pieces]: [string[], number[], string[], number[]] = [[], [], [], []];
  const flush = async () => {
    if (targets.length === 0) return;
    await sql`
      insert into relation (target, field, name, piece)
      select * from unnest(${texts(targets)}, ${ints(fields)}::smallint[], ${texts(names)}, ${ints(pieces)})`.execute(
      trx,
    );
    [targets, fields, names, pieces] = [[], [], [], []];
  };
  for (const target of relations.targets()) {
    for (const { field, name, piece } of relations.of(target)) {
      targets.push(target);
      fields.push(field);
      names.push(name);
      pieces.push(piece);
    }
    if (targets.length >= batch) await flush();
  }
  await flush();
}
