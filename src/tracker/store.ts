/** What the read models ask of the database: rows in, bounded always, nothing written. */
export type { Db } from '../db/connect.ts';
export * from './store/event.ts';
export * from './store/job.ts';
export * from './store/lock.ts';
export * from './store/log.ts';
export * from './store/package.ts';
export * from './store/statement.ts';
export * from './store/suite.ts';
export * from './store/tag-build.ts';
export * from './store/worker.ts';
