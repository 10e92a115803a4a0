/**
 * Where workers wait for jobs. A thousand may wait at once: the database is asked only when there may be something to
 * have, by a few questions at a time, never by every waiting worker for itself.
 *
 * Workers that can take the same jobs wait in one queue. A queue is "dry" once a claim for it came back empty; from
 * then on nobody asks until PostgreSQL says `job_ready` (or, since wake-ups may be lost and pauses end without one, a
 * slow tick). The desk also keeps the queue in order: it takes back leases that ended and forgets old nonces.
 */
import type pg from 'pg';

import { claim, expireLeases, forgetNonces, reconcileWorker, type Notifying, type Running } from '../../build/mod.ts';
import type { Db } from '../../db/connect.ts';
import { listen, type Listener } from '../../db/notify.ts';
import type { Clock } from '../../kit/clock.ts';
import type { JobId, Lease, Worker } from '../../model/job.ts';
import type { Label } from '../../model/names.ts';
import { mostSkew } from '../../plumbing/http-signature.ts';

export type LeaseDeskOptions = {
  readonly db: Db;
  readonly pool: pg.Pool;
  readonly clock: Clock;
  readonly distribution: Notifying;
  /** How long a lease lasts without a heartbeat, in milliseconds. */
  readonly leaseMs: number;
  /** What a tick or a claim failed with; the desk goes on. */
  readonly onError: (error: unknown) => void;
};

type Waiter = {
  readonly worker: Label;
  readonly settle: (lease: Lease | undefined) => void;
  /** A claim for it is under way: it goes away only with what that brings. */
  claiming: boolean;
  leaving: boolean;
};

type Queue = {
  readonly pool: string;
  readonly architectures: readonly string[];
  readonly waiters: Set<Waiter>;
  /** Goes up whenever there may be something new. */
  version: number;
  /** The version of the last claim that came back empty. */
  dryAt: number;
  pumping: boolean;
};

/** Claims under way at once for one queue. */
const width = 4;
const tickMs = 2000;
/** After a start or a standstill, workers get this long to renew what ended while no server heard them. */
const grace = 15_000;
/** Ticks that are further apart stood still, with the machine, the process or the database. */
const standstill = 3 * tickMs;

export class LeaseDesk {
  readonly leaseMs: number;
  readonly #options: LeaseDeskOptions;
  readonly #queues = new Map<string, Queue>();
  readonly #waitingFor = new Map<Label, Waiter>();
  readonly #cancelWaiters = new Map<JobId, Set<() => void>>();
  /** Since when it hears workers without a break. */
  #hearsSince: Date;
  #lastTick: Date;
  #listener: Listener | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ticking: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(options: LeaseDeskOptions) {
    this.#options = options;
    this.leaseMs = options.leaseMs;
    this.#hearsSince = options.clock.now();
    this.#lastTick = this.#hearsSince;
  }

  static async open(options: LeaseDeskOptions): Promise<LeaseDesk> {
    const desk = new LeaseDesk(options);
    desk.#listener = await listen(
      options.pool,
      ['job_ready', 'job_cancelled'],
      (channel, payload) => {
        if (channel === 'job_ready') desk.#wake((queue) => queue.architectures.includes(payload));
        else desk.#cancelWaiters.get(Number(payload))?.forEach((settle) => settle());
      },
      () => desk.#wake(() => true),
    );
    desk.#timer = setInterval(() => {
      desk.#ticking = desk.#ticking.then(() => desk.#tick());
    }, tickMs);
    return desk;
  }

  /** Waits at most `wait` milliseconds for a job for this worker. A second call of one worker replaces its first. */
  async lease(
    worker: Worker,
    running: readonly Running[],
    wait: number,
    signal: AbortSignal,
  ): Promise<Lease | undefined> {
    const { db, distribution, clock } = this.#options;
    const claimer = {
      worker: worker.name,
      architectures: worker.architectures,
      pool: worker.pool,
      leaseMs: this.leaseMs,
    };
    const lost = await reconcileWorker(db, claimer, running, clock.now(), distribution);
    if (lost !== undefined || this.#closed || signal.aborted) return lost;
    const before = this.#waitingFor.get(worker.name);
    if (before !== undefined) leave(before);
    const queue = this.#queueOf(worker);
    return new Promise((resolve) => {
      const settle = (lease: Lease | undefined): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        queue.waiters.delete(waiter);
        if (this.#waitingFor.get(worker.name) === waiter) this.#waitingFor.delete(worker.name);
        resolve(lease);
      };
      const giveUp = (): void => leave(waiter);
      const waiter: Waiter = { worker: worker.name, settle, claiming: false, leaving: false };
      const timer = setTimeout(giveUp, wait);
      signal.addEventListener('abort', giveUp);
      queue.waiters.add(waiter);
      this.#waitingFor.set(worker.name, waiter);
      void this.#pump(queue);
    });
  }

  /** Waits at most `wait` milliseconds until somebody cancels the job. */
  async cancelled(job: JobId, wait: number, signal: AbortSignal): Promise<void> {
    if (wait === 0 || this.#closed || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', settle);
        waiters.delete(settle);
        if (waiters.size === 0) this.#cancelWaiters.delete(job);
        resolve();
      };
      const waiters = this.#cancelWaiters.get(job) ?? new Set();
      this.#cancelWaiters.set(job, waiters.add(settle));
      const timer = setTimeout(settle, wait);
      signal.addEventListener('abort', settle);
    });
  }

  /** Sends everybody home and stops. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const waiter of this.#waitingFor.values()) waiter.settle(undefined);
    for (const waiters of this.#cancelWaiters.values()) for (const settle of waiters) settle();
    await this.#listener?.close();
    await this.#ticking;
  }

  #queueOf(worker: Worker): Queue {
    const architectures = [...new Set(worker.architectures)].sort();
    const key = [worker.pool, ...architectures].join(' ');
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = { pool: worker.pool, architectures, waiters: new Set(), version: 1, dryAt: 0, pumping: false };
      this.#queues.set(key, queue);
    }
    return queue;
  }

  #wake(concerns: (queue: Queue) => boolean): void {
    for (const queue of this.#queues.values()) {
      if (!concerns(queue)) continue;
      queue.version++;
      void this.#pump(queue);
    }
  }

  async #pump(queue: Queue): Promise<void> {
    if (queue.pumping) return;
    queue.pumping = true;
    try {
      while (!this.#closed && queue.waiters.size > 0 && queue.dryAt !== queue.version) {
        // Read before asking: a job that comes meanwhile raises it again.
        const asked = queue.version;
        const first = firstOf(queue.waiters, width);
        const found = await Promise.all(first.map((waiter) => this.#claimFor(queue, waiter)));
        if (found.includes(false)) queue.dryAt = asked;
        // A claim for several architectures locks a candidate of each for a moment: others may have found nothing.
        if (queue.architectures.length > 1 && found.includes(true)) {
          this.#wake(
            (other) => other !== queue && other.architectures.some((name) => queue.architectures.includes(name)),
          );
        }
      }
    } catch (error) {
      // The tick asks again.
      queue.dryAt = queue.version;
      this.#options.onError(error);
    } finally {
      queue.pumping = false;
    }
  }

  async #claimFor(queue: Queue, waiter: Waiter): Promise<boolean> {
    const { db, clock } = this.#options;
    const { pool, architectures } = queue;
    const claimer = { worker: waiter.worker, architectures, pool, leaseMs: this.leaseMs, now: clock.now() };
    waiter.claiming = true;
    const lease = await claim(db, claimer).finally(() => (waiter.claiming = false));
    if (lease !== undefined) {
      // To the worker's newest request: an older one may have lost its connection.
      (this.#waitingFor.get(waiter.worker) ?? waiter).settle(lease);
      if (waiter.leaving) waiter.settle(undefined);
      return true;
    }
    if (waiter.leaving) waiter.settle(undefined);
    // To the end of the queue: a worker that was disabled while it waited gets nothing and must not block the others.
    if (queue.waiters.delete(waiter)) queue.waiters.add(waiter);
    return false;
  }

  async #tick(): Promise<void> {
    if (this.#closed) return;
    const { db, clock, distribution, onError } = this.#options;
    const now = clock.now();
    if (now.getTime() - this.#lastTick.getTime() > standstill) this.#hearsSince = now;
    this.#lastTick = now;
    try {
      if (now.getTime() - this.#hearsSince.getTime() > Math.min(grace, this.leaseMs)) {
        await expireLeases(db, now, distribution);
      }
      // A signature is accepted until `mostSkew` after its date, which may be as far ahead of now.
      await forgetNonces(db, new Date(now.getTime() - 3 * mostSkew));
    } catch (error) {
      onError(error);
    }
    this.#wake(() => true);
  }
}

/** Sends a waiter away, but not before the claim that is under way for it. */
function leave(waiter: Waiter): void {
  waiter.leaving = true;
  if (!waiter.claiming) waiter.settle(undefined);
}

function firstOf<T>(items: Iterable<T>, count: number): T[] {
  const first: T[] = [];
  for (const item of items) {
    first.push(item);
    if (first.length === count) break;
  }
  return first;
}
