/** Time is passed in: nothing below `apps/` reads the clock by itself. */
export type Clock = { readonly now: () => Date };

export const systemClock: Clock = { now: () => new Date() };
