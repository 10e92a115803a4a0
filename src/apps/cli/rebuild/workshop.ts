/** What rebuilds on this machine have in common: where their builds are kept, their roots and their sandbox. */
import { join } from 'node:path';

import type { RootPort } from '../../../build/mod.ts';
import { recordPublications } from '../../../flows/record-publication.ts';
import type { BuildLimits } from '../../../model/distribution.ts';
import { Blobs } from '../../../plumbing/blobs.ts';
import type { Sandbox } from '../../../plumbing/sandbox/port.ts';
import { createUnshareSandbox } from '../../../plumbing/sandbox/unshare.ts';
import { defaultLimits } from '../../../policy/mod.ts';
import { materialise, type DebStore } from '../../../root/mod.ts';
import type { House } from '../../house.ts';
import { cacheDirectory, openCache, rootDeps } from '../../roots.ts';
import type { Progress } from '../progress.ts';
import { LocalDebs } from '../root/debs.ts';
import { showRootProgress } from '../root/open.ts';

export type Workshop = {
  readonly house: House | undefined;
  readonly blobs: Blobs;
  readonly sandbox: Sandbox;
  readonly root: RootPort;
  readonly debs: DebStore;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly limits: BuildLimits;
  /** Where builds are kept. */
  readonly directory: string;
};

export async function openWorkshop(
  house: House | undefined,
  signal: AbortSignal,
  progress: Progress,
): Promise<Workshop> {
  // The sandbox's files are read by other ids than ours.
  process.umask(0o022);
  if (house !== undefined) await recordPublications(house.publications);
  const cache = await openCache();
  const sandbox = createUnshareSandbox();
  const directory = rebuildDirectory(house);
  const blobs = house?.blobs ?? new Blobs(join(directory, 'blobs'));
  const debs = new LocalDebs(join(cache, 'debs'), [blobs.directory]);
  const deps = { ...rootDeps(sandbox, cache), debs };
  const root: RootPort = {
    materialise: (lock, base, options) =>
      materialise(deps, lock, base, {
        signal: options.signal,
        onProgress: (now) => showRootProgress(progress, now),
      }),
  };
  const limits = house?.distribution.build.limits ?? defaultLimits();
  return { house, blobs, sandbox, debs, root, signal, progress, limits, directory };
}

/** Where rebuilds keep what they need; without a distribution, in this user's cache. */
export function rebuildDirectory(house: Pick<House, 'paths'> | undefined): string {
  return join(house === undefined ? cacheDirectory() : house.paths.state, 'rebuild');
}

/** Shared by those who use kept builds; who removes some holds it alone. */
export function lockOfBuilds(directory: string): string {
  return join(directory, 'lock');
}
