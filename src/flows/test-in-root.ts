/** A test in a root: what a person says is good or bad of a system. */
import type { Verdict } from '../bisect/mod.ts';
import type { Sha256 } from '../kit/digest.ts';
import type { Lock } from '../model/lock.ts';
import type { SandboxOutcome, SandboxSpec } from '../plumbing/sandbox/port.ts';

export type TestRun = {
  readonly verdict: Verdict;
  /** Why there is no exit code. */
  readonly reason?: string;
  readonly code?: number;
  /** Milliseconds. */
  readonly duration: number;
  /** A file with what it wrote. */
  readonly log?: string;
};

/** Runs the test in a root of this lock, which has this key. */
export type RunTest = (lock: Lock, key: Sha256, signal: AbortSignal) => Promise<TestRun>;

/** The test and what it sees of this machine, for whatever root. */
export type RootTest = Pick<SandboxSpec, 'argv' | 'binds' | 'network' | 'cwd' | 'limits' | 'env'>;

/** The exit code that says that nothing can be said, as for `git bisect run`. */
const cannotTell = 125;

/** 0 is good, 125 is neither, everything else is bad: also a signal, and going over a limit. */
export function judge(outcome: Exclude<SandboxOutcome, { kind: 'aborted' }>): TestRun {
  const duration = outcome.usage.wall;
  switch (outcome.kind) {
    case 'exited': {
      const { code } = outcome;
      return { verdict: code === 0 ? 'good' : code === cannotTell ? 'skip' : 'bad', code, duration };
    }
    case 'killed':
      return { verdict: 'bad', reason: `ended by ${outcome.signal}`, duration };
    case 'limit':
      return { verdict: 'bad', reason: outcome.message.replace(/\.$/, ''), duration };
  }
}
