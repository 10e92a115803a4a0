/** The lock room: wishes → an exact list of packages, as a file for people's git. */
export { chooseSnapshots } from './choose-snapshots.ts';
export { lockedEntry } from './entries.ts';
export {
  explainPackage,
  hasRecommended,
  type Cause,
  type Chain,
  type Explanation,
  type NamedPackage,
  type Step,
} from './explain.ts';
export { byPackage, formatLock, lockedPackageFields, lockHead, parseLock, parseLocks } from './lock-file.ts';
export { solve, type Solution, type SolveDeps, type SolveRequest } from './solve.ts';
export type { LockSpec } from './spec.ts';
export { contentsOf, type PackageClass } from './variant.ts';
export type {
  PackageSource,
  SnapshotAnswer,
  SnapshotRequest,
  SnapshotSolver,
  Solver,
  SolverAnswer,
  SolverRequest,
} from './ports.ts';
