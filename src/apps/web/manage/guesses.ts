/** Bounds how often secrets are guessed: by each address, and for whoever asks at most so many at a time. */
import type { Context } from 'hono';

/** Wrong secrets from one address until it has to wait. */
const mostWrong = 20;
/** How long it is remembered, in milliseconds. */
const window = 10 * 60_000;
/** Addresses that are remembered; with more, the oldest are forgotten. */
const mostAddresses = 10_000;

export type Guesses = {
  /** Whether this visitor has to wait before the next secret is looked at. */
  readonly isTooMany: (c: Context) => boolean;
  readonly countWrong: (c: Context) => void;
};

export function countGuesses(now: () => Date): Guesses {
  const wrong = new Map<string, { count: number; since: number }>();
  const find = (c: Context) => {
    const address = addressOf(c);
    const found = wrong.get(address);
    if (found !== undefined && now().getTime() - found.since < window) return found;
    wrong.delete(address);
    return undefined;
  };
  return {
    isTooMany: (c) => (find(c)?.count ?? 0) >= mostWrong,
    countWrong(c) {
      const found = find(c);
      if (found !== undefined) {
        found.count += 1;
        return;
      }
      if (wrong.size >= mostAddresses) wrong.delete(wrong.keys().next().value!);
      wrong.set(addressOf(c), { count: 1, since: now().getTime() });
    },
  };
}

/** Of the connection: behind a proxy all visitors share one, and wait together. */
function addressOf(c: Context): string {
  const env = c.env as { incoming?: { socket?: { remoteAddress?: string } } } | undefined;
  return env?.incoming?.socket?.remoteAddress ?? '';
}
