/** A locked package as an index lists it, for comparing and looking up. */
import type { PackageEntry } from '../model/index-history.ts';
import type { LockedPackage } from '../model/lock.ts';

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

/** In bytes, as the package says it, which is an estimate; 0 where it does not. */
export function installedSize(locked: LockedPackage): number {
  const kib = lockedField(locked, 'Installed-Size');
  return kib !== undefined && /^\d{1,12}$/.test(kib) ? Number(kib) * 1024 : 0;
}

/** Names are compared without regard to case (Policy 5.1). */
export function lockedField({ fields = [] }: LockedPackage, name: string): string | undefined {
  const wanted = name.toLowerCase();
  return fields.find(([each]) => each.toLowerCase() === wanted)?.[1];
}
