/** The door of the build room: the queue, leases, workers, logs, and what a worker does with a lease. */
export { toSentence } from './describe.ts';
export { addJob, cancelJob, retryJob, setJobState, wakeUninstallable, type NewJob } from './store/jobs.ts';
export {
  claim,
  currentLease,
  expireLeases,
  heartbeat,
  reconcileWorker,
  releaseLease,
  type Claimer,
  type HeartbeatAnswer,
  type Holder,
  type Running,
} from './store/leases.ts';
export { completeAttempt, earlierCompletion, type CheckedResult, type Completion } from './store/complete.ts';
export { appendLog, digestLog, readLog, type LogAnswer, type LogPart } from './store/log.ts';
export {
  addRebuildJob,
  liveJobsOfRebuild,
  moveJob,
  setRebuildJobAside,
  type NewRebuildJob,
} from './store/rebuild-jobs.ts';
export { noteUpload, uploadsOf } from './store/uploads.ts';
export { buildNeeds, type BuildNeeds } from './needs.ts';
export { withoutUdebs } from './udebs.ts';
export { planBinaryTasks, type BinaryTask } from './plan.ts';
export { listJobs, showJob, type JobAttempt, type JobDetails, type JobFilter, type JobSummary } from './store/views.ts';
export {
  admitRequest,
  approveWorker,
  createEnrolmentToken,
  disableWorker,
  enrolWorker,
  findWorker,
  forgetNonces,
  listWorkers,
  type Admittance,
  type Enrolment,
  type EnrolmentAnswer,
} from './store/workers.ts';
export type { Notifying } from './store/row.ts';
export { checkFiles, isControlFile, mostControlBytes } from './check-files.ts';
export { checkProvenance, toStatement, type BuildFacts, type RunFacts } from './provenance.ts';
export type { FetchBlob, ParseLock, RootPort, RootPortOptions, VerifySignature } from './ports.ts';
export { isBuildPath, shownBy } from './conditions.ts';
export { executeBuild, type ExecuteDeps, type Execution } from './execute.ts';
export type { OutputFile } from './outputs.ts';
export { formatFooter, formatHeader, formatTop, type Field } from './log-frame.ts';
