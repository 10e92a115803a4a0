/** What a device has against a list of packages. Pure: where the list comes from is others' business. */
import { compareVersions } from '../formats/deb/version.ts';
import { order } from '../kit/order.ts';
import type { FileFaults, Manifest, ManifestPackage } from './manifest.ts';

/**
 * `tampered`: files are not as the package brought them. `half-installed`: dpkg has not finished with it. `foreign`: the
 * list does not know it. `missing`: only the list has it. `behind`, `ahead`: the device's version is older, newer.
 * `edited`: settings were changed, which they may be. `held`: a person told dpkg to keep this version. `unverified`: some
 * files could not be looked at. `same`: nothing to say.
 */
export const deviceKinds = [
  ...(['tampered', 'half-installed', 'foreign', 'missing', 'behind', 'ahead', 'unverified', 'edited', 'held'] as const),
  'same',
] as const;
export type DeviceKind = (typeof deviceKinds)[number];

/** Those that make a device differ; the others are only told. */
const differing: readonly DeviceKind[] = ['tampered', 'half-installed', 'foreign', 'missing', 'behind', 'ahead'];

export type ListedPackage = {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: string;
  readonly sourceVersion: string;
  /** Of the `.deb`; empty where it is not known. */
  readonly sha256: string;
};

export type PackageList = {
  readonly packages: readonly ListedPackage[];
  /** All of it should be on the device: a lock. Otherwise it is what there is to install: a suite. */
  readonly isWhole: boolean;
  /** What it lists packages of; without it, of all. */
  readonly architectures?: readonly string[];
};

export type DevicePackage = {
  readonly name: string;
  readonly architecture: string;
  /** At least one, in the order of `deviceKinds`. */
  readonly kinds: readonly DeviceKind[];
  readonly source: string;
  /** Absent when it is missing. */
  readonly installed?: Pick<ManifestPackage, 'version' | 'sourceVersion' | 'status' | 'auto'>;
  /** Absent when it is foreign. */
  readonly listed?: Pick<ListedPackage, 'version' | 'sourceVersion' | 'sha256'>;
  readonly files?: FileFaults;
};

export type DeviceCounts = Readonly<Record<DeviceKind, number>>;

export type DeviceComparison = {
  readonly differs: boolean;
  readonly counts: DeviceCounts;
  /** Architectures of the device that the list says nothing of. */
  readonly leftOut: readonly string[];
  /** By name and architecture. */
  readonly packages: readonly DevicePackage[];
};

/** A package has several kinds where several are true of it: behind and held. Of several listed versions, the newest counts. */
export function compareDevice(manifest: Manifest, list: PackageList): DeviceComparison {
  const names = Map.groupBy(list.packages, ({ name }) => name);
  const native = manifest.architecture;
  const isKnown = (architecture: string) =>
    architecture === 'all' || list.architectures === undefined || list.architectures.includes(architecture);
  const met = new Set<ListedPackage>();
  const packages: DevicePackage[] = [];
  for (const each of manifest.packages) {
    if (!isKnown(each.architecture)) continue;
    const candidates = candidatesFor(each, names.get(each.name) ?? [], native);
    for (const candidate of candidates) met.add(candidate);
    packages.push(judge(each, newest(candidates)));
  }
  if (list.isWhole) packages.push(...list.packages.filter((each) => !met.has(each)).map(toMissing));
  packages.sort((a, b) => order(a.name, b.name) || order(a.architecture, b.architecture));
  const counts = countKinds(packages);
  const leftOut = new Set(manifest.packages.map(({ architecture }) => architecture).filter((each) => !isKnown(each)));
  return {
    differs: differing.some((kind) => counts[kind] > 0),
    ...{ counts, leftOut: [...leftOut].sort(), packages },
  };
}

/** The same architecture; else `all` for a machine's own one, where a package changed between the two. */
function candidatesFor(
  { architecture }: ManifestPackage,
  listed: readonly ListedPackage[],
  native: string,
): readonly ListedPackage[] {
  const same = listed.filter((each) => each.architecture === architecture);
  if (same.length > 0) return same;
  const other = architecture === 'all' ? native : architecture === native ? 'all' : undefined;
  return listed.filter((each) => each.architecture === other);
}

function newest(candidates: readonly ListedPackage[]): ListedPackage | undefined {
  return candidates.reduce<ListedPackage | undefined>(
    (best, each) => (best === undefined || orderLeniently(each.version, best.version) > 0 ? each : best),
    undefined,
  );
}

/** An index may list what is no version; it is older than every one. */
function orderLeniently(a: string, b: string): number {
  try {
    return compareVersions(a, b);
  } catch {
    return order(a, b);
  }
}

function judge(installed: ManifestPackage, listed: ListedPackage | undefined): DevicePackage {
  const { name, architecture, source, version, sourceVersion, status, auto, files } = installed;
  const versions = listed === undefined ? undefined : orderLeniently(version, listed.version);
  const is: Readonly<Partial<Record<DeviceKind, boolean>>> = {
    tampered: (files?.altered.length ?? 0) + (files?.missing.length ?? 0) > 0,
    'half-installed': !/^\S+ ok installed$/.test(status),
    foreign: listed === undefined,
    behind: versions !== undefined && versions < 0,
    ahead: versions !== undefined && versions > 0,
    unverified: (files?.unverified.length ?? 0) > 0,
    edited: (files?.conffiles.length ?? 0) > 0,
    held: status.startsWith('hold '),
  };
  const kinds = deviceKinds.filter((kind) => is[kind] === true);
  return {
    ...{ name, architecture, kinds: kinds.length === 0 ? ['same'] : kinds, source },
    installed: { version, sourceVersion, status, auto },
    ...(listed === undefined ? {} : { listed: toListed(listed) }),
    ...(files === undefined ? {} : { files }),
  };
}

function toMissing(listed: ListedPackage): DevicePackage {
  const { name, architecture, source } = listed;
  return { name, architecture, kinds: ['missing'], source, listed: toListed(listed) };
}

function toListed({ version, sourceVersion, sha256 }: ListedPackage): NonNullable<DevicePackage['listed']> {
  return { version, sourceVersion, sha256 };
}

function countKinds(packages: readonly DevicePackage[]): DeviceCounts {
  const counts = Object.fromEntries(deviceKinds.map((kind) => [kind, 0])) as Record<DeviceKind, number>;
  for (const { kinds } of packages) for (const kind of kinds) counts[kind]++;
  return counts;
}
