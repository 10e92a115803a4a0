/** The room of comparison: what differs between two lists of packages. It reads nothing by itself. */
export { changeClasses, countByClass, sourceOf } from './change.ts';
export type { ChangeClass, Counts, CountsByKind, PackageChange, PackageKind, PackageSide } from './change.ts';
export type { ChangelogText } from '../formats/deb/changelog-entries.ts';
export { changesBetween, fixedIn } from './changelog.ts';
export { compareEntries, countChanges, type Comparison } from './entries.ts';
export { groupBySource, type SourceGroup } from './groups.ts';
export { selectChanges, type Selection } from './select.ts';
