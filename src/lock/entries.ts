/** A locked package as an index lists it, for comparing and looking up. */
import type { PackageEntry } from '../model/index-history.ts';
import { lockedField, type LockedPackage } from '../model/lock.ts';

/** Where a lock does not say the source package, it is the package itself. */
export function lockedEntry(locked: LockedPackage): PackageEntry {
  const { name, version, architecture, sha256, size } = locked;
  const source = /^(\S+)(?: \(([^()\s]+)\))?$/.exec(lockedField(locked, 'Source') ?? '');
  return {
    ...{ kind: 'binary', name, version, architecture, sha256, size },
    source: source?.[1] ?? name,
    sourceVersion: source?.[2] ?? version,
    component: '',
  };
}
