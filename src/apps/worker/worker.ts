/** A worker: leases jobs, one for each of its slots, and builds them until it is told to stop. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Clock } from '../../kit/clock.ts';
import { describeError, SheafError } from '../../kit/error.ts';
import { withFileLock } from '../../plumbing/file-lock.ts';
import type { SigningKey } from '../../plumbing/keys.ts';
import type { Sandbox } from '../../plumbing/sandbox/port.ts';
import { isPassing, WorkerClient, type AttemptRef } from '../../plumbing/worker-client.ts';
import type { LeaseAnswer } from '../../plumbing/worker-protocol.ts';
import { runAttempt, type Runtime } from './attempt.ts';
import type { WorkerSettings } from './settings.ts';

export type WorkerOptions = {
  readonly settings: WorkerSettings;
  readonly key: SigningKey;
  readonly runtime: Runtime;
  /** Holds what is being built; only this worker uses it. Whatever an earlier process left is removed. */
  readonly work: string;
  /** Builds at once. */
  readonly slots: number;
  /** Processors that each build may use. */
  readonly parallel: number;
  readonly clock: Clock;
  /** Stops: nothing more is leased. What runs may finish for `grace` milliseconds, then it is handed back. */
  readonly signal: AbortSignal;
  readonly grace: number;
  /** One line about what is going on. */
  readonly say: (line: string) => void;
};

/** What a worker goes on after, besides what passes by itself: it may be approved, or the next job be one that it knows. */
const waiting = ['worker-pending', 'unknown-job'];

/** How long a request for a lease waits at the server. */
const longestWait = 25_000;

/** Runs until the signal comes. Throws what makes it useless to go on: the worker is disabled, unknown, or a second. */
export async function runWorker(options: WorkerOptions): Promise<void> {
  await mkdir(options.work, { recursive: true });
  const lockFile = join(options.work, 'lock');
  try {
    await withFileLock(lockFile, () => run(options), 2000);
  } catch (error) {
    if (!(error instanceof SheafError) || error.code !== 'lock-timeout') throw error;
    throw new SheafError('worker-runs', `Cannot run worker ${options.settings.name}: it runs already`, {
      hint: 'For more builds at once, start it with --slots. A second worker needs a folder of its own: enrol it with --home.',
      cause: error,
    });
  }
}

async function run(options: WorkerOptions): Promise<void> {
  const { settings, key, clock, signal } = options;
  const attempts = join(options.work, 'attempts');
  await mkdir(attempts, { recursive: true });
  await clean(options.runtime.sandbox, attempts);
  const client = new WorkerClient({ ...settings, signer: { keyId: settings.name, sign: key.sign }, clock });
  const handBack = new AbortController();
  const running = new Map<AttemptRef, Promise<void>>();
  const failed = new AbortController();
  const start = (answer: LeaseAnswer): void => {
    const { job, attempt, spec } = answer.lease;
    const ref = { job, attempt };
    options.say(`Job ${job}, attempt ${attempt}: ${spec.source} ${spec.version} (${spec.kind}, ${spec.architecture})`);
    const deps = {
      ...options,
      ...options.runtime,
      client,
      worker: settings.name,
      work: attempts,
      stop: handBack.signal,
    };
    const done = runAttempt(deps, answer).then(
      (end) => {
        options.say(`Job ${job}, attempt ${attempt}: ${end}`);
        if (end === 'worker-disabled') failed.abort(disabled(settings.name));
      },
      (error: unknown) => options.say(`Job ${job}, attempt ${attempt}: ${describeError(error)}`),
    );
    running.set(
      ref,
      done.finally(() => running.delete(ref)),
    );
  };

  options.say(`Worker ${settings.name} waits for jobs of ${settings.server}`);
  try {
    await leaseUntil(AbortSignal.any([signal, failed.signal]), options, client, running, start);
  } finally {
    const timer = setTimeout(() => handBack.abort(), options.grace);
    if (!signal.aborted) handBack.abort();
    await Promise.all(running.values());
    clearTimeout(timer);
    client.close();
  }
  if (failed.signal.aborted) throw failed.signal.reason;
}

/** One request for a lease at a time: the server takes an attempt that this worker does not name for lost. */
async function leaseUntil(
  stop: AbortSignal,
  options: WorkerOptions,
  client: WorkerClient,
  running: ReadonlyMap<AttemptRef, Promise<void>>,
  start: (answer: LeaseAnswer) => void,
): Promise<void> {
  const stopped = aborted(stop);
  let complaint = '';
  let pause = 250;
  while (!stop.aborted) {
    if (running.size >= options.slots) {
      await Promise.race([...running.values(), stopped]);
      continue;
    }
    try {
      const answer = await client.lease([...running.keys()], longestWait, stop);
      complaint = '';
      pause = 250;
      if (answer !== undefined) start(answer);
    } catch (error) {
      if (stop.aborted) return;
      const waits = isPassing(error) || (error instanceof SheafError && waiting.includes(error.code));
      if (!waits) throw error;
      const hint = error instanceof SheafError && error.code === 'unknown-job' ? `. ${error.hint}` : '';
      const text = describeError(error) + hint;
      if (text !== complaint) options.say(text);
      complaint = text;
      await sleep(pause * (0.5 + Math.random()), undefined, { signal: stop }).catch(() => {});
      pause = Math.min(10_000, pause * 2);
    }
  }
}

/** Removes what a process left that was killed. */
async function clean(sandbox: Sandbox, attempts: string): Promise<void> {
  for (const name of await readdir(attempts)) await sandbox.remove(join(attempts, name));
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function disabled(name: string): SheafError {
  return new SheafError('worker-disabled', `Cannot go on as worker ${name}: it was disabled`, {
    hint: `An administrator may enable it again: sheaf worker approve ${name}`,
  });
}
