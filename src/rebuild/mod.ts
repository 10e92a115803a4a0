/** The rebuild room: published files built again, and what came of it. */
export { acceptStatement, believedRebuilders, type Accepted, type AcceptDeps } from './accept.ts';
export { linkPublicKeyPem, signLink, type LinkSigner } from './link.ts';
export type { StatementBlobs, VerifySignature } from './ports.ts';
export { recordRebuild, type RecordDeps, type RecordOptions } from './record.ts';
export { signRebuild, type RebuildStatement, type Rebuilder } from './statement.ts';
export {
  countPlaces,
  findRebuilds,
  listStatuses,
  type Believed,
  type FileStatus,
  type PlaceCounts,
  type Rebuild,
  type RebuildQuery,
  type StatusFilters,
} from './store.ts';
