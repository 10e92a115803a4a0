/** The search of a bisection: which of a row of states to try next, when some of them cannot be tried. Pure. */

export type Verdict = 'good' | 'bad' | 'skip';

export type Found = {
  /** The last state that is known to be good, and the first that is known to be bad. */
  readonly good: number;
  readonly bad: number;
};

/**
 * Looks for the first bad one of the states 0 to `last`, of which 0 is known to be good and `last` to be bad. Every state
 * is tried at most once; what is left between the two answers could not be tried. The same verdicts lead the same way.
 */
export async function search(last: number, verdictOf: (state: number) => Promise<Verdict>): Promise<Found> {
  let [good, bad] = [0, last];
  const skipped = new Set<number>();
  for (let attempt = 1; ;) {
    const open: number[] = [];
    for (let state = good + 1; state < bad; state++) if (!skipped.has(state)) open.push(state);
    if (open.length === 0) return { good, bad };
    const state = open[Math.floor(open.length * spread(attempt))]!;
    const verdict = await verdictOf(state);
    if (verdict === 'good') good = state;
    if (verdict === 'bad') bad = state;
    if (verdict === 'skip') skipped.add(state);
    // States that cannot be tried stand together: the next attempt is far from the last one.
    attempt = verdict === 'skip' ? attempt + 1 : 1;
  }
}

/** How many states will still be tried, when none of them is skipped. */
export function roundsLeft(states: number): number {
  return Math.max(0, Math.ceil(Math.log2(states)));
}

/** 1/2, 1/4, 3/4, 1/8, 5/8, …: the bits of a number behind the point, the last one first. */
function spread(attempt: number): number {
  let [value, weight] = [0, 0.5];
  for (let rest = attempt; rest > 0; rest = Math.floor(rest / 2), weight /= 2) value += (rest % 2) * weight;
  return value;
}
