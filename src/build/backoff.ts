/** When a job is tried again after the environment's or a worker's fault. */
const first = 30_000;
const most = 15 * 60_000;

/** Milliseconds to wait after this attempt (1 for the first): 30 s, 1 min, 2 min, … at most 15 min. */
export function backoffAfter(attempt: number): number {
  return Math.min(most, first * 2 ** Math.min(attempt - 1, 20));
}
