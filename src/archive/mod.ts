/** The archive: files are accepted into a suite, and suites are published as snapshots. */
export { findAcceptedSource, type AcceptedSource } from './accepted-source.ts';
export { acceptBinaries, acceptSource, type Acceptance, type AcceptRequest } from './accept.ts';
export { acceptUpload } from './accept-upload.ts';
export { aptSources } from './apt-sources.ts';
export type { BinaryEntry, Content, SourceEntry } from './content.ts';
export { removePackages } from './operations-remove.ts';
export { rollBack } from './operations-rollback.ts';
export { copyPackages, type OperationResult } from './operations.ts';
export { repositoryDirectory } from './layout.ts';
export type { ArchiveDeps, Compression, Published, ReleaseSigner, TreeFiles } from './ports.ts';
export { publishSuite, reconcile, type Publication, type PublishOptions, type PublishReason } from './publish.ts';
export { liveContent as suiteContent, newestSnapshot } from './store.ts';
