/** The archive: files are accepted into a suite, and suites are published as snapshots. */
export { findAcceptedSource, type AcceptedSource } from './accepted-source.ts';
export { acceptBinaries, acceptSource, type Acceptance, type AcceptRequest } from './accept.ts';
export { aptSources } from './apt-sources.ts';
export type { BinaryEntry, Content, SourceEntry } from './content.ts';
export { repositoryDirectory } from './layout.ts';
export type { ArchiveDeps, Compression, Published, ReleaseSigner, TreeFiles } from './ports.ts';
export { publishSuite, reconcile, type Publication, type PublishOptions, type PublishReason } from './publish.ts';
export { liveContent as suiteContent, newestSnapshot } from './store.ts';
