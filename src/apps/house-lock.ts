/** The wiring of locks: apt on the indexes that the history keeps. */
import { join } from 'node:path';

import type { CreateLockDeps } from '../flows/create-lock.ts';
import { createSnapshotApt } from '../plumbing/apt/snapshots.ts';
import type { House } from './house.ts';

export function lockDeps({ db, distribution, history, paths }: LockHouse): CreateLockDeps {
  const read = async (sha256: Parameters<typeof history.store.read>[0]) => history.store.read(sha256);
  return { db, distribution, solver: createSnapshotApt({ directory: join(paths.apt, 'snapshots'), read }) };
}

type LockHouse = Pick<House, 'db' | 'distribution' | 'history' | 'paths'>;
