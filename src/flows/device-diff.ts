/**
 * `sheaf device diff`: what a device has, what it should or could have, and what the history knows of the difference. The
 * list is a lock, or what one or several suites offer at a moment.
 */
import { changesBetween } from '../compare/mod.ts';
import {
  compareDevice,
  verifyAgainst,
  type DeviceComparison,
  type DeviceFiles,
  type DevicePackage,
  type ListedPackage,
  type Manifest,
  type PackagedFile,
  type PackageList,
} from '../device/mod.ts';
import { entriesAt, hashesOf, indexesAt, locate, whereWas } from '../history/mod.ts';
import { SheafError } from '../kit/error.ts';
import type { PackageEntry, SnapshotRef } from '../model/index-history.ts';
import { formatSnapshotRef } from '../model/index-history.ts';
import { lockedEntry } from '../lock/mod.ts';
import type { Lock } from '../model/lock.ts';
import type { ChangelogPort } from './compare-changelogs.ts';
import type { CompareHistory } from './compare-open.ts';

export type DeviceDeps = {
  /** Absent where there is no distribution: then only locks can be named. */
  readonly history?: CompareHistory | undefined;
  readonly changelogs?: ChangelogPort | undefined;
  /** The files of a `.deb`, where it is at hand. */
  readonly packaged?: ((sha256: string) => Promise<readonly PackagedFile[] | undefined>) | undefined;
};

export type Against =
  | { readonly kind: 'lock'; readonly name: string; readonly locks: readonly Lock[] }
  | { readonly kind: 'places'; readonly places: readonly string[] };

export type DeviceOptions = {
  /** The system itself: its files are compared with the packages' own, where these are at hand. */
  readonly root?: DeviceFiles | undefined;
  /** Whether versions that the list does not have are looked for in all that the history has. */
  readonly find?: boolean | undefined;
  readonly onProgress?: ((text: string, done?: number, total?: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** A package, and what is known of the version that the device does not have yet, or that only the device has. */
export type ToldPackage = DevicePackage & {
  /** The first kept snapshot of these suites that has that version. ISO 8601. */
  readonly since?: string;
  /** What its changelog entries name, where the file is here. */
  readonly cves?: readonly string[];
  /** Of a foreign version or one that is ahead, when it was looked for; empty when no kept snapshot had it. */
  readonly known?: readonly KnownPlace[];
};

/** Where exactly this name, version and architecture was: the first kept snapshot of a suite. */
export type KnownPlace = { readonly place: string; readonly sha256: string };

export type DeviceDifference = Omit<DeviceComparison, 'packages'> & {
  readonly against: { readonly kind: Against['kind']; readonly places: readonly string[] };
  /** How many packages were compared file by file with the packages themselves; absent where none should be. */
  readonly compared?: number;
  readonly packages: readonly ToldPackage[];
};

/** Throws `unknown-place`, `wrong-architecture`, and what reading of the history and of packages throws. */
export async function diffDevice(
  deps: DeviceDeps,
  manifest: Manifest,
  against: Against,
  options: DeviceOptions = {},
): Promise<DeviceDifference> {
  const { onProgress } = options;
  if (against.kind === 'places') onProgress?.(`reading ${against.places.join(', ')}`);
  const { list, refs } = await openList(deps, manifest, against);
  const verified =
    options.root === undefined ? undefined : await verify(deps, manifest, list, { ...options, root: options.root });
  const { packages, ...comparison } = compareDevice(verified?.manifest ?? manifest, list);
  return {
    ...comparison,
    against: { kind: against.kind, places: against.kind === 'lock' ? [against.name] : refs.map(formatSnapshotRef) },
    ...(verified === undefined ? {} : { compared: verified.compared }),
    packages: await tell(deps, packages, refs, options),
  };
}

type OpenList = { readonly list: PackageList; readonly refs: readonly SnapshotRef[] };

async function openList({ history }: DeviceDeps, manifest: Manifest, against: Against): Promise<OpenList> {
  if (against.kind === 'lock') {
    return {
      list: { packages: lockOf(against, manifest).packages.map((each) => ofEntry(lockedEntry(each))), isWhole: true },
      refs: [],
    };
  }
  if (history === undefined) {
    throw new SheafError('unknown-place', `Cannot find "${against.places[0]}": there is no such lock file`, {
      kind: 'usage',
      hint: 'Name a lock file, or a suite of a distribution of ours (-C DIR).',
    });
  }
  const refs: SnapshotRef[] = [];
  for (const place of against.places) refs.push(await locate(history, place));
  const names = new Set(manifest.packages.map(({ name }) => name));
  const packages: ListedPackage[] = [];
  const architectures = new Set<string>();
  for (const ref of refs) {
    for (const { kind, architecture } of await indexesAt(history.db, ref))
      if (kind === 'packages') architectures.add(architecture);
    const entries = await entriesAt(history, ref, { kind: 'binary' });
    packages.push(...entries.filter(({ name }) => names.has(name)).map(ofEntry));
  }
  architectures.delete('');
  return {
    list: { packages, isWhole: false, ...(architectures.size === 0 ? {} : { architectures: [...architectures] }) },
    refs,
  };
}

function lockOf({ name, locks }: Extract<Against, { kind: 'lock' }>, { architecture }: Manifest): Lock {
  const found = locks.find((lock) => lock.architecture === architecture);
  if (found !== undefined) return found;
  const own = locks.map((lock) => lock.architecture).join(', ');
  throw new SheafError(
    'wrong-architecture',
    `Cannot compare the device with ${name}: the device is ${architecture}, the lock is for ${own}`,
    { kind: 'usage', hint: 'Name the lock of this kind of device.' },
  );
}

function ofEntry({ name, version, architecture, sha256, source, sourceVersion }: PackageEntry): ListedPackage {
  return { name, version, architecture, sha256, source, sourceVersion };
}

/** A package is at hand when a list or the history says which bytes this version has, and these are kept. */
async function verify(
  { history, packaged }: DeviceDeps,
  manifest: Manifest,
  list: PackageList,
  { root, onProgress, signal }: DeviceOptions & { readonly root: DeviceFiles },
) {
  const listed = new Map(list.packages.map((each) => [keyOf(each), each.sha256]));
  return verifyAgainst(
    {
      ...{ root, signal },
      onProgress: (done, total) => onProgress?.('comparing files with their packages', done, total),
      filesOf: async (each) => {
        const digests = [listed.get(keyOf(each)) ?? ''];
        if (digests[0] === '' && history !== undefined)
          digests.push(...(await hashesOf(history.db, each)).map(({ sha256 }) => sha256));
        for (const sha256 of digests) {
          const files = sha256 === '' ? undefined : await packaged?.(sha256);
          if (files !== undefined) return files;
        }
        return undefined;
      },
    },
    manifest,
  );
}

function keyOf({ name, version, architecture }: Pick<ListedPackage, 'name' | 'version' | 'architecture'>): string {
  return `${name} ${version} ${architecture}`;
}

async function tell(
  deps: DeviceDeps,
  packages: readonly DevicePackage[],
  refs: readonly SnapshotRef[],
  { find, onProgress, signal }: DeviceOptions,
): Promise<ToldPackage[]> {
  const behind = packages.filter(({ kinds }) => kinds.includes('behind'));
  const told = new Map<DevicePackage, ToldPackage>();
  const strange =
    find === true ? packages.filter(({ kinds }) => kinds.some((kind) => kind === 'foreign' || kind === 'ahead')) : [];
  for (const each of strange) {
    signal?.throwIfAborted();
    onProgress?.('looking for strange versions', told.size, strange.length);
    const known = await knownPlaces(deps, each);
    told.set(each, { ...each, ...(known && { known }) });
  }
  const cves = new Map<string, Promise<readonly string[] | undefined>>();
  for (const each of behind) {
    signal?.throwIfAborted();
    onProgress?.('looking up newer versions', told.size - strange.length, behind.length);
    const since = await publishedAt(deps, each, refs);
    // All binaries of a source carry the same changelog.
    const key = `${each.source} ${each.installed!.sourceVersion} ${each.listed!.sourceVersion}`;
    const known = (await cves.get(key)) ?? (await cvesOf(deps, each));
    cves.set(key, Promise.resolve(known));
    told.set(each, { ...each, ...(since && { since }), ...(known && { cves: known }) });
  }
  return packages.map((each) => told.get(each) ?? each);
}

/** Newest first; undefined where there is no history to ask. */
async function knownPlaces({ history }: DeviceDeps, device: DevicePackage): Promise<readonly KnownPlace[] | undefined> {
  const { name, architecture, installed } = device;
  if (history === undefined) return undefined;
  const sightings = await whereWas(history.db, { name, architecture, version: installed!.version, kind: 'binary' });
  return sightings.map(({ since, entry, ...suite }) => ({
    place: formatSnapshotRef({ ...suite, snapshotId: since }),
    sha256: entry.sha256,
  }));
}

/** When one of the suites first had the version. */
async function publishedAt(
  { history }: DeviceDeps,
  { name, listed }: DevicePackage,
  refs: readonly SnapshotRef[],
): Promise<string | undefined> {
  if (history === undefined) return undefined;
  const sightings = await whereWas(history.db, { name, version: listed!.version, kind: 'binary' });
  const own = sightings.filter(
    ({ origin, suite }) => refs.length === 0 || refs.some((ref) => ref.origin === origin && ref.suite === suite),
  );
  const first = own.map(({ since }) => since).sort()[0];
  return first?.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z');
}

async function cvesOf(
  { changelogs }: DeviceDeps,
  { name, installed, listed }: DevicePackage,
): Promise<readonly string[] | undefined> {
  if (changelogs === undefined || listed!.sha256 === '') return undefined;
  const answer = await changelogs({ kind: 'binary', name, sha256: listed!.sha256 });
  if (answer.state !== 'found') return undefined;
  const isRebuilt = installed!.sourceVersion === listed!.sourceVersion;
  const [from, to] = isRebuilt
    ? [installed!.version, listed!.version]
    : [installed!.sourceVersion, listed!.sourceVersion];
  const { entries } = changesBetween(answer.text, from, to);
  return [...new Set(entries.flatMap(({ text }) => text.match(/\bCVE-\d{4}-\d{4,7}\b/g) ?? []))].sort();
}
