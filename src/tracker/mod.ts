/** The tracker: where every package is now and why, read from the tables that the other rooms write. */
export * from './event.ts';
export { findEvidence, isPublicFile, listJobs, listStatements, showJob } from './job.ts';
export type { AttemptView, JobDetail, JobView, StatementView } from './job.ts';
export * from './log.ts';
export { overview, type MovingTagBuild, type Overview } from './overview.ts';
export { defaultLimit, maxLimit, type Page, type PageRequest } from './page.ts';
export { listPackages, packageStatuses } from './status.ts';
export type { PackageListItem, PackageState, PackageStatus, SuiteAxes } from './status.ts';
export { listSnapshots, listSuitePackages, listSuites } from './suite.ts';
export type { SnapshotView, SuiteBinaryView, SuitePackageView, SuiteView } from './suite.ts';
export { listRefusals, listTagBuilds, refusalSentence, showTagBuild, type TagBuildView } from './tag-build.ts';
export { packageTimeline, tagBuildTimeline, utc } from './timeline.ts';
export type { CountLocked, Evidence, Step, StepState, Timeline } from './timeline.ts';
export { listWorkers, type WorkerView } from './worker.ts';
export type { JobFilters } from './store.ts';
