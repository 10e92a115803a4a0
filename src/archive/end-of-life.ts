/**
 * The end of a suite's life: from then on nothing comes in, nothing is removed, and no Release file is made or renewed.
 * What was published stays for ever. Its last Release keeps the Valid-Until that it was made with: clients that insist on
 * one refuse the suite at most `valid-for` later, which is what its end means to them.
 */
import type { Suite } from '../model/distribution.ts';

type Mortal = Pick<Suite, 'name' | 'endOfLife'>;

export function hasEnded({ endOfLife }: Mortal, now: Date): boolean {
  return endOfLife !== undefined && endOfLife <= now;
}

/** Why nothing may be changed in the suite any more, or undefined. */
export function endReason(suite: Mortal, now: Date): string | undefined {
  if (!hasEnded(suite, now)) return undefined;
  const date = suite.endOfLife!.toISOString().slice(0, 10);
  return `Suite "${suite.name}" came to the end of its life on ${date}: see end-of-life of the suite in sheaf.toml`;
}
