/** Files of the pool that are not on this machine's disk: a bucket has them, and they come back when they are wanted. */
import { dirname, join } from 'node:path';

import type { Sha256 } from '../kit/digest.ts';
import type { Label } from '../model/names.ts';
import { all } from './all.ts';
import { repositoryDirectory } from './layout.ts';
import type { ArchiveDeps } from './ports.ts';
import { findPoolFile, listPoolFiles, namesOfBlobs } from './store-pool.ts';

type Deps = Pick<ArchiveDeps, 'db' | 'blobs' | 'files' | 'directory'>;

/** Puts one file of the pool back in its place; false when the archive has no such file. Throws `blob-missing`, `bucket-failed`. */
export async function recallPoolFile(deps: Deps, repository: Label, path: string): Promise<boolean> {
  const sha256 = await findPoolFile(deps.db, repository, path);
  if (sha256 === undefined) return false;
  await putBack(deps, repository, path, sha256);
  return true;
}

/** Puts all files of a repository's pool back. `onDone` is told of each one. */
export async function recallPool(deps: Deps, repository: Label, onDone: () => void = () => {}): Promise<void> {
  const root = repositoryDirectory(deps.directory, repository);
  await all(
    await listPoolFiles(deps.db, repository),
    async ({ path, sha256 }) => {
      if (!(await deps.files.exists(join(root, path)))) await putBack(deps, repository, path, sha256);
      onDone();
    },
    8,
  );
}

/** Takes the names of these blobs out of the pools on the disk; the archive knows them all the same. */
export async function withdrawPoolFiles(deps: Deps, digests: readonly Sha256[]): Promise<void> {
  const names = await namesOfBlobs(deps.db, digests);
  await all(
    names,
    ({ repository, path }) => deps.files.remove(join(repositoryDirectory(deps.directory, repository), path)),
    8,
  );
}

async function putBack({ blobs, files, directory }: Deps, repository: Label, path: string, sha256: Sha256) {
  const place = join(repositoryDirectory(directory, repository), path);
  await files.makeDirectory(dirname(place));
  await files.link(await blobs.bring(sha256), place);
}
