export { followedUpstreams, type FollowedUpstream } from './followed.ts';
export { reservedNames, webPages, type WebPages } from './pages.ts';
export type { ArchiveKey, ArchiveTexts, BlobReader, Listen, WakeUp, WebDeps } from './ports.ts';
export { countGuesses } from './manage/guesses.ts';
export { findVisitor, type Visitor } from './manage/visitor.ts';
