/** The history of indexes: what was where, and when. */
export { filesOf, searchContents, type ContentsQuery } from './contents.ts';
export { differingEntries, type DifferingEntries } from './differ.ts';
export { entriesAt, readStanza } from './entries.ts';
export { locate } from './locate.ts';
export type { HistoryDeps, IndexStore, PutOptions, Split, StoredIndex } from './ports.ts';
export { recordSnapshot } from './record.ts';
export { listAlarms } from './store/alarms.ts';
export { entryCursor, searchNames, type EntryFilter } from './store/entries.ts';
export { indexesAt } from './store/indexes.ts';
export { relationsTo, type RelationPage } from './store/relations.ts';
export { hashesOf, whereWas, type HashSighting, type WhereQuery } from './store/sightings.ts';
export { findSnapshot, listSnapshots, listTrackedSuites, nextSnapshot, previousSnapshot } from './store/snapshots.ts';
export type {
  HashAlarm,
  IndexAt,
  NewSnapshot,
  RecordedSnapshot,
  Sighting,
  SnapshotView,
  TrackedSuite,
} from './types.ts';
