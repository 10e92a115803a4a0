/**
 * The door for packages of an archive that somebody else made. They keep their places in the pool and what the old index
 * said of them. Their bytes are blobs, checked against the old indexes, before they come here.
 */
import type { Sha256 } from '../kit/digest.ts';
import type { Label } from '../model/names.ts';
import { findSuite } from './accept.ts';
import { frozenReason } from './freeze.ts';
import type { ArchiveDeps } from './ports.ts';
import {
  insertImported,
  insertPaths,
  insertPublications,
  knownBinaries,
  knownPaths,
  knownSources,
  type ImportedBinary,
  type ImportedSource,
  type KnownBinary,
  type KnownSource,
} from './store-import.ts';
import { lockRepository, recordEvent, type Db, type PoolPath } from './store.ts';

export type { ImportedBinary, ImportedSource };

export type ImportedPackages = {
  readonly sources: readonly ImportedSource[];
  readonly binaries: readonly ImportedBinary[];
};

/** What a package or file means something else for already; `subject` is one of those that were asked about. */
export type ImportConflict = { readonly subject: ImportedSource | ImportedBinary; readonly message: string };

type ImportAcceptance =
  | { readonly kind: 'accepted'; readonly sources: number; readonly binaries: number }
  | { readonly kind: 'refused'; readonly reasons: readonly string[] };

/** Everything that stands against these packages in the repository as it is now. */
export async function importConflicts(
  db: Db,
  repository: Label,
  packages: ImportedPackages,
): Promise<readonly ImportConflict[]> {
  const known = await readKnown(db, repository, packages);
  const conflicts: ImportConflict[] = [];
  for (const binary of packages.binaries) {
    const other = known.binaries.get(keyOf(binary));
    const state =
      other === undefined
        ? comparePath(known.paths, binary.filename, binary.sha256)
        : other.sha256 !== binary.sha256
          ? `${describe(binary)} is here already with other bytes (SHA-256 ${other.sha256}, now ${binary.sha256})`
          : other.component === binary.component
            ? undefined
            : `${describe(binary)} is here already in component ${other.component}, now it is in ${binary.component}`;
    if (state !== undefined) conflicts.push({ subject: binary, message: state });
  }
  for (const source of packages.sources) {
    const other = known.sources.get(keyOf(source));
    const message = other === undefined ? compareNew(known.paths, source) : compareFiles(source, other);
    if (message !== undefined) conflicts.push({ subject: source, message });
  }
  return conflicts;
}

/** Those that the repository has with these very bytes. */
export async function findImported(
  db: Db,
  repository: Label,
  packages: ImportedPackages,
): Promise<ReadonlySet<ImportedSource | ImportedBinary>> {
  const known = await readKnown(db, repository, packages);
  return new Set([
    ...packages.binaries.filter((each) => known.binaries.get(keyOf(each))?.sha256 === each.sha256),
    ...packages.sources.filter((each) => {
      const other = known.sources.get(keyOf(each));
      return other !== undefined && compareFiles(each, other) === undefined;
    }),
  ]);
}

/**
 * All of it in one transaction or nothing; what the suite has or ever had is left as it is. Throws `unknown-suite`.
 * `by` is who does it, `from` the archive's folder.
 */
export async function acceptImported(
  deps: ArchiveDeps,
  request: ImportedPackages & { readonly suite: string; readonly by: string; readonly from: string },
  now: Date,
): Promise<ImportAcceptance> {
  const suite = findSuite(deps, request.suite);
  return deps.db.transaction().execute(async (transaction): Promise<ImportAcceptance> => {
    await lockRepository(transaction, suite.repository);
    const frozen = await frozenReason(transaction, suite);
    const conflicts = await importConflicts(transaction, suite.repository, request);
    const reasons = [...(frozen === undefined ? [] : [frozen]), ...conflicts.map(({ message }) => message)];
    if (reasons.length > 0) return { kind: 'refused', reasons };
    const known = await findImported(transaction, suite.repository, request);
    const fresh = {
      sources: request.sources.filter((each) => !known.has(each)),
      binaries: request.binaries.filter((each) => !known.has(each)),
    };
    await insertImported(transaction, suite.repository, fresh, now);
    await insertPaths(transaction, suite.repository, [...pathsOf(fresh).values()]);
    const added = await insertPublications(transaction, suite.repository, suite.name, request, now);
    if (added.sources + added.binaries > 0) {
      await recordEvent(transaction, deps.distribution, now, {
        kind: 'package-accepted',
        message: `${added.binaries} binary and ${added.sources} source packages of ${request.from} imported into ${suite.name} by ${request.by}`,
        suite: suite.name,
      });
    }
    return { kind: 'accepted', ...added };
  });
}

type Known = {
  readonly binaries: ReadonlyMap<string, KnownBinary>;
  readonly sources: ReadonlyMap<string, KnownSource>;
  readonly paths: ReadonlyMap<string, string>;
};

async function readKnown(db: Db, repository: Label, packages: ImportedPackages): Promise<Known> {
  const binaries = await knownBinaries(db, repository, packages.binaries);
  const sources = await knownSources(db, repository, packages.sources);
  const paths = await knownPaths(db, repository, [...pathsOf(packages).keys()]);
  return {
    binaries: new Map(binaries.map((each) => [keyOf(each), each])),
    sources: new Map(sources.map((each) => [keyOf(each), each])),
    paths: new Map(paths.map((each) => [each.path, each.sha256])),
  };
}

function keyOf(each: { readonly name: string; readonly version: string; readonly architecture?: string }): string {
  return `${each.name} ${each.version} ${each.architecture ?? 'source'}`;
}

function describe({ name, version, architecture }: ImportedBinary): string {
  return `${name} ${version} (${architecture})`;
}

function comparePath(paths: Known['paths'], path: string, sha256: string): string | undefined {
  const other = paths.get(path);
  if (other === undefined || other === sha256) return undefined;
  return `${path} is here already with other bytes (SHA-256 ${other}, now ${sha256})`;
}

function compareNew(paths: Known['paths'], { directory, files }: ImportedSource): string | undefined {
  return files
    .map((file) => comparePath(paths, `${directory}/${file.name}`, file.sha256))
    .find((each) => each !== undefined);
}

function compareFiles({ name, version, component, files }: ImportedSource, known: KnownSource): string | undefined {
  const before = new Map(known.files.map((file) => [file.name, file.sha256]));
  const differs = files.find((file) => before.get(file.name) !== file.sha256);
  if (differs !== undefined) return `Source ${name} ${version} is here already with another ${differs.name}`;
  if (known.component === component) return undefined;
  return `Source ${name} ${version} is here already in component ${known.component}, now it is in ${component}`;
}

function pathsOf({ sources, binaries }: ImportedPackages): ReadonlyMap<string, PoolPath> {
  const paths = [
    ...binaries.map(({ filename, sha256, size }) => ({ path: filename, sha256: sha256 as Sha256, size })),
    ...sources.flatMap(({ directory, files }) =>
      files.map(({ name, sha256, size }) => ({ path: `${directory}/${name}`, sha256, size })),
    ),
  ];
  return new Map(paths.map((each) => [each.path, each]));
}
