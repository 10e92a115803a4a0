/** The archive: files are accepted into a suite, and suites are published as snapshots. */
export { findAcceptedSource, findUploadedArchitectures, type AcceptedSource } from './accepted-source.ts';
export { acceptBinaries, acceptSource, type Acceptance, type AcceptRequest } from './accept.ts';
export {
  acceptImported,
  findImported,
  importConflicts,
  type ImportedBinary,
  type ImportedPackages,
  type ImportedSource,
} from './accept-imported.ts';
export {
  acceptUpload,
  acceptUploads,
  type Enter,
  type EnteringSource,
  type Opinion,
  type UploadAcceptance,
} from './accept-upload.ts';
export type { Kept } from './blob-check.ts';
export { keepPooled } from './check-upload.ts';
export { aptSources } from './apt-sources.ts';
export { hasEnded } from './end-of-life.ts';
export { freezeSuite, thawSuite, type FreezeResult } from './freeze.ts';
export type { BinaryEntry, Content, SourceEntry } from './content.ts';
export { removePackages } from './operations-remove.ts';
export { rollBack } from './operations-rollback.ts';
export { copyPackages, type OperationResult } from './operations.ts';
export { poolDirectory, repositoryDirectory } from './layout.ts';
export { releaseFields } from './release.ts';
export { recallPool, recallPoolFile, withdrawPoolFiles } from './pool-files.ts';
export type { ArchiveDeps, Compression, Published, ReleaseSigner, TreeFiles, UnlistedPackage } from './ports.ts';
export {
  checkDatabase,
  publishSuite,
  reconcile,
  type Publication,
  type PublishOptions,
  type PublishReason,
} from './publish.ts';
export { awaitPublication, liveContent as suiteContent, newestSnapshot } from './store.ts';
