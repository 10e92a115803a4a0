/**
 * Where everything is below a repository's folder:
 *
 *     pool/COMPONENT/h/hello/hello_2.10-3_amd64.deb   hard links to blobs
 *     by-hash/SHA256/…                                every index ever published, once
 *     snapshot/SUITE/ID/dists/SUITE/…                 one publication; never changes once it has this name
 *     snapshot/SUITE/ID/pool → ../../../pool          so that a snapshot is a base URL of its own
 *     snapshot/SUITE/NUMBER → ID
 *     dists/SUITE → ../snapshot/SUITE/ID/dists/SUITE  the pointer: the only thing that moves
 *     key.asc, key.gpg                                the public key
 */
import { dirname, join } from 'node:path';

import { withoutEpoch } from '../formats/deb/version.ts';
import type { Label, SnapshotId, SuiteName } from '../model/names.ts';

export function repositoryDirectory(directory: string, repository: Label): string {
  return join(directory, repository);
}

/** Paths of one suite, absolute. `root` is the repository's folder. */
export function suitePaths(root: string, suite: SuiteName) {
  const snapshots = join(root, 'snapshot', suite);
  return {
    root,
    snapshots,
    pointers: join(root, 'dists'),
    byHash: join(root, 'by-hash', 'SHA256'),
    /** Uncompressed indexes, for the next publication; beside the repositories, so that nobody is served them. */
    copies: join(dirname(root), '.copies', suite),
    pointer: (name: SuiteName) => join(root, 'dists', name),
    /** While it is being written, until it is committed. */
    staged: (id: SnapshotId) => join(snapshots, `${id}.tmp`),
    snapshot: (id: SnapshotId) => join(snapshots, id),
    number: (number: number) => join(snapshots, String(number)),
  };
}

export type SuitePaths = ReturnType<typeof suitePaths>;

/** What `dists/SUITE` holds when it points at a snapshot. */
export function pointerTarget(suite: SuiteName, id: SnapshotId): string {
  return `../snapshot/${suite}/${id}/dists/${suite}`;
}

/** The snapshot a pointer leads to, or undefined when it is none of ours. */
export function snapshotOfPointer(target: string): SnapshotId | undefined {
  return /^\.\.\/snapshot\/[^/]+\/(\d{8}T\d{6}Z)\/dists\//.exec(target)?.[1] as SnapshotId | undefined;
}

/** `by-hash` of an index's directory `main/binary-amd64` → the folder that all snapshots share. */
export function byHashTarget(indexDirectory: string): string {
  // snapshot/SUITE/ID/dists/SUITE, and the index's own directories.
  return `${'../'.repeat(5 + indexDirectory.split('/').length)}by-hash`;
}

/** Folder in the pool, as Debian's archive has it: `lib` packages are spread by their fourth letter. */
export function poolDirectory(component: string, source: string): string {
  const prefix = source.startsWith('lib') && source.length > 3 ? source.slice(0, 4) : source.slice(0, 1);
  return `pool/${component}/${prefix}/${source}`;
}

/**
 * In bytes. File systems take 255: a copy has 41 more until it is whole, and apt writes an epoch into its names. A file that
 * could not get its name would keep its suite from ever being published.
 */
export const longestFileName = 214;

/** The name dpkg gives a binary package: no epoch. */
export function debFileName(name: string, version: string, architecture: string): string {
  return `${name}_${withoutEpoch(version)}_${architecture}.deb`;
}

export function dscFileName(source: string, version: string): string {
  return `${source}_${withoutEpoch(version)}.dsc`;
}
