/**
 * Looks into packages in a thread of its own: to read and compare what is in them takes seconds of a processor, and
 * whoever asks goes on answering others meanwhile. One question at a time, so that memory is bounded by the largest.
 */
import { Worker } from 'node:worker_threads';

import { SheafError } from '../../kit/error.ts';
import type { CompareDebs, ReadDebFacts } from '../../rebuild/mod.ts';
import type { Answer, Question } from './look-thread.ts';

export type Looks = { readonly readFacts: ReadDebFacts; readonly compare: CompareDebs };

type Waiting = { readonly settle: (value: unknown) => void; readonly fail: (error: Error) => void };

/** The thread is started when it is first needed, and keeps no program from its end. */
export function lookInThread(): Looks {
  const waiting = new Map<number, Waiting>();
  let thread: Worker | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let count = 0;

  function start(): Worker {
    const started = new Worker(new URL('./look-thread.ts', import.meta.url));
    const end = (cause: unknown): void => {
      if (thread === started) thread = undefined;
      for (const { fail } of waiting.values()) fail(ended(cause));
      waiting.clear();
    };
    started.on('message', (answer: Answer) => {
      const asked = waiting.get(answer.id);
      waiting.delete(answer.id);
      if ('value' in answer) asked?.settle(answer.value);
      else asked?.fail(new SheafError(answer.error.code, answer.error.message));
    });
    started.on('error', end);
    started.on('exit', end);
    started.unref();
    return started;
  }

  async function ask<T>(question: Question): Promise<T> {
    const asked = last.then(
      () =>
        new Promise((settle, fail) => {
          thread ??= start();
          const id = ++count;
          waiting.set(id, { settle, fail });
          thread.postMessage({ id, question });
        }),
    );
    last = asked.catch(() => {});
    return asked as Promise<T>;
  }

  return {
    readFacts: (path, source) => ask({ kind: 'facts', path, source }),
    compare: (original, rebuilt, name) => ask({ kind: 'compare', original, rebuilt, name }),
  };
}

function ended(cause: unknown): SheafError {
  return new SheafError('look-failed', 'Cannot look into a package: the thread that does it has ended', { cause });
}
