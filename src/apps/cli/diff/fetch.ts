/** Which command brings the files that changelogs are read from. */
import type { ComparedSource, PlaceComparison } from '../../../flows/compare-places.ts';

/** So many names are still a command that a person copies. */
const fewNames = 8;

/** Undefined when the newer place is no upstream of ours. */
export function fetchCommand({ right }: PlaceComparison, sources: readonly ComparedSource[]): string | undefined {
  const { origin, suite, snapshotId } = right;
  if (origin === undefined || origin === '' || suite === undefined || snapshotId === undefined) return undefined;
  const names = sources.length <= fewNames ? sources.map(({ source }) => source).join(' ') : 'NAME…';
  return `sheaf upstream files ${origin} ${names} --suite ${suite} --at ${snapshotId} --source --fetch`;
}
