/** The lock room: wishes → an exact list of packages, as a file for people's git. */
export { byPackage, formatLock, parseLock, parseLocks } from './lock-file.ts';
export { solve, type Solution, type SolveDeps, type SolveRequest } from './solve.ts';
export type { PackageSource, Solver, SolverAnswer, SolverRequest } from './ports.ts';
