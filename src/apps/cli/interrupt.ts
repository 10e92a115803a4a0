/** Ctrl-C: the first one asks the work to stop where nothing is lost, the second one stops the program. */

import { SheafError } from '../../kit/error.ts';

/** Runs something that can be called off; its signal is aborted by SIGINT and SIGTERM. Throws `aborted` then. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    return await work(controller.signal);
  } catch (error) {
    // Work that has its own words for it keeps them.
    if (!controller.signal.aborted || !(error instanceof Error) || error.name !== 'AbortError') throw error;
    throw new SheafError('aborted', 'Stopped before it was done', {
      hint: 'What was finished until then stays; the same command goes on with it.',
      cause: error,
    });
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}
