/** Locks that jobs of a seeded database had as their environment, two of them with files. */
import { sql } from 'kysely';

import { sha256, type Sha256 } from '../src/kit/digest.ts';
import { formatLock } from '../src/lock/mod.ts';
import type { Lock, LockedPackage } from '../src/model/lock.ts';
import { parseArchitecture, parsePackageName, parseVersion } from '../src/model/names.ts';
import type { Blobs } from '../src/plumbing/blobs.ts';
import type { Db } from '../src/db/connect.ts';

/** The lock of all other jobs: its file is not there. */
export const unnamedLock = sha256('lock binary amd64');

/** The newest two jobs have `newer`. */
export async function seedLocks(
  db: Db,
  blobs: Pick<Blobs, 'putBytes'>,
): Promise<{ readonly older: Sha256; readonly newer: Sha256 }> {
  const put = async (lock: Lock) => (await blobs.putBytes(formatLock(lock))).sha256;
  const older = await put(lockOf(locked('gcc-14', '14.1', 30_000_000), locked('libold', '1', 5000)));
  const newer = await put(lockOf(locked('gcc-14', '14.2', 40_000_000), locked('libnew', '1', 1000)));
  const { rows } = await sql<{ id: number }>`select id from job order by id`.execute(db);
  const set = (lock: string, id: number) =>
    sql`update job set spec = jsonb_set(spec::jsonb, '{lock}', to_jsonb(${lock}::text)) where id = ${id}`.execute(db);
  await set(older, rows.at(0)!.id);
  await set(newer, rows.at(-1)!.id);
  await set(newer, rows.at(-2)!.id);
  return { older, newer };
}

export function locked(name: string, version: string, size: number): LockedPackage {
  const architecture = parseArchitecture('amd64');
  const file = `http://deb.example.org/pool/${name}.deb`;
  const bytes = sha256(`${name} ${version}`);
  return { name: parsePackageName(name), version: parseVersion(version), architecture, sha256: bytes, size, url: file };
}

export function lockOf(...packages: readonly LockedPackage[]): Lock {
  const source = { url: 'http://deb.example.org', suite: 'trixie', inRelease: sha256('r'), date: 'Sat, 01 Aug 2026' };
  const snapshot = 'debian/trixie@20260801T000000Z';
  return { architecture: parseArchitecture('amd64'), sources: [{ ...source, snapshot }], packages };
}
