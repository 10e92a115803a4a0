/** One attempt: the build with its heartbeat and its log, then its files and its result to the server. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  executeBuild,
  formatFooter,
  formatHeader,
  toStatement,
  type Execution,
  type ParseLock,
  type RootPort,
} from '../../build/mod.ts';
import { signStatement } from '../../formats/attestation/signed-statement.ts';
import type { Clock } from '../../kit/clock.ts';
import { describeError, SheafError } from '../../kit/error.ts';
import type { AttemptResult, InputFile, Lease } from '../../model/job.ts';
import type { Label } from '../../model/names.ts';
import type { SigningKey } from '../../plumbing/keys.ts';
import type { Sandbox } from '../../plumbing/sandbox/port.ts';
import { isPassing, type WorkerClient } from '../../plumbing/worker-client.ts';
import type { CompleteAnswer, LeaseAnswer } from '../../plumbing/worker-protocol.ts';
import { LogStream } from './log-stream.ts';
import { persist } from './retry.ts';

/** What a worker builds with. */
export type Runtime = {
  readonly sandbox: Sandbox;
  readonly root: RootPort;
  readonly parseLock: ParseLock;
};

export type AttemptDeps = Runtime & {
  readonly client: WorkerClient;
  readonly worker: Label;
  readonly key: SigningKey;
  readonly clock: Clock;
  /** Directory of all attempts. */
  readonly work: string;
  readonly parallel: number;
  /** Ends the attempt and hands its lease back. */
  readonly stop: AbortSignal;
  readonly say: (line: string) => void;
};

/** How an attempt ended, for the worker's own log. */
export type AttemptEnd = CompleteAnswer['kind'] | 'failed' | 'handed-back' | 'worker-disabled';

type EndReason = 'lost' | 'cancelled' | 'stopped' | 'worker-disabled';

export async function runAttempt(deps: AttemptDeps, answer: LeaseAnswer): Promise<AttemptEnd> {
  const { lease, leaseMs } = answer;
  const ending = new AbortController();
  const end = (why: EndReason): void => ending.abort(why);
  const stop = (): void => end('stopped');
  if (deps.stop.aborted) stop();
  deps.stop.addEventListener('abort', stop, { once: true });
  const finished = new AbortController();
  const beating = beat(deps, lease, leaseMs, end, finished.signal);
  const directory = join(deps.work, `${lease.job}-${lease.attempt}`);
  try {
    await deps.sandbox.remove(directory);
    await mkdir(directory, { recursive: true, mode: 0o711 });
    return await build(deps, answer, directory, ending.signal, end);
  } catch (error) {
    if (!ending.signal.aborted) throw error;
    const why = ending.signal.reason as EndReason;
    if (why !== 'stopped') return why;
    await deps.client.release(lease);
    return 'handed-back';
  } finally {
    finished.abort();
    deps.stop.removeEventListener('abort', stop);
    await beating;
    await deps.sandbox.remove(directory).catch((error: unknown) => deps.say(describeError(error)));
  }
}

/** Keeps the lease, and listens for its end. Waits at the server, so that a cancellation is heard at once. */
async function beat(
  deps: AttemptDeps,
  lease: Lease,
  leaseMs: number,
  end: (why: EndReason) => void,
  finished: AbortSignal,
): Promise<void> {
  const wait = Math.min(20_000, Math.floor(leaseMs / 3));
  while (!finished.aborted) {
    try {
      const answer = await deps.client.heartbeat(lease, wait, finished);
      if (answer !== 'ok') return end(answer);
    } catch (error) {
      if (finished.aborted) return;
      if (error instanceof SheafError && error.code === 'worker-disabled') return end('worker-disabled');
      // A server that is down for a while does not end a build: the lease is renewed once it is back.
      if (!isPassing(error)) deps.say(`Heartbeat of job ${lease.job}: ${describeError(error)}`);
      await sleep(Math.min(1000, leaseMs / 10), undefined, { signal: finished }).catch(() => {});
    }
  }
}

async function build(
  deps: AttemptDeps,
  answer: LeaseAnswer,
  directory: string,
  signal: AbortSignal,
  end: (why: EndReason) => void,
): Promise<AttemptEnd> {
  const { client, clock } = deps;
  const { lease } = answer;
  const keepOn = <T>(work: () => Promise<T>): Promise<T> =>
    persist(work, signal, (error) => deps.say(`Job ${lease.job}: ${describeError(error)}; it is tried again`));
  const startedOn = clock.now();
  const log = new LogStream({
    send: (position, bytes) => client.appendLog(lease, position, bytes),
    onEnd: end,
    signal,
  });
  log.write(formatHeader(lease, deps.worker, startedOn));
  const execution = await executeBuild(
    {
      ...deps,
      directory,
      signal,
      log: (text) => log.write(text),
      fetchBlob: (digest, path, limit) => keepOn(() => client.fetchBlob(lease, digest, path, limit, signal)),
    },
    lease.spec,
  );
  signal.throwIfAborted();
  if (execution.outcome === 'aborted') throw new Error('the build ended without a reason');
  const timings = { ...execution.timings };
  if (execution.outcome === 'built') {
    const began = performance.now();
    await upload(deps, lease, execution.files, keepOn);
    timings['upload'] = Math.round(performance.now() - began);
  }
  const finishedOn = clock.now();
  log.write(formatFooter(summaryOf(execution, timings), finishedOn));
  const digest = await log.close();
  const result = toResult(execution, timings, (files, lock) => {
    const facts = { ...lease, lock, files, builderId: answer.builderId, log: digest };
    const run = {
      sandbox: deps.sandbox.name,
      startedOn: startedOn.toISOString(),
      finishedOn: finishedOn.toISOString(),
    };
    return signStatement(toStatement(facts, run), deps.worker, deps.key.sign);
  });
  const completion = await keepOn(() => client.complete(lease, result));
  if (completion.kind === 'refused') deps.say(`Job ${lease.job}: the server refused the result: ${completion.reason}`);
  if (execution.outcome === 'failed' && completion.kind === 'accepted') {
    deps.say(`Job ${lease.job}: the build failed, by the fault of the ${execution.fault}: ${execution.reason}`);
    return 'failed';
  }
  return completion.kind;
}

async function upload(
  deps: AttemptDeps,
  lease: Lease,
  files: Extract<Execution, { outcome: 'built' }>['files'],
  keepOn: (work: () => Promise<void>) => Promise<void>,
): Promise<void> {
  // What came from the server is there.
  const known = new Set(lease.spec.inputs.map(({ sha256 }) => sha256));
  for (const file of files) {
    if (!known.has(file.sha256)) await keepOn(() => deps.client.putFile(lease, file));
  }
}

function summaryOf(execution: Exclude<Execution, { outcome: 'aborted' }>, timings: Readonly<Record<string, number>>) {
  if (execution.outcome === 'built') return { status: 'successful', timings, files: execution.files } as const;
  const { fault, reason } = execution;
  return { status: 'failed', fault, reason, timings, files: [] } as const;
}

function toResult(
  execution: Exclude<Execution, { outcome: 'aborted' }>,
  timings: Readonly<Record<string, number>>,
  attest: (files: readonly InputFile[], lock: Extract<Execution, { outcome: 'built' }>['lock']) => string,
): AttemptResult {
  if (execution.outcome === 'failed') {
    return { outcome: 'failed', fault: execution.fault, reason: execution.reason.slice(0, 2000), timings };
  }
  const files = execution.files.map(({ name, sha256, size }) => ({ name, sha256, size }));
  return { outcome: 'built', files, provenance: attest(files, execution.lock), timings };
}
