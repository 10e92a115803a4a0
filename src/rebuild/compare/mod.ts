/** The structural comparison of two packages. */
export { compareDebs } from './compare.ts';
export { formatComparison, formatDifference } from './format.ts';
export { hints } from './hints.ts';
export { said, type Said } from './said.ts';
export { pairFiles } from './pair-files.ts';
export { places } from './places.ts';
export type { CompareDeps, DebInput } from './ports.ts';
export type { ContentDetail, DebComparison, DebDifference } from './types.ts';
