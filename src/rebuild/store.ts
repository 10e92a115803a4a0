/** What the rebuild room asks of the database. */
export type { Db } from '../db/connect.ts';
export * from './store/recording.ts';
export * from './store/counts.ts';
export * from './store/over-time.ts';
export * from './store/reading.ts';
export * from './store/remember.ts';
export * from './store/tasks.ts';
export * from './store/pools.ts';
