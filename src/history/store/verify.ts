/** What the tables say of indexes, for whoever compares it with the store. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { Sha256 } from '../../kit/digest.ts';
import type { IndexKind, SnapshotRef } from '../../model/index-history.ts';

export type ReleaseRow = SnapshotRef & { readonly release: Sha256 };

export async function listReleases(db: Db): Promise<ReleaseRow[]> {
  const { rows } = await sql<ReleaseRow>`
    select origin, suite, snapshot_id as "snapshotId", release_sha256 as release from history_snapshot
    where release_sha256 is not null order by origin, suite, snapshot_id`.execute(db);
  return rows;
}

export type VersionRow = {
  readonly index: number;
  readonly origin: string;
  readonly suite: string;
  readonly path: string;
  readonly kind: IndexKind;
  readonly since: string;
  readonly sha256: Sha256;
  readonly size: number;
  /** Whether it is what the index holds today. */
  readonly isNewest: boolean;
};

export async function listVersions(db: Db): Promise<VersionRow[]> {
  const { rows } = await sql<VersionRow>`
    select v.index, i.origin, i.suite, i.path, i.kind, v.since, v.sha256, v.size, v.until is null as "isNewest"
    from history_index_version v join history_index i on i.id = v.index
    order by v.index, v.since`.execute(db);
  return rows;
}

/** Pieces that stand in the index today. */
export async function presentPieces(db: Db, index: number): Promise<Uint32Array> {
  const { rows } = await sql<{ piece: number }>`
    select piece from presence where index = ${index} and until is null order by piece`.execute(db);
  return Uint32Array.from(rows, ({ piece }) => piece);
}

export type StanzaRow = {
  readonly piece: number;
  readonly kind: 'binary' | 'source';
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: string;
  readonly sourceVersion: string;
  readonly sha256: string;
  readonly size: number;
};

export async function readStanzaRows(db: Db, pieces: readonly number[]): Promise<Map<number, StanzaRow>> {
  const { rows } = await sql<StanzaRow>`
    select piece, kind, name, version, architecture, source, source_version as "sourceVersion", sha256, size
    from stanza where piece = any(${`{${pieces.join(',')}}`}::int[])`.execute(db);
  return new Map(rows.map((row) => [row.piece, row]));
}

export async function boundStore(db: Db): Promise<string | undefined> {
  return (await db.selectFrom('history_store').select('id').limit(1).executeTakeFirst())?.id;
}
