/** How often a delivery is tried, and when again. */

/** Waits after the first, second, … failed attempt, in milliseconds; after the last one it is given up. */
const waits = [10_000, 60_000, 5 * 60_000, 30 * 60_000, 2 * 3_600_000, 6 * 3_600_000, 12 * 3_600_000];

const longestWish = 3_600_000;

/**
 * When to try again after `attempts` failed ones, or undefined when it is time to give up. `wish` is how long the other
 * side asked us to wait.
 */
export function nextAttempt(attempts: number, now: Date, wish = 0): Date | undefined {
  const wait = waits[attempts - 1];
  return wait === undefined ? undefined : new Date(now.getTime() + Math.max(wait, Math.min(wish, longestWish)));
}

/** Milliseconds of a Retry-After header (RFC 9110, 10.2.3) or of Matrix' `retry_after_ms`; 0 when there is none. */
export function wishedWait(
  answer: { readonly retryAfter: string | undefined; readonly body: string },
  now: Date,
): number {
  const header = answer.retryAfter?.trim() ?? '';
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  if (!Number.isNaN(date)) return Math.max(0, date - now.getTime());
  return Number(/"retry_after_ms"\s*:\s*(\d{1,12})/.exec(answer.body)?.[1] ?? 0);
}
