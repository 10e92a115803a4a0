/** The root room: a lock → a root filesystem. */
export {
  materialise,
  type Account,
  type Root,
  type RootDeps,
  type RootOptions,
  type RootProgress,
} from './materialise.ts';
export { rootFormat } from './format.ts';
export { exportTar, newestTime } from './export.ts';
export { tellShortage } from './room.ts';
export type { DebStore, FetchOptions, FetchProgress, WithLock } from './ports.ts';
