/**
 * Keeps rebuilds going that workers make: takes tasks, the most urgent first, and works on some at once. Whoever holds
 * the lock works on them, so that of several servers one does; what was running when it ended goes on at the next.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import type pg from 'pg';

import type { Db } from '../../db/connect.ts';
import { withRebuildLock } from '../../db/locks.ts';
import type { Wakes } from '../../flows/rebuild-on-workers.ts';
import type { Clock } from '../../kit/clock.ts';
import { takeTask, wakeTasksWithoutPool, type RebuildTask } from '../../rebuild/mod.ts';

export type RebuildDeskOptions = {
  readonly db: Db;
  readonly pool: pg.Pool;
  readonly clock: Clock;
  /** Ends with the task, or with the signal; throws what it cannot settle. */
  readonly run: (task: RebuildTask, wakes: Wakes, signal: AbortSignal) => Promise<void>;
  readonly onError: (error: unknown) => void;
};

/** Most tasks at once: nearly all of them wait for workers. */
const width = 16;
/** Pauses end without a wake-up, and wake-ups may be lost. */
const tickMs = 10_000;
const pauseMs = 5000;

export class RebuildDesk {
  readonly #options: RebuildDeskOptions;
  readonly #closing = new AbortController();
  readonly #wakes = new WakeCounter();
  readonly #held: Promise<void>;
  #haveWorkersChanged = true;

  constructor(options: RebuildDeskOptions) {
    this.#options = options;
    this.#held = this.#hold();
  }

  /** Says that a task was asked for, or may go on. */
  wake(): void {
    this.#wakes.add();
  }

  /** Says that other workers may build. */
  workersChanged(): void {
    this.#haveWorkersChanged = true;
    this.wake();
  }

  /** Takes up nothing more and leaves what is running as it is. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#held;
  }

  async #hold(): Promise<void> {
    const { pool, onError } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await withRebuildLock(pool, signal, (held) => this.#work(held));
      } catch (error) {
        if (signal.aborted) return;
        onError(error);
        await sleep(pauseMs, undefined, { signal }).catch(() => {});
      }
    }
  }

  /** While the lock is held. */
  async #work(held: AbortSignal): Promise<void> {
    const ending = new AbortController();
    const signal = AbortSignal.any([held, ending.signal]);
    const running = new Map<number, Promise<void>>();
    const ticks = setInterval(() => this.wake(), tickMs);
    try {
      while (!signal.aborted) {
        const count = this.#wakes.count();
        await this.#fill(running, signal);
        await this.#wakes.beyond(count, signal).catch(() => {});
      }
    } finally {
      clearInterval(ticks);
      ending.abort();
      await Promise.all(running.values());
    }
  }

  async #fill(running: Map<number, Promise<void>>, signal: AbortSignal): Promise<void> {
    const { db, clock } = this.#options;
    if (this.#haveWorkersChanged) {
      this.#haveWorkersChanged = false;
      await wakeTasksWithoutPool(db);
    }
    while (running.size < width && !signal.aborted) {
      const task = await takeTask(db, [...running.keys()], clock.now());
      if (task === undefined) return;
      const done = this.#run(task, signal).finally(() => {
        running.delete(task.id);
        this.wake();
      });
      running.set(task.id, done);
    }
  }

  async #run(task: RebuildTask, signal: AbortSignal): Promise<void> {
    try {
      await this.#options.run(task, this.#wakes, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#options.onError(error);
      // It is still said to be running, and would be taken up at once.
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
  }
}

class WakeCounter implements Wakes {
  #count = 0;
  readonly #waiting = new Set<() => void>();

  add(): void {
    this.#count++;
    for (const wake of [...this.#waiting]) wake();
  }

  count(): number {
    return this.#count;
  }

  async beyond(count: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#count > count) return;
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        signal.removeEventListener('abort', settle);
        this.#waiting.delete(settle);
        resolve();
      };
      signal.addEventListener('abort', settle);
      this.#waiting.add(settle);
    });
    signal.throwIfAborted();
  }
}
