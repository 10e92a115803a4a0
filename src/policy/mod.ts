/** The policy: what a distribution's sheaf.toml says, checked. */
export { defaultLimits, parseDistribution } from './distribution.ts';
export type { FileFacts, LookAtFile } from './files.ts';
export { readDistribution } from './read.ts';
