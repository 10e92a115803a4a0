/** A comparison as a control file: a stanza for each change, for grep-dctrl and its like. */
import { sourceOf, type PackageChange } from '../../../compare/mod.ts';
import type { PlaceComparison } from '../../../flows/compare-places.ts';
import { formatStanza } from '../../../formats/deb/deb822.ts';

/** Lines; every stanza ends with an empty one. */
export function formatStanzas({ sources }: PlaceComparison): string[] {
  return sources.flatMap(({ changes }) => changes.flatMap((change) => formatStanza(fieldsOf(change)).split('\n')));
}

function fieldsOf(change: PackageChange): (readonly [string, string])[] {
  const { name, old, new: now } = change;
  const fields: (readonly [string, string | undefined])[] = [
    ['Package', name],
    ['Architecture', (now ?? old!).architecture],
    ['Source', sourceOf(change)],
    ['Change', change.change],
    ['Old-Architecture', now !== undefined && old?.architecture !== now.architecture ? old?.architecture : undefined],
    ['Old-Version', old?.version],
    ['New-Version', now?.version],
    ['Old-Component', old?.component],
    ['New-Component', now?.component],
    ['Old-Size', old && String(old.size)],
    ['New-Size', now && String(now.size)],
    ['Old-SHA256', old?.sha256],
    ['New-SHA256', now?.sha256],
  ];
  return fields.flatMap(([field, value]) => (value === undefined || value === '' ? [] : [[field, value] as const]));
}
