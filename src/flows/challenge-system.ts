/** What a system has installed against what rebuilders say of exactly these files, without building anything. */
import { order } from '../kit/order.ts';
import type { Cause, Verdict } from '../model/rebuild.ts';
import { otherWords, statusOfHashes, type Believed, type OtherWord } from '../rebuild/mod.ts';
import { lockFromSystem, type SystemFiles } from './lock-from-system.ts';
import type { LockKnownDeps } from './lock-known.ts';

export type ChallengedPackage = {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly verdict: Verdict;
  /** Why there is no verdict. `no-index`: no index that is kept has it; `no-rebuild`: nobody has rebuilt it. */
  readonly why?: 'no-index' | 'no-rebuild';
  readonly sha256?: string;
  readonly rebuild?: number;
  readonly rebuilder?: string;
  /** What others say of it. */
  readonly others?: readonly OtherWord[];
  readonly causes?: readonly Cause[];
  readonly reason?: string;
};

/**
 * Every installed package, by name. Which file it came from is told by its name and version, as the history has them:
 * dpkg keeps no hash. Throws what `lockFromSystem` throws.
 */
export async function challengeSystem(
  deps: LockKnownDeps,
  files: SystemFiles,
  believed: Believed,
): Promise<ChallengedPackage[]> {
  const { lock, unknown } = await lockFromSystem(deps, files);
  const digests = lock.packages.map(({ sha256 }) => sha256);
  const statuses = await statusOfHashes(deps.db, digests, believed);
  const said = new Map(statuses.map((each) => [each.sha256, each]));
  const others = await otherWords(deps.db, statuses, believed);
  const known = lock.packages.map(({ name, version, architecture, sha256 }): ChallengedPackage => {
    const found = said.get(sha256);
    const named = { name, version, architecture, sha256 };
    if (found === undefined) return { ...named, verdict: 'unknown', why: 'no-rebuild' };
    const { verdict, rebuild, rebuilder, causes, reason } = found;
    const words = { rebuilder, others: others.get(sha256) ?? [] };
    return { ...named, verdict, rebuild, ...words, causes, ...(reason === null ? {} : { reason }) };
  });
  const strangers = unknown.map(({ name, version, architecture }): ChallengedPackage => {
    return { name, version, architecture: architecture ?? lock.architecture, verdict: 'unknown', why: 'no-index' };
  });
  return [...known, ...strangers].toSorted((a, b) => order(a.name, b.name) || order(a.architecture, b.architecture));
}
