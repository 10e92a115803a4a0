/** What the command line needs to make a machine a worker and to run it. */
export { enrol, readWorker, type EnrolOptions, type WorkerSettings } from './settings.ts';
export { openRuntime, type RuntimeOptions } from './runtime.ts';
export { runWorker, type WorkerOptions } from './worker.ts';
export type { Runtime } from './attempt.ts';
