/** From wishes to an exact list: the solver's answer as a lock. */
import type { AptUpstream } from '../model/distribution.ts';
import type { Lock, LockedPackage } from '../model/lock.ts';
import type { Architecture } from '../model/names.ts';
import { byPackage } from './lock-file.ts';
import type { Solver } from './ports.ts';

export type SolveDeps = { readonly solver: Solver };

export type SolveRequest = {
  readonly architecture: Architecture;
  readonly upstream: AptUpstream;
  /** Suites of this distribution that have packages too. */
  readonly own: readonly {
    readonly url: string;
    readonly suite: string;
    readonly components: readonly string[];
    /** A file. */
    readonly keyring: string;
  }[];
  /** Wanted beside the essential packages. */
  readonly packages: readonly string[];
  /** As in debian/control; empty when there are none. */
  readonly buildDepends: string;
  readonly buildConflicts: string;
};

export type Solution =
  | { readonly kind: 'solved'; readonly lock: Lock }
  /** In the solver's words, one reason per line. */
  | { readonly kind: 'uninstallable'; readonly explanation: string };

export async function solve(deps: SolveDeps, request: SolveRequest): Promise<Solution> {
  const answer = await deps.solver.solve({
    architecture: request.architecture,
    upstream: [request.upstream],
    own: request.own.map(({ url, suite, components, keyring }) => ({ url, suites: [suite], components, keyring })),
    depends: [...request.packages, request.buildDepends].join(', '),
    conflicts: request.buildConflicts,
  });
  if (answer.kind === 'unmet') return { kind: 'uninstallable', explanation: answer.explanation };
  return { kind: 'solved', lock: toLock(request.architecture, answer) };
}

function toLock(architecture: Architecture, answer: Pick<Lock, 'packages' | 'sources'>): Lock {
  const { sources } = answer;
  return { architecture, sources, packages: answer.packages.toSorted((a: LockedPackage, b) => byPackage(a, b)) };
}
