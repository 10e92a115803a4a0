/**
 * What a job builds in: apt's answer to its build dependencies, kept as two locks (the base, and the whole).
 *
 * Answers are remembered for a short while: the same question comes up several times on the way of one tag, and is
 * asked ahead of time where it can be.
 */
import type { BuildNeeds } from '../build/mod.ts';
import { formatRelations, parseRelations } from '../formats/deb/relation.ts';
import type { Clock } from '../kit/clock.ts';
import type { Sha256 } from '../kit/digest.ts';
import { describeError } from '../kit/error.ts';
import type { Distribution, Suite } from '../model/distribution.ts';
import type { Architecture } from '../model/names.ts';
import type { Blobs } from '../plumbing/blobs.ts';
import { formatLock, solve, type SolveDeps, type SolveRequest } from '../lock/mod.ts';

export type Environment =
  | { readonly kind: 'solved'; readonly lock: Sha256; readonly baseLock: Sha256 }
  /** apt's explanation. */
  | { readonly kind: 'uninstallable'; readonly explanation: string };

export type EnvironmentDeps = {
  readonly distribution: Distribution;
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly solve: SolveDeps;
  /** The suite itself as a source of build dependencies: its newest snapshot, if there is one. */
  readonly ownSource: (suite: Suite) => Promise<SolveRequest['own'][number] | undefined>;
};

/** How long an answer is good for; a new snapshot of the suite is another question. */
const remembered = 5 * 60_000;
const nothing: BuildNeeds = { buildDepends: '', buildConflicts: '' };

type Uninstallable = Extract<Environment, { kind: 'uninstallable' }>;
type Answer = { readonly kind: 'solved'; readonly lock: Sha256 } | Uninstallable;

export class Environments {
  readonly #deps: EnvironmentDeps;
  readonly #answers = new Map<string, { readonly answer: Promise<Answer>; readonly at: number }>();

  constructor(deps: EnvironmentDeps) {
    this.#deps = deps;
  }

  /** What every job of a suite begins with: essential packages and the policy's. */
  async base(suite: Suite, architecture: Architecture): Promise<Environment> {
    return this.build(suite, architecture, nothing);
  }

  async build(suite: Suite, architecture: Architecture, needs: BuildNeeds): Promise<Environment> {
    const [base, whole] = await Promise.all([
      this.#ask(suite, architecture, nothing),
      this.#ask(suite, architecture, needs),
    ]);
    if (whole.kind === 'uninstallable') return whole;
    return { ...whole, baseLock: base.kind === 'solved' ? base.lock : whole.lock };
  }

  /** Asks ahead of time; what goes wrong is seen by whoever needs the answer. */
  prepare(suite: Suite, architecture: Architecture, needs: BuildNeeds = nothing): void {
    this.build(suite, architecture, needs).catch(() => {});
  }

  async #ask(suite: Suite, architecture: Architecture, needs: BuildNeeds): Promise<Answer> {
    const { distribution, clock } = this.#deps;
    const relations = readNeeds(needs);
    if (relations.kind === 'uninstallable') return relations;
    const own = await this.#deps.ownSource(suite);
    const request: SolveRequest = {
      architecture,
      upstream: distribution.upstreams.get(suite.upstream)!,
      own: own === undefined ? [] : [own],
      packages: distribution.build.environment,
      ...relations.needs,
    };
    const key = JSON.stringify(request);
    const now = clock.now().getTime();
    this.#forget(now);
    const known = this.#answers.get(key);
    if (known !== undefined) return known.answer;
    const answer = this.#solve(request);
    this.#answers.set(key, { answer, at: now });
    const drop = () => void this.#answers.delete(key);
    // What apt refuses may be mended at any moment: it is asked again.
    answer.then(({ kind }) => kind === 'uninstallable' && drop(), drop);
    return answer;
  }

  async #solve(request: SolveRequest): Promise<Answer> {
    const answer = await solve(this.#deps.solve, request);
    if (answer.kind === 'uninstallable') return answer;
    const { sha256 } = await this.#deps.blobs.putBytes(formatLock(answer.lock));
    return { kind: 'solved', lock: sha256 };
  }

  #forget(now: number): void {
    for (const [key, { at }] of this.#answers) {
      if (now - at > remembered || now < at) this.#answers.delete(key);
    }
  }
}

/** debian/control and the .dsc say the same with other white space. */
function readNeeds(needs: BuildNeeds): { readonly kind: 'needs'; readonly needs: BuildNeeds } | Uninstallable {
  const canonical = (relations: string) => formatRelations(parseRelations(relations, 'Build-Depends'));
  try {
    const { buildDepends, buildConflicts } = needs;
    return {
      kind: 'needs',
      needs: { buildDepends: canonical(buildDepends), buildConflicts: canonical(buildConflicts) },
    };
  } catch (error) {
    return { kind: 'uninstallable', explanation: describeError(error) };
  }
}
