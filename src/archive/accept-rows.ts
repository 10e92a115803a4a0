/**
 * The rows of accepted packages: first everything is compared with what the repository has, then everything is written.
 * All of it inside one transaction that holds the repository's lock.
 */
import type { Suite } from '../model/distribution.ts';
import type { InputFile } from '../model/job.ts';
import type { CheckedBinary } from './check-binaries.ts';
import type { CheckedSource } from './check-source.ts';
import { poolDirectory } from './layout.ts';
import type { Reasons } from './refusal.ts';
import {
  findBinary,
  findPoolFiles,
  findSource,
  hasPublication,
  insertBinary,
  insertPoolFiles,
  insertPublication,
  insertSource,
  wasTaken,
  type Db,
  type PoolPath,
  type SourceRow,
} from './store.ts';
import { isRemoved } from './store-removal.ts';

export type SourceRows = {
  readonly source: CheckedSource;
  readonly directory: string;
  readonly pool: readonly PoolPath[];
  /** Its row, when these bytes were accepted before. */
  readonly known: number | undefined;
};

/** Adds a reason for every file that the repository has with other bytes. */
export async function compareSource(
  transaction: Db,
  suite: Suite,
  source: CheckedSource,
  reasons: Reasons,
): Promise<SourceRows> {
  const { source: name, version } = source.dsc;
  const known = await findSource(transaction, suite.repository, name, version);
  if (known !== undefined) compareFiles(source, known, reasons);
  const directory = poolDirectory(source.component, name);
  const pool = source.files.map((file) => toPoolPath(`${directory}/${file.name}`, file));
  if (known === undefined) await comparePool(transaction, suite, pool, reasons);
  return { source, directory, pool, known: known?.id };
}

/** `already`: the suite has or had it before, and nothing was written. */
export async function putSource(
  transaction: Db,
  suite: Suite,
  { source, directory, pool, known }: SourceRows,
  tagBuild: number | undefined,
  now: Date,
): Promise<{ readonly id: number; readonly already: boolean }> {
  const id = known ?? (await insertSource(transaction, suite.repository, source, directory, tagBuild, now));
  if (known === undefined) await insertPoolFiles(transaction, suite.repository, pool);
  const already = await wasTaken(transaction, suite, { source: id });
  if (!already) await insertPublication(transaction, suite.name, { source: id }, now);
  return { id, already };
}

export type BinaryRows = {
  readonly binaries: readonly CheckedBinary[];
  /** Rows of those that were accepted before with these bytes. */
  readonly known: ReadonlyMap<CheckedBinary, number>;
  readonly fresh: readonly PoolPath[];
};

/** Adds a reason for every file that the repository has with other bytes. */
export async function compareBinaries(
  transaction: Db,
  suite: Suite,
  binaries: readonly CheckedBinary[],
  reasons: Reasons,
): Promise<BinaryRows> {
  for (const { source, sourceVersion } of binaries.slice(0, 1)) {
    const row = await findSource(transaction, suite.repository, source, sourceVersion);
    if (row === undefined || !(await isRemoved(transaction, suite.name, row.id))) continue;
    reasons.add(`Source ${source} ${sourceVersion} was removed from suite "${suite.name}": release a new version`);
  }
  const known = new Map<CheckedBinary, number>();
  let differs = false;
  for (const binary of binaries) {
    const found = await findBinary(transaction, suite.repository, binary);
    if (found?.sha256 === binary.file.sha256) known.set(binary, found.id);
    else if (found !== undefined) {
      differs = true;
      reasons.add(otherBytes(binary.file.name, binary.file.sha256, found.sha256));
    }
  }
  const fresh = binaries
    .filter((binary) => !known.has(binary))
    .map((binary) => toPoolPath(binary.filename, binary.file));
  if (!differs) await comparePool(transaction, suite, fresh, reasons);
  return { binaries, known, fresh };
}

/** Returns those that the suite never had before. */
export async function putBinaries(
  transaction: Db,
  suite: Suite,
  { binaries, known, fresh }: BinaryRows,
  source: number,
  made: { readonly job?: number | undefined; readonly attempt?: number | undefined },
  now: Date,
): Promise<readonly CheckedBinary[]> {
  await insertPoolFiles(transaction, suite.repository, fresh);
  const added: CheckedBinary[] = [];
  for (const binary of binaries) {
    const origin = { job: made.job, attempt: made.attempt };
    const id = known.get(binary) ?? (await insertBinary(transaction, suite.repository, binary, origin, now));
    if (await wasTaken(transaction, suite, { binary: id })) continue;
    await insertPublication(transaction, suite.name, { binary: id }, now);
    added.push(binary);
  }
  if (added.length > 0) await bringSource(transaction, suite, source, now);
  return added;
}

/** `alpha (amd64), alpha-doc (all)` */
export function listBinaries(binaries: readonly CheckedBinary[]): string {
  return [...new Set(binaries.map((binary) => `${binary.name} (${binary.architecture})`))].join(', ');
}

/** Binaries never come without their source, even when it was given up as superseded before they were built. */
async function bringSource(transaction: Db, suite: Suite, source: number, now: Date): Promise<void> {
  if (await hasPublication(transaction, suite.name, { source })) return;
  await insertPublication(transaction, suite.name, { source }, now);
}

function compareFiles(source: CheckedSource, known: SourceRow, reasons: Reasons): void {
  const before = new Map(known.files.map((file) => [file.name, file.sha256]));
  for (const file of source.files) {
    const other = before.get(file.name);
    if (other === undefined) {
      reasons.add(`${file.name}: ${source.dsc.source} ${source.dsc.version} was accepted before without this file`);
    } else if (other !== file.sha256) reasons.add(otherBytes(file.name, file.sha256, other));
  }
}

/** A name in the pool means the same bytes for ever: also an upstream tarball that several versions share. */
async function comparePool(db: Db, suite: Suite, files: readonly PoolPath[], reasons: Reasons): Promise<void> {
  const paths = files.map((file) => file.path);
  const known = await findPoolFiles(db, suite.repository, paths);
  const before = new Map(known.map((file) => [file.path, file.sha256]));
  for (const file of files) {
    const other = before.get(file.path);
    if (other !== undefined && other !== file.sha256) reasons.add(otherBytes(file.path, file.sha256, other));
  }
}

function otherBytes(name: string, got: string, before: string): string {
  return `${name}: it was accepted before with other bytes (SHA-256 ${before}, now ${got}); release a new version instead`;
}

function toPoolPath(path: string, file: InputFile): PoolPath {
  return { path, sha256: file.sha256, size: file.size };
}
