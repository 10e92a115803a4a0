/** Tries locks, a lock once, and keeps what came out. */
import { identity, type Verdict } from '../bisect/mod.ts';
import { sha256, type Sha256 } from '../kit/digest.ts';
import type { LockSpec } from '../lock/mod.ts';
import type { Lock } from '../model/lock.ts';
import { createLock, type CreateLockDeps } from './create-lock.ts';
import type { RunTest, TestRun } from './test-in-root.ts';

/** Runs of earlier times, by the key of their lock. */
export type RunMemory = {
  readonly read: (lock: Sha256) => Promise<TestRun | undefined>;
  readonly write: (lock: Sha256, run: TestRun, content: Lock) => Promise<void>;
};

export type TryDeps = {
  readonly lock: CreateLockDeps;
  readonly runTest: RunTest;
  readonly memory: RunMemory;
  readonly report: (event: BisectEvent) => void;
  readonly signal: AbortSignal;
};

export type BisectEvent =
  | { readonly kind: 'begin'; readonly stage: Stage; readonly states: number; readonly rounds: number }
  | { readonly kind: 'solving' | 'testing'; readonly what: string }
  | { readonly kind: 'tried'; readonly try: Try };

export type Stage = 'snapshots' | 'packages';

export type Try = TestRun & {
  readonly stage: Stage;
  /** A snapshot, or the packages that were moved. */
  readonly what: string;
  /** Absent when apt finds none. */
  readonly lock?: Sha256;
  /** The same packages were tried before. */
  readonly known: boolean;
};

export class Tries {
  readonly list: Try[] = [];
  readonly #deps: TryDeps;

  constructor(deps: TryDeps) {
    this.#deps = deps;
  }

  /** A lock, or why there is none. */
  async solve(what: string, spec: LockSpec): Promise<Lock | string> {
    this.#deps.signal.throwIfAborted();
    this.#deps.report({ kind: 'solving', what });
    const answer = await createLock(this.#deps.lock, spec);
    return answer.kind === 'locked' ? answer.locks[0]! : `apt finds no packages that fit: ${answer.explanation}`;
  }

  async run(stage: Stage, what: string, lock: Lock): Promise<Verdict> {
    const { memory, runTest, report, signal } = this.#deps;
    signal.throwIfAborted();
    const key = lockKey(lock);
    const kept = await memory.read(key);
    if (kept === undefined) report({ kind: 'testing', what });
    const run = kept ?? (await runTest(lock, key, signal));
    if (kept === undefined) await memory.write(key, run, lock);
    return this.#note({ ...run, stage, what, lock: key, known: kept !== undefined });
  }

  async isKnown(lock: Lock): Promise<boolean> {
    return (await this.#deps.memory.read(lockKey(lock))) !== undefined;
  }

  /** For what cannot be tried. */
  pass(stage: Stage, what: string, reason: string): Verdict {
    return this.#note({ stage, what, reason, verdict: 'skip', duration: 0, known: false });
  }

  #note(each: Try): Verdict {
    this.list.push(each);
    this.#deps.report({ kind: 'tried', try: each });
    return each.verdict;
  }
}

/** Only what decides the root. */
export function lockKey({ architecture, packages }: Lock): Sha256 {
  return sha256(`${architecture}\n${identity(packages)}`);
}
