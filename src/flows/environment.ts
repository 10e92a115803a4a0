/** What a job builds in: apt's answer to its build dependencies, kept as two locks (the base, and the whole). */
import type { BuildNeeds } from '../build/mod.ts';
import type { Sha256 } from '../kit/digest.ts';
import type { Distribution, Suite } from '../model/distribution.ts';
import type { Architecture } from '../model/names.ts';
import type { Blobs } from '../plumbing/blobs.ts';
import { formatLock, solve, type SolveDeps, type SolveRequest } from '../root/mod.ts';

export type Environment =
  | { readonly kind: 'solved'; readonly lock: Sha256; readonly baseLock: Sha256 }
  /** apt's explanation. */
  | { readonly kind: 'uninstallable'; readonly explanation: string };

export type EnvironmentDeps = {
  readonly distribution: Distribution;
  readonly blobs: Blobs;
  readonly solve: SolveDeps;
  /** The suite itself as a source of build dependencies: its newest snapshot, if there is one. */
  readonly ownSource: (suite: Suite) => Promise<SolveRequest['own'][number] | undefined>;
};

const nothing: BuildNeeds = { buildDepends: '', buildConflicts: '' };

/** The environment that every job of a suite begins with: essential packages and the policy's. */
export function baseEnvironment(deps: EnvironmentDeps, suite: Suite, architecture: Architecture): Promise<Environment> {
  return solveFor(deps, suite, architecture, nothing);
}

export async function buildEnvironment(
  deps: EnvironmentDeps,
  suite: Suite,
  architecture: Architecture,
  needs: BuildNeeds,
): Promise<Environment> {
  const [base, whole] = await Promise.all([
    solveFor(deps, suite, architecture, nothing),
    solveFor(deps, suite, architecture, needs),
  ]);
  return base.kind === 'solved' && whole.kind === 'solved' ? { ...whole, baseLock: base.lock } : whole;
}

async function solveFor(
  deps: EnvironmentDeps,
  suite: Suite,
  architecture: Architecture,
  needs: BuildNeeds,
): Promise<Environment> {
  const own = await deps.ownSource(suite);
  const answer = await solve(deps.solve, {
    architecture,
    upstream: deps.distribution.upstreams.get(suite.upstream)!,
    own: own === undefined ? [] : [own],
    packages: deps.distribution.build.environment,
    ...needs,
  });
  if (answer.kind === 'uninstallable') return answer;
  const { sha256 } = await deps.blobs.putBytes(formatLock(answer.lock));
  return { kind: 'solved', lock: sha256, baseLock: sha256 };
}
