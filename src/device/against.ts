/**
 * A device's files against the packages themselves: every byte by SHA-256, so that neither dpkg's own lists nor a chosen
 * MD5 collision can hide a change.
 */
import type { FileFaults, Manifest, ManifestPackage } from './manifest.ts';
import { readPlaces } from './places.ts';
import type { DeviceFiles } from './ports.ts';
import { note, sorted } from './verify.ts';

/** A file as its package brought it: absolute path, and what it holds. */
export type PackagedFile = { readonly path: string; readonly sha256: string };

export type AgainstDeps = {
  readonly root: DeviceFiles;
  /**
   * The files of this version of a package without its conffiles; undefined where the package is not at hand. Throws as
   * the reader of packages does.
   */
  readonly filesOf: (each: ManifestPackage) => Promise<readonly PackagedFile[] | undefined>;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
};

export type VerifiedManifest = { readonly manifest: Manifest; readonly compared: number };

/** The manifest with what its packages' own bytes say in the place of what dpkg's lists say, and how many were at hand. */
export async function verifyAgainst(
  { root, filesOf, onProgress, signal }: AgainstDeps,
  manifest: Manifest,
): Promise<VerifiedManifest> {
  const places = await readPlaces(root);
  const packages: ManifestPackage[] = [];
  let compared = 0;
  for (const each of manifest.packages) {
    signal?.throwIfAborted();
    onProgress?.(packages.length, manifest.packages.length);
    const files = await filesOf(each);
    if (files === undefined) {
      packages.push(each);
      continue;
    }
    compared++;
    const faults = { altered: [] as string[], missing: [] as string[], unverified: [] as string[] };
    const conffiles = [...(each.files?.conffiles ?? [])];
    for (const { path, sha256 } of files) {
      const state = await root.digest(places.of(path, each.name), 'sha256');
      note({ ...faults, conffiles }, path, state, sha256, places);
    }
    packages.push(withFaults(each, sorted({ ...faults, conffiles })));
  }
  return { manifest: { ...manifest, packages }, compared };
}

function withFaults(each: ManifestPackage, files: FileFaults): ManifestPackage {
  const found: { -readonly [K in keyof ManifestPackage]: ManifestPackage[K] } = { ...each, files };
  if (Object.values(files).every((list) => list.length === 0)) delete found.files;
  return found;
}
