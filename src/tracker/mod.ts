/** The tracker: where every package is now and why, read from the tables that the other rooms write. */
export * from './event.ts';
export { findEvidence, isPublicFile, listJobs, listStatements, showJob } from './job.ts';
export type { AttemptView, JobDetail, JobView, StatementView } from './job.ts';
export { jobsOfLock, listLocks, type LockUse } from './lock.ts';
export * from './log.ts';
export { overview, type MovingTagBuild, type Overview } from './overview.ts';
export type { Page, PageRequest } from './page.ts';
export { listPackages, packageStatuses } from './status.ts';
export type { PackageListItem, PackageState, PackageStatus, SuiteAxes } from './status.ts';
export { listSnapshots, listSuitePackages, listSuites } from './suite.ts';
export type { SnapshotView, SuiteBinaryView, SuitePackageView, SuiteView } from './suite.ts';
export { listRefusals, listTagBuilds, showTagBuild, type TagBuildView } from './tag-build.ts';
export type { Evidence, Step, StepState, Timeline } from './steps.ts';
export { packageTimeline, tagBuildTimeline, type CountLocked } from './timeline.ts';
export { utc } from './words.ts';
export { listWorkers, type WorkerView } from './worker.ts';
export { findSourcesOf, type JobFilters } from './store.ts';
