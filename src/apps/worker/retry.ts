/** Saying something again until the server hears it. */
import { setTimeout as sleep } from 'node:timers/promises';

import { isPassing } from '../../plumbing/worker-client.ts';

const shortest = 250;
const longest = 10_000;

/**
 * Does it again, with growing pauses, while the server cannot be reached. Ends with the signal's reason. `onTrouble` hears
 * of the first failure.
 */
export async function persist<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  onTrouble?: (error: unknown) => void,
): Promise<T> {
  for (let pause = shortest; ; pause = Math.min(longest, pause * 2)) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (pause === shortest) onTrouble?.(error);
    }
    // Not all at once after the server comes back.
    await sleep(pause * (0.5 + Math.random()), undefined, { signal });
  }
}
