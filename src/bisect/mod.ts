/** The bisect room: between a good state and a bad one, which to try next, and what changed. */
export { groupUnits } from './groups.ts';
export { roundsLeft, search, type Verdict } from './search.ts';
export { changedUnits, identity, withMoved, type Unit } from './units.ts';
