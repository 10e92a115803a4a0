/** Which files packages have, in the archive's tables. */
import { sql } from 'kysely';

import type { Db } from './store.ts';

export type PackageContentsRow = {
  readonly sha256: string;
  /** Sorted, each with LF behind it, as zstd. */
  readonly paths: Uint8Array;
  /** Why there are none. */
  readonly problem: string | null;
};

/** Those of the packages that have been read before. */
export async function findKnownContents(db: Db, digests: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('package_contents')
    .select('sha256')
    .where(sql<boolean>`sha256 = any(${digests})`)
    .execute();
  return new Set(rows.map((row) => row.sha256));
}

/** The compressed paths of each. */
export async function findContents(db: Db, digests: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
  const rows = await db
    .selectFrom('package_contents')
    .select(['sha256', 'paths'])
    .where(sql<boolean>`sha256 = any(${digests})`)
    .execute();
  return new Map(rows.map((row) => [row.sha256, row.paths]));
}

/** Those of the packages whose files could not be read, and why. */
export async function findProblems(db: Db, digests: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await db
    .selectFrom('package_contents')
    .select(['sha256', 'problem'])
    .where('problem', 'is not', null)
    .where(sql<boolean>`sha256 = any(${digests})`)
    .execute();
  return new Map(rows.map((row) => [row.sha256, row.problem!]));
}

/** What is there already stays. */
export async function insertContents(db: Db, { sha256, paths, problem }: PackageContentsRow): Promise<void> {
  await db
    .insertInto('package_contents')
    .values({ sha256, paths: Buffer.from(paths), problem })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
