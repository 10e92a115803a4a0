/**
 * What has to be where, and in which order, so that a client of the mirror sees one consistent suite at every moment:
 * what indexes name before the indexes, indexes before the Release file that names them, and last what clients ask for
 * first.
 */
import { dirname } from 'node:path/posix';

import { parseRelease } from '../formats/deb/release.ts';
import { isSha256, type Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { MirrorEntry, MirrorFile, TreeEntry } from '../model/mirror.ts';

/** Steps of a push: each must be in the target as a whole before the next one begins. */
export const phaseNames = ['packages', 'indexes', 'releases', 'snapshots', 'pointers'] as const;

export type Phase = { readonly name: (typeof phaseNames)[number]; readonly entries: readonly MirrorEntry[] };

/** The names in `dists/` with the snapshot that each shows. */
export type Pointer = { readonly name: string; readonly snapshot: string };

export type MirrorPlan = { readonly phases: readonly Phase[]; readonly pointers: readonly Pointer[] };

export type PlanInput = {
  readonly entries: readonly TreeEntry[];
  /** Whether the target has symbolic links; where not, `dists/` holds real files. */
  readonly links: boolean;
  /** What the archive knows about the pool's files. */
  readonly digests: ReadonlyMap<string, Sha256>;
  /** Text of a Release file. */
  readonly readRelease: (source: string) => Promise<string>;
};

/** Throws `mirror-tree` when a pointer leads nowhere. */
export async function planMirror(input: PlanInput): Promise<MirrorPlan> {
  const tree = new Map(input.entries.map((entry) => [entry.path, entry]));
  const pointers = input.entries.flatMap((entry) => {
    const name = /^dists\/([^/]+)$/.exec(entry.path)?.[1];
    return entry.kind === 'link' && name !== undefined ? [{ name, folder: follow(tree, entry.path) }] : [];
  });
  const entries = input.links
    ? input.entries.map((entry) => (entry.kind === 'file' ? toFile(entry, entry.path, input.digests) : entry))
    : await withoutLinks(input, tree, pointers);
  const sorted = phaseNames.map((name): { name: Phase['name']; entries: MirrorEntry[] } => ({ name, entries: [] }));
  for (const entry of entries) sorted[phaseOf(entry)]!.entries.push(entry);
  return {
    phases: sorted,
    pointers: pointers.map(({ name, folder }) => ({ name, snapshot: folder.split('/')[2]! })),
  };
}

function phaseOf(entry: MirrorEntry): number {
  const [first, ...rest] = entry.path.split('/');
  const file = rest.at(-1)!;
  if (entry.kind === 'link') {
    if (first === 'dists') return 4;
    // snapshot/SUITE/NUMBER is a name that clients know; links inside a snapshot are parts of it.
    return rest.length === 2 ? 3 : 1;
  }
  if ((first !== 'dists' && first !== 'snapshot') || rest.includes('by-hash')) return 0;
  if (file === 'InRelease') return first === 'dists' ? 4 : 3;
  return file === 'Release' || file === 'Release.gpg' ? 2 : 1;
}

/** The folder `snapshot/SUITE/ID/dists/SUITE` behind a name in `dists/`. */
function follow(tree: ReadonlyMap<string, TreeEntry>, start: string): string {
  let path = start;
  for (let step = 0; step < 3; step += 1) {
    const entry = tree.get(path);
    if (entry?.kind !== 'link') break;
    path = `dists/${entry.target}`.replace(/^dists\/\.\.\//, '');
  }
  if (tree.has(`${path}/Release`) && /^snapshot\/[^/]+\/\d{8}T\d{6}Z\//.test(path)) return path;
  throw new SheafError('mirror-tree', `Cannot read the published tree: ${start} leads to no snapshot`, {
    hint: 'Publish the suite again: sheaf suite publish SUITE --force',
  });
}

/**
 * For targets without links: current suites as real files, everything by hash twice (once for all, and where clients
 * look), and of each snapshot the signed files, from which it can be put together again.
 */
async function withoutLinks(
  { entries, digests, readRelease }: PlanInput,
  tree: ReadonlyMap<string, TreeEntry>,
  pointers: readonly { readonly name: string; readonly folder: string }[],
): Promise<MirrorFile[]> {
  const found = entries.flatMap((entry) => {
    const wanted = entry.kind === 'file' && (!entry.path.startsWith('snapshot/') || isReleaseFile(entry.path));
    return wanted ? [toFile(entry, entry.path, digests)] : [];
  });
  const byHash = (name: string, path: string, sha256: Sha256): MirrorFile[] => {
    const entry = tree.get(`by-hash/SHA256/${sha256}`);
    return entry?.kind === 'file'
      ? [toFile(entry, `dists/${name}/${dirname(path)}/by-hash/SHA256/${sha256}`, digests)]
      : [];
  };
  for (const { name, folder } of pointers) {
    const release = tree.get(`${folder}/Release`);
    if (release?.kind !== 'file') continue;
    // Patches are listed in an Index of their own; clients fetch them by name.
    for (const entry of entries) {
      if (entry.kind !== 'file' || !entry.path.startsWith(`${folder}/`) || !isPatch(entry.path)) continue;
      found.push(toFile(entry, `dists/${name}/${entry.path.slice(folder.length + 1)}`, digests));
    }
    const { files } = parseRelease(await readRelease(release.source), release.path);
    for (const { path, sha256 } of files) {
      const byName = tree.get(`${folder}/${path}`);
      if (byName?.kind === 'file') found.push({ ...toFile(byName, `dists/${name}/${path}`, digests), sha256 });
      found.push(...byHash(name, path, sha256));
    }
    // Clients that have just read the Release file before still come for its indexes.
    const before = tree.get(`${folderBefore(tree, folder)}/Release`);
    if (before?.kind === 'file') {
      const { files: old } = parseRelease(await readRelease(before.source), before.path);
      for (const { path, sha256 } of old) found.push(...byHash(name, path, sha256));
    }
    for (const file of ['Release', 'Release.gpg', 'InRelease']) {
      const entry = tree.get(`${folder}/${file}`);
      if (entry?.kind === 'file') found.push(toFile(entry, `dists/${name}/${file}`, digests));
    }
  }
  // The same index may be listed under two names.
  return [...new Map(found.map((file) => [file.path, file])).values()];
}

/** Of the suite's snapshot before the one in `folder`; undefined for its first. */
function folderBefore(tree: ReadonlyMap<string, TreeEntry>, folder: string): string | undefined {
  const [, suite, id] = folder.split('/') as [string, string, string];
  const older = [...tree.keys()].flatMap((path) => {
    const [, found] = /^snapshot\/[^/]+\/(\d{8}T\d{6}Z)\/dists\/[^/]+\/Release$/.exec(path) ?? [];
    return found !== undefined && found < id && path.startsWith(`snapshot/${suite}/`) ? [dirname(path)] : [];
  });
  return older.toSorted().at(-1);
}

function isReleaseFile(path: string): boolean {
  return /\/(?:InRelease|Release|Release\.gpg)$/.test(path);
}

function isPatch(path: string): boolean {
  return /\.diff\/[^/]+\.gz$/.test(path);
}

function toFile(
  entry: Extract<TreeEntry, { kind: 'file' }>,
  path: string,
  digests: ReadonlyMap<string, Sha256>,
): MirrorFile {
  const name = entry.path.slice(entry.path.lastIndexOf('/') + 1);
  const sha256 = entry.path.includes('by-hash/SHA256/') && isSha256(name) ? name : digests.get(entry.path);
  return { kind: 'file', path, source: entry.source, size: entry.size, sha256 };
}
