/** The rebuild room: published files built again, and what came of it. */
export { acceptStatement, believedRebuilders, type Accepted, type AcceptDeps } from './accept.ts';
export { rebuiltFor } from './changelog-entries.ts';
export { choosePools, type PoolChoice, type Pools } from './choose-pool.ts';
export { guessCompilers } from './compilers.ts';
export { confirmSteps, isUnsure, placeIn, type Attempt, type Step } from './confirmed.ts';
export { headerNames, installedPatches, laterPatches } from './headers.ts';
export { debhelperOf } from './debhelper.ts';
export {
  describeCause,
  describeExplained,
  describeRebuild,
  describeRebuilder,
  describeRebuilders,
  describeWhy,
  isDisputed,
} from './describe.ts';
export {
  halves,
  isBlind,
  joinConditions,
  planExperiments,
  toldExperiment,
  versionsOf,
  type Experiment,
  type Group,
} from './experiments.ts';
export { linkPublicKeyPem, publicKeyPem, signLink, type LinkSigner } from './link.ts';
export type {
  CompareDebs,
  DebFacts,
  Difference,
  Hint,
  LockedSource,
  OlderSource,
  PackageVersion,
  ReadDebFacts,
  StatementBlobs,
  VerifySignature,
} from './ports.ts';
export { describeConditions, recordedConditions, recoverConditions, type Recovered } from './recover.ts';
export { makeReport, openCounts, reportCauses, type RebuildReport, type ReportedPackage } from './report.ts';
export { recordRebuild, type RecordDeps, type RecordOptions } from './record.ts';
export { toldConditions } from './told.ts';
export { signRebuild, type RebuildStatement, type Rebuilder } from './statement.ts';
export { viewStatuses, viewTask, type RebuildTaskView, type RebuiltFileView } from './view.ts';
export {
  addTasks,
  countPlaces,
  countTasks,
  countsOverTime,
  findRebuilds,
  findResults,
  findTask,
  findUnjudged,
  finishTask,
  giveUpTask,
  listStatuses,
  listTasks,
  otherWords,
  putTaskOff,
  readPools,
  statusOfHashes,
  takeTask,
  tellTask,
  wakeTasksWithoutPool,
  type Believed,
  type CountsAt,
  type FileStatus,
  type NewTask,
  type OtherWord,
  type PlaceCounts,
  type Rebuild,
  type RebuildQuery,
  type RebuildTask,
  type StatusFilters,
  type TaskCounts,
  type TaskFilters,
  type VerdictCounts,
} from './store.ts';
