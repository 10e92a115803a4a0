/**
 * Which files of a system are not as their packages brought them. dpkg has MD5 checksums only: they find accidents and
 * plain changes; whoever can choose a package's bytes, or dpkg's own lists, can outwit them. Files of packages that are at
 * hand are compared by SHA-256 (`against.ts`).
 */
import { parseMd5sums, type Md5sum } from '../formats/deb/control-lists.ts';
import type { StatusEntry } from '../formats/deb/status.ts';
import { SheafError } from '../kit/error.ts';
import { order } from '../kit/order.ts';
import type { FileFaults } from './manifest.ts';
import { readPlaces, type Places } from './places.ts';
import type { DeviceFiles, FileDigest } from './ports.ts';
import { readText } from './text.ts';

export type VerifyOptions = {
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
};

type Faults = { readonly [K in keyof FileFaults]: string[] };

const largestList = 64 * 2 ** 20;
const atOnce = 8;

/** Of each package with a fault, what it is. `native` is the system's architecture. */
export async function verifyFiles(
  root: DeviceFiles,
  entries: readonly StatusEntry[],
  native: string,
  { onProgress, signal }: VerifyOptions,
): Promise<Map<StatusEntry, FileFaults>> {
  const places = await readPlaces(root);
  const found = new Map<StatusEntry, FileFaults>();
  let next = 0;
  let done = 0;
  const lane = async () => {
    while (next < entries.length) {
      signal?.throwIfAborted();
      const entry = entries[next++]!;
      const faults = await verifyPackage(root, entry, native, places);
      if (Object.values(faults).some((list) => list.length > 0)) found.set(entry, sorted(faults));
      onProgress?.(++done, entries.length);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return found;
}

async function verifyPackage(
  root: DeviceFiles,
  entry: StatusEntry,
  native: string,
  places: Places,
): Promise<FileFaults> {
  const faults: Faults = { altered: [], missing: [], conffiles: [], unverified: [] };
  const conffiles = new Set(entry.conffiles.map(({ path }) => path));
  for (const { path, md5 } of await readSums(root, entry, native, faults)) {
    const absolute = `/${path}`;
    if (conffiles.has(absolute)) continue;
    const state = await root.digest(places.of(absolute, entry.name), 'md5');
    note(faults, absolute, state, md5, places);
  }
  for (const { path, md5 } of entry.conffiles) {
    if (md5 === undefined) continue;
    const state = await root.digest(places.of(path, entry.name), 'md5');
    if (state === 'unreadable') faults.unverified.push(path);
    else if (typeof state === 'string' || state.digest !== md5) faults.conffiles.push(path);
  }
  return faults;
}

/** Puts a file into the list where it belongs, if into any. */
export function note(faults: Faults, path: string, state: FileDigest, wanted: string, places: Places): void {
  if (state === 'unreadable') faults.unverified.push(path);
  else if (state === 'missing') {
    if (!places.isLeftOut(path)) faults.missing.push(path);
  } else if (state === 'not-a-file' || state.digest !== wanted) faults.altered.push(path);
}

export function sorted(faults: FileFaults): FileFaults {
  const sort = (list: readonly string[]) => [...new Set(list)].sort(order);
  const { altered, missing, conffiles, unverified } = faults;
  return {
    altered: sort(altered),
    missing: sort(missing),
    conffiles: sort(conffiles),
    unverified: sort(unverified),
  };
}

/** A list that is not there, or none that can be read, is told: taking it away would be the easiest way to hide. */
async function readSums(
  root: DeviceFiles,
  { name, architecture, conffiles }: StatusEntry,
  native: string,
  faults: Faults,
): Promise<Md5sum[]> {
  const own = architecture === 'all' ? native : architecture;
  const candidates = [`info/${name}`, `info/${name}:${own}`, `status.d/${name}`];
  for (const candidate of candidates) {
    const path = `var/lib/dpkg/${candidate}.md5sums`;
    try {
      const text = await readText(root, path, largestList);
      if (text !== undefined) return parseMd5sums(text, path);
    } catch (error) {
      if (!(error instanceof SheafError)) throw error;
      faults.unverified.push(`/${path}`);
      return [];
    }
  }
  for (const candidate of candidates) {
    const list = await readText(root, `var/lib/dpkg/${candidate}.list`, largestList);
    if (list === undefined) continue;
    const known = new Set(conffiles.map(({ path }) => path));
    if (await hasFile(root, list, known)) faults.unverified.push(`/var/lib/dpkg/${candidate}.md5sums`);
    break;
  }
  return [];
}

/** Packages of folders and settings alone have no checksums, and need none. */
async function hasFile(root: DeviceFiles, list: string, conffiles: ReadonlySet<string>): Promise<boolean> {
  for (const path of list.split('\n')) {
    if (!path.startsWith('/') || conffiles.has(path)) continue;
    if (typeof (await root.digest(path, 'md5')) !== 'string') return true;
  }
  return false;
}
