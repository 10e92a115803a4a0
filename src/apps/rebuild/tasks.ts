/** The wiring of rebuilds that the server has its workers make. */
import { join } from 'node:path';

import { findHeaderPatches } from '../../flows/rebuild-headers.ts';
import type { RebuildTaskDeps } from '../../flows/rebuild-task.ts';
import { DebCache } from '../../plumbing/deb-cache.ts';
import type { House } from '../house.ts';
import { cacheDirectory } from '../roots.ts';
import { findCompilers } from './compilers.ts';
import { headerFiles } from './header-files.ts';
import { keepDocuments } from './documents.ts';
import { lookInThread } from './look-in-thread.ts';
import { recordResult } from './record.ts';

export function rebuildTaskDeps(house: House, signal: AbortSignal): RebuildTaskDeps {
  const { db, blobs, clock, distribution } = house;
  const { attempts, limits } = distribution.build;
  const debs = new DebCache({ directory: join(cacheDirectory(), 'debs') });
  const planHouse = { ...house, mirror: house.follow.mirror, signal };
  return {
    ...{ db, blobs, clock, distribution, attempts, limits },
    house: planHouse,
    ...lookInThread(),
    compilers: (lock, at) => findCompilers({ blobs, debs }, lock, at),
    headers: (lock, since) => findHeaderPatches({ ...planHouse, ...headerFiles(debs) }, lock, since),
    keepDocuments: (rebuilt) => keepDocuments(blobs, rebuilt),
    record: (trx, result, { askedBy, invocation }, job) =>
      recordResult({ ...house, db: trx }, result, { actor: askedBy, invocation, job }),
  };
}
