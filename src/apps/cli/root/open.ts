/** From a lock file to its root in the cache. */
import { sha256, type Sha256 } from '../../../kit/digest.ts';
import { SheafError } from '../../../kit/error.ts';
import type { Lock } from '../../../model/lock.ts';
import { nativeArchitecture } from '../../../plumbing/native-architecture.ts';
import type { Sandbox } from '../../../plumbing/sandbox/port.ts';
import { createUnshareSandbox } from '../../../plumbing/sandbox/unshare.ts';
import { materialise, type RootProgress } from '../../../root/mod.ts';
import { openCache, rootDeps } from '../../roots.ts';
import { readLocks } from '../lock/read.ts';
import { startProgress, type Progress } from '../progress.ts';
import { openDebs } from './debs.ts';

export type OpenFlags = {
  readonly arch?: string | undefined;
  /** A lock file. */
  readonly base?: string | undefined;
  readonly from?: readonly string[] | undefined;
  readonly dir?: string | undefined;
  readonly json: boolean;
  readonly signal: AbortSignal;
};

export type OpenedRoot = {
  readonly sandbox: Sandbox;
  /** The cache's directory; scratch directories go below it. */
  readonly cache: string;
  readonly lock: Lock;
  /** Of the lock's file. */
  readonly lockSha256: Sha256;
  /** Topmost first. */
  readonly layers: readonly string[];
  /** The lowest of `layers` that are the base's own; none without a base that begins like the lock. */
  readonly baseLayers: readonly string[];
  /** Whether it was there already. */
  readonly cached: boolean;
};

/** Throws `no-lock`, `bad-lock`, `wrong-architecture`, and what making a root throws. */
export async function openRoot(file: string, flags: OpenFlags): Promise<OpenedRoot> {
  const { text, locks } = await readLocks(file);
  const lock = chooseLock(locks, flags.arch, file);
  const base = flags.base === undefined ? undefined : (await readLocks(flags.base)).locks;
  const baseLock = base === undefined ? undefined : chooseLock(base, lock.architecture, flags.base!);
  const sandbox = createUnshareSandbox();
  const cache = await openCache();
  const debs = await openDebs(cache, flags);
  // No account beside those of the packages: this is the system that the lock describes, not one to build in.
  const deps = { ...rootDeps(sandbox, cache), debs, account: null };
  const progress = startProgress({ json: flags.json, unit: 'bytes' });
  let cached = true;
  const options = {
    signal: flags.signal,
    onProgress: (now: RootProgress) => {
      cached = false;
      showRootProgress(progress, now);
    },
  };
  try {
    const root = await materialise(deps, lock, baseLock, options);
    const below = baseLock === undefined ? [] : (await materialise(deps, baseLock, undefined, options)).layers;
    const isBelow = below.length < root.layers.length && below.every((each) => root.layers.includes(each));
    if (baseLock !== undefined && !isBelow)
      progress.line(`${file} does not begin with ${flags.base}: no root is shared`);
    const { layers } = root;
    const lockSha256 = sha256(text);
    return { sandbox, cache, lock, lockSha256, layers, baseLayers: isBelow ? below : [], cached };
  } finally {
    progress.end();
  }
}

export function showRootProgress(progress: Progress, now: RootProgress): void {
  if (now.step === 'fetch') progress.at('Fetching packages', now.progress.done, now.progress.total);
  else progress.at(`${now.step === 'unpack' ? 'Unpacking' : 'Installing'} ${now.packages} packages`);
}

/** This machine's, where there are several and none is named. Throws `wrong-architecture`. */
export function chooseLock(locks: readonly Lock[], named: string | undefined, file: string): Lock {
  const wanted = named ?? (locks.length === 1 ? locks[0]!.architecture : nativeArchitecture());
  const found = locks.find(({ architecture }) => architecture === wanted);
  if (found !== undefined) return found;
  throw new SheafError('wrong-architecture', `Cannot use the lock ${file}: it is not for ${wanted}`, {
    kind: 'usage',
    hint: `It is for ${locks.map(({ architecture }) => architecture).join(', ')}: name one with --arch.`,
  });
}
