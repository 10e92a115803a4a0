/** Suites that somebody has frozen, beside those that sheaf.toml freezes. */
import type { Db } from './connect.ts';

/** Since when, whose doing it is, and why. */
export type Freeze = { readonly since: Date; readonly by: string; readonly reason: string | undefined };

export async function readFreeze(db: Db, suite: string): Promise<Freeze | undefined> {
  return (await readFreezes(db, suite)).get(suite);
}

export async function readFreezes(db: Db, suite?: string): Promise<ReadonlyMap<string, Freeze>> {
  let query = db.selectFrom('suite_freeze').selectAll();
  if (suite !== undefined) query = query.where('suite', '=', suite);
  const rows = await query.execute();
  return new Map(
    rows.map((row) => [row.suite, { since: row.since, by: row.frozen_by, reason: row.reason ?? undefined }]),
  );
}
