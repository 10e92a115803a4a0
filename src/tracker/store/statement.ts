/** Signed statements. */
import type { Selectable } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { StatementTable } from '../../db/schema.ts';
import { bound } from './bound.ts';

export type StatementRow = Selectable<StatementTable>;

/** Statements about a file, or the rows of one envelope, by SHA-256. */
export async function readStatements(db: Db, sha256: string): Promise<StatementRow[]> {
  return db
    .selectFrom('statement')
    .selectAll()
    .where((eb) => eb.or([eb('sha256', '=', sha256), eb('subject_sha256', '=', sha256)]))
    .orderBy('created_at')
    .orderBy('subject_name')
    .limit(bound)
    .execute();
}

export async function readStatementsOf(db: Db, job: number, envelopes: readonly string[]): Promise<StatementRow[]> {
  if (envelopes.length === 0) return [];
  return db
    .selectFrom('statement')
    .selectAll()
    .where('sha256', 'in', envelopes)
    .where('job', '=', job)
    .orderBy('subject_name')
    .limit(bound)
    .execute();
}
