/** Which versions apt may choose: apt_preferences(5). */
import { formatStanza } from '../../formats/deb/deb822.ts';
import type { LockedPackage } from '../../model/lock.ts';

/** Above every other version, also newer ones. */
const kept = '1001';
const never = '-1';

/** `exclude`: package names that are never installed. `keep`: versions that are taken wherever there are such. */
export function formatPreferences(
  exclude: readonly string[],
  keep: readonly Pick<LockedPackage, 'name' | 'version' | 'architecture'>[],
): string {
  const excluded = new Set(exclude);
  return [
    ...exclude.map((name) => pin(`${name}:any`, 'release *', never)),
    ...keep
      .filter(({ name }) => !excluded.has(name))
      .map(({ name, version, architecture }) =>
        pin(architecture === 'all' ? name : `${name}:${architecture}`, `version ${version}`, kept),
      ),
  ].join('\n');
}

function pin(name: string, what: string, priority: string): string {
  return formatStanza([
    ['Package', name],
    ['Pin', what],
    ['Pin-Priority', priority],
  ]);
}
