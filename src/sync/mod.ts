/** Following foreign archives: what their Release files say, whether it is believed, and their indexes. */
export { alteredRefusal, judgeRelease, type AcceptedRelease } from './judge-release.ts';
export { encodePath } from './fetch-index.ts';
export { fetchRelease, releaseBytes, releaseText } from './fetch-release.ts';
export { gatherIndexes, type GatherDeps } from './gather-indexes.ts';
export type { Decompress, Mirror, ReleaseFiles, VerifyRelease } from './ports.ts';
export type { SyncRefusal, SyncRefusalCode } from './refusal.ts';
export {
  indexesInside,
  listChecks,
  readSeen,
  recordCheck,
  withUpstreamLock,
  type CheckOutcome,
  type UpstreamCheck,
} from './store.ts';
