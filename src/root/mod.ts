/** The root room: wishes → lock → a root filesystem. */
export { formatLock, parseLock } from './lock-file.ts';
export {
  materialise,
  type Account,
  type Root,
  type RootDeps,
  type RootOptions,
  type RootProgress,
} from './materialise.ts';
export { solve, type Solution, type SolveDeps, type SolveRequest } from './solve.ts';
export type {
  DebStore,
  FetchOptions,
  FetchProgress,
  PackageSource,
  Solver,
  SolverAnswer,
  SolverRequest,
  WithLock,
} from './ports.ts';
