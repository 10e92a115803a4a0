/** Facts as snapshot.debian.org's API words them: its member names, and a SHA-256 beside. Pure. */
import { compareVersions } from '../../../formats/deb/version.ts';
import type { Sha256 } from '../../../kit/digest.ts';
import type { BinaryFact, FileFact } from './facts.ts';

/** By SHA-256; a file that is not here has none, and goes by its SHA-256. */
export type Names = ReadonlyMap<Sha256, string>;

export type FileInfo = {
  readonly name: string;
  readonly archive_name: string;
  readonly path: string;
  readonly size: number;
  readonly first_seen: string;
  readonly sha256: string;
};

export const comment = 'Hashes are SHA-1 where the file is here, SHA-256 otherwise; both are understood.';

export function hashOf(file: FileFact, names: Names): string {
  return names.get(file.sha256) ?? file.sha256;
}

export function fileInfo(file: FileFact): FileInfo {
  return {
    ...{ name: file.name, archive_name: file.archive, path: file.path, size: file.size },
    ...{ first_seen: file.firstSeen, sha256: file.sha256 },
  };
}

/** Every place of every file, by hash. */
export function fileInfos(files: readonly FileFact[], names: Names): Record<string, FileInfo[]> {
  const infos = new Map<string, FileInfo[]>();
  for (const file of files) {
    const hash = hashOf(file, names);
    infos.set(hash, [...(infos.get(hash) ?? []), fileInfo(file)]);
  }
  return Object.fromEntries(infos);
}

/** One file may be in several archives. */
export function hashes(files: readonly FileFact[], names: Names): { hash: string }[] {
  return [...new Set(files.map((file) => hashOf(file, names)))].map((hash) => ({ hash }));
}

export function binaryHashes(binaries: readonly BinaryFact[], names: Names): { architecture: string; hash: string }[] {
  const found = new Map<string, { architecture: string; hash: string }>();
  for (const { architecture, file } of binaries) {
    const hash = hashOf(file, names);
    found.set(`${architecture} ${hash}`, { architecture, hash });
  }
  return [...found.values()].toSorted((a, b) => byText(a.architecture, b.architecture) || byText(a.hash, b.hash));
}

/** Name and version of binary packages, each once, by name, the newest first. */
export function binaryVersions(binaries: readonly BinaryFact[]): { name: string; version: string }[] {
  const found = new Map(binaries.map(({ name, version }) => [`${name} ${version}`, { name, version }]));
  return [...found.values()].toSorted((a, b) => byText(a.name, b.name) || compareVersions(b.version, a.version));
}

export function newestFirst(versions: readonly string[]): string[] {
  return [...new Set(versions)].toSorted((a, b) => compareVersions(b, a));
}

export function byText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
