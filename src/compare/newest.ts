/** Several entries of one package: the newest version counts. */
import { compareVersions, splitVersion } from '../formats/deb/version.ts';
import { order } from '../kit/order.ts';
import type { PackageEntry } from '../model/index-history.ts';

export type Newest = {
  /** The newest version; more than one where an index lists it with other bytes or in several components. */
  readonly entries: readonly PackageEntry[];
  /** The older versions, newest first, each once. */
  readonly also: readonly string[];
};

export function newestOf(entries: readonly PackageEntry[]): Newest {
  if (entries.length === 1) return { entries, also: [] };
  const sorted = entries.toSorted(
    (a, b) =>
      orderVersions(b.version, a.version) ||
      order(a.version, b.version) ||
      order(a.sha256, b.sha256) ||
      order(a.component, b.component) ||
      a.size - b.size ||
      order(a.source, b.source) ||
      order(a.sourceVersion, b.sourceVersion),
  );
  const first = sorted[0]!;
  const isOlder = (entry: PackageEntry) => orderVersions(entry.version, first.version) !== 0;
  const distinct = sorted.filter((entry, index) => index === 0 || !isSameEntry(entry, sorted[index - 1]!));
  return {
    entries: distinct.filter((entry) => !isOlder(entry)),
    also: [...new Set(distinct.filter(isOlder).map(({ version }) => version))],
  };
}

/**
 * dpkg's order for whatever stands in an index: a text that is no version is older than every version, and two of them
 * are in the order of their letters. 0 for versions that dpkg holds equal.
 */
export function orderVersions(a: string, b: string): number {
  if (a === b) return 0;
  try {
    return compareVersions(a, b);
  } catch {
    const [left, right] = [isReadable(a), isReadable(b)];
    if (left !== right) return left ? 1 : -1;
    return order(a, b);
  }
}

/** One package listed by the indexes of several architectures is one entry. */
function isSameEntry(a: PackageEntry, b: PackageEntry): boolean {
  return a.version === b.version && a.sha256 === b.sha256 && a.component === b.component && a.size === b.size;
}

function isReadable(version: string): boolean {
  try {
    splitVersion(version);
    return true;
  } catch {
    return false;
  }
}
