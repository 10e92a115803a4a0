/** The rebuild room: published files built again, and what came of it. */
export type { StatementBlobs, VerifySignature } from './ports.ts';
export { recordRebuild, type RecordDeps, type RecordOptions } from './record.ts';
export { signRebuild, type RebuildStatement, type Rebuilder } from './statement.ts';
export {
  findRebuilds,
  listStatuses,
  type FileStatus,
  type Rebuild,
  type RebuildQuery,
  type StatusFilters,
} from './store.ts';
