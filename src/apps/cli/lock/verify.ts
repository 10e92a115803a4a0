/** Whether a lock is what its snapshots had, and whether its files can be had. */
import { join } from 'node:path';

import { recordPublications } from '../../../flows/record-publication.ts';
import { verifyLock, type LockProblem } from '../../../flows/verify-lock.ts';
import type { LockSource } from '../../../model/lock.ts';
import { DebCache } from '../../../plumbing/deb-cache.ts';
import type { House } from '../../house.ts';
import { cacheDirectory } from '../../roots.ts';
import { clean } from '../clean.ts';
import { interruptible } from '../interrupt.ts';
import { startProgress } from '../progress.ts';
import { style } from '../style.ts';
import { count } from '../upstream/words.ts';
import { checkFiles, type FileCounts } from './files.ts';
import { readLocks } from './read.ts';

export type VerifyReport = {
  readonly file: string;
  readonly packages: number;
  /** With `--files`: where they are. */
  readonly files?: FileCounts;
  readonly problems: readonly LockProblem[];
};

type VerifyHouse = Pick<House, 'db' | 'distribution' | 'history' | 'publications' | 'blobs'>;

/** Throws `no-lock`, `bad-lock`. */
export async function verify(
  house: VerifyHouse,
  file: string,
  options: { readonly files: boolean; readonly json: boolean },
): Promise<VerifyReport> {
  const read = await readLocks(file);
  const { locks } = read;
  const isOwn = ({ snapshot }: LockSource) => snapshot !== undefined && !snapshot.includes('/');
  if (locks.some(({ sources }) => sources.some(isOwn))) await recordPublications(house.publications);
  const { db, distribution, history, blobs } = house;
  const { problems, lineOf } = await verifyLock({ db, distribution, store: history.store }, read);
  const packages = locks.flatMap((lock) => lock.packages);
  if (!options.files) return { file, packages: packages.length, problems };
  const debs = new DebCache({ directory: join(cacheDirectory(), 'debs') });
  const progress = startProgress({ json: options.json });
  try {
    const found = await interruptible(async (signal) =>
      checkFiles(locks, {
        ...{ blobs, debs, signal, lineOf },
        onProgress: (done, total) => progress.at('Asking for files', done, total),
      }),
    );
    return { file, packages: packages.length, files: found.counts, problems: [...problems, ...found.problems] };
  } finally {
    progress.end();
  }
}

export function formatVerified({ file, packages, files, problems }: VerifyReport): string[] {
  return [
    ...(files === undefined
      ? []
      : [`${count(files.here, 'file')} on this machine, hashed; ${count(files.elsewhere, 'file')} at their address`]),
    ...(problems.length === 0
      ? [`${clean(file)}: ${count(packages, 'package')}, all as the snapshots had them.`]
      : [
          style('red', `${count(problems.length, 'problem')}:`),
          ...problems.map(({ line, package: name, architecture, message }) =>
            clean(`  ${file}:${line}: ${name === undefined ? '' : `${name} (${architecture}) `}${message}`),
          ),
        ]),
  ];
}
