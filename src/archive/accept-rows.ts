/**
 * Accepted packages in the ledger: first everything is compared with what the repository has, then everything is
 * entered. All of it inside one transaction that holds the repository's lock.
 */
import type { InputFile } from '../model/job.ts';
import type { CheckedBinary } from './check-binaries.ts';
import type { CheckedSource } from './check-source.ts';
import { poolDirectory } from './layout.ts';
import { isLive, isRemoved, wasTaken, type Asked, type KnownBinary, type KnownSource, type Ledger } from './ledger.ts';
import type { Reasons } from './refusal.ts';
import type { PoolPath } from './store.ts';

/** What is asked of a ledger to take these. */
export function askedOf(sources: readonly CheckedSource[], binaries: readonly CheckedBinary[]): Asked {
  return {
    sources: sources.map(({ dsc }) => ({ name: dsc.source, version: dsc.version })),
    binaries,
    paths: [
      ...sources.flatMap((source) => sourcePaths(source).map(({ path }) => path)),
      ...binaries.map((binary) => binary.filename),
    ],
  };
}

export type SourceRows = {
  readonly source: CheckedSource;
  readonly pool: readonly PoolPath[];
  /** When these bytes were accepted before. */
  readonly known: KnownSource | undefined;
};

/** Adds a reason for every file that the repository has with other bytes. */
export function compareSource(ledger: Ledger, source: CheckedSource, reasons: Reasons): SourceRows {
  const { source: name, version } = source.dsc;
  const known = ledger.source({ name, version });
  if (known !== undefined) compareFiles(source, known, reasons);
  const pool = sourcePaths(source);
  if (known === undefined) comparePool(ledger, pool, reasons);
  return { source, pool, known };
}

/** `already`: the suite has or had it before, and nothing was entered. */
export function putSource(
  ledger: Ledger,
  { source, pool, known }: SourceRows,
  tagBuild: number | undefined,
): { readonly row: KnownSource; readonly already: boolean } {
  const row = known ?? ledger.addSource(toNewSource(source, tagBuild));
  if (known === undefined) ledger.addPaths(pool);
  const already = wasTaken(ledger, row);
  if (!already) ledger.enterSource(row);
  return { row, already };
}

export type BinaryRows = {
  readonly binaries: readonly CheckedBinary[];
  /** Those that were accepted before with these bytes. */
  readonly known: ReadonlyMap<CheckedBinary, KnownBinary>;
  readonly fresh: readonly PoolPath[];
};

/** Adds a reason for every file that the repository has with other bytes. */
export function compareBinaries(ledger: Ledger, binaries: readonly CheckedBinary[], reasons: Reasons): BinaryRows {
  for (const { source, sourceVersion } of binaries.slice(0, 1)) {
    const row = ledger.source({ name: source, version: sourceVersion });
    if (row === undefined || !isRemoved(row)) continue;
    reasons.add(`Source ${source} ${sourceVersion} ${removedFrom(ledger.suite.name)}`);
  }
  const known = new Map<CheckedBinary, KnownBinary>();
  let differs = false;
  for (const binary of binaries) {
    const found = ledger.binary(binary);
    if (found?.sha256 === binary.file.sha256) known.set(binary, found);
    else if (found !== undefined) {
      differs = true;
      reasons.add(otherBytes(binary.file.name, binary.file.sha256, found.sha256));
    }
  }
  const fresh = binaries
    .filter((binary) => !known.has(binary))
    .map((binary) => toPoolPath(binary.filename, binary.file));
  if (!differs) comparePool(ledger, fresh, reasons);
  return { binaries, known, fresh };
}

/** Returns those that the suite never had before. */
export function putBinaries(
  ledger: Ledger,
  { binaries, known, fresh }: BinaryRows,
  source: KnownSource | undefined,
  made: { readonly job?: number | undefined; readonly attempt?: number | undefined },
): readonly CheckedBinary[] {
  ledger.addPaths(fresh);
  const added: CheckedBinary[] = [];
  for (const binary of binaries) {
    const { file, ...facts } = binary;
    const row =
      known.get(binary) ??
      ledger.addBinary({ ...facts, sha256: file.sha256, size: file.size, job: made.job, attempt: made.attempt });
    if (wasTaken(ledger, row)) continue;
    ledger.enterBinary(row, binary.source);
    added.push(binary);
  }
  // With them comes their source, if it is here, even when it was given up as superseded before they were built.
  if (added.length > 0 && source !== undefined && !isLive(source)) ledger.enterSource(source);
  return added;
}

/** `alpha (amd64), alpha-doc (all)` */
export function listBinaries(binaries: readonly CheckedBinary[]): string {
  return [...new Set(binaries.map((binary) => `${binary.name} (${binary.architecture})`))].join(', ');
}

export function removedFrom(suite: string): string {
  return `was removed from suite "${suite}": release a new version`;
}

function compareFiles(source: CheckedSource, known: KnownSource, reasons: Reasons): void {
  const before = new Map(known.files.map((file) => [file.name, file.sha256]));
  for (const file of source.files) {
    const other = before.get(file.name);
    if (other === undefined) {
      reasons.add(`${file.name}: ${source.dsc.source} ${source.dsc.version} was accepted before without this file`);
    } else if (other !== file.sha256) reasons.add(otherBytes(file.name, file.sha256, other));
  }
}

/** A name in the pool means the same bytes for ever: also an upstream tarball that several versions share. */
function comparePool(ledger: Ledger, files: readonly PoolPath[], reasons: Reasons): void {
  for (const file of files) {
    const other = ledger.path(file.path);
    if (other !== undefined && other !== file.sha256) reasons.add(otherBytes(file.path, file.sha256, other));
  }
}

function otherBytes(name: string, got: string, before: string): string {
  return `${name}: it was accepted before with other bytes (SHA-256 ${before}, now ${got}); release a new version instead`;
}

function toNewSource({ dsc, component, files }: CheckedSource, tagBuild: number | undefined) {
  const directory = poolDirectory(component, dsc.source);
  const stanza = dsc.stanza.text;
  return { name: dsc.source, version: dsc.version, component, stanza, directory, files, tagBuild };
}

function sourcePaths({ dsc, component, files }: CheckedSource): PoolPath[] {
  const directory = poolDirectory(component, dsc.source);
  return files.map((file) => toPoolPath(`${directory}/${file.name}`, file));
}

function toPoolPath(path: string, file: InputFile): PoolPath {
  return { path, sha256: file.sha256, size: file.size };
}
