/**
 * The door for files: everything is looked at again, and a version once accepted means these bytes for ever. Accepting
 * the same bytes again changes nothing. What is accepted waits (PENDING) until the suite is published.
 */
import { field, parseStanza } from '../formats/deb/deb822.ts';
import { splitList } from '../formats/deb/words.ts';
import { SheafError } from '../kit/error.ts';
import type { Suite } from '../model/distribution.ts';
import type { InputFile } from '../model/job.ts';
import { checkBinaries, readChanges, type CheckedBinary, type Expected } from './check-binaries.ts';
import { checkSource, type CheckedSource } from './check-source.ts';
import { poolDirectory } from './layout.ts';
import type { ArchiveDeps } from './ports.ts';
import { Reasons } from './refusal.ts';
import {
  findBinary,
  findJob,
  findPoolFiles,
  findSource,
  findTagBuild,
  hasPublication,
  insertBinary,
  insertPoolFiles,
  insertPublication,
  insertSource,
  lockRepository,
  recordEvent,
  type Db,
  type PoolPath,
  type SourceRow,
} from './store.ts';

export type AcceptRequest = {
  /** The files must be of this tag build's source and version. */
  readonly tagBuild?: number | undefined;
  /** The packages must be what this job was to build. */
  readonly job?: number | undefined;
  readonly attempt?: number | undefined;
  readonly suite: string;
  /** Instead of the one that the packages' section names. */
  readonly component?: string | undefined;
  readonly files: readonly InputFile[];
};

export type Acceptance =
  | {
      readonly kind: 'accepted';
      readonly source: string;
      readonly version: string;
      /** `name_version_architecture` of each binary package; empty for a source. */
      readonly packages: readonly string[];
      /** All of it had been accepted before. */
      readonly already: boolean;
    }
  | { readonly kind: 'refused'; readonly reasons: readonly string[] };

export async function acceptSource(deps: ArchiveDeps, request: AcceptRequest, now: Date): Promise<Acceptance> {
  const suite = findSuite(deps, request.suite);
  const reasons = new Reasons();
  const source = await checkSource(deps, suite, request.files, request.component, reasons);
  if (source === undefined) return refused(reasons);
  const { source: name, version } = source.dsc;
  await checkAsked(deps.db, request, { source: name, version }, reasons);
  if (reasons.any) return refused(reasons);
  return deps.db.transaction().execute(async (transaction) => {
    await lockRepository(transaction, suite.repository);
    const known = await findSource(transaction, suite.repository, name, version);
    if (known !== undefined) compareSource(source, known, reasons);
    const directory = poolDirectory(source.component, name);
    const pool = source.files.map((file) => toPoolPath(`${directory}/${file.name}`, file));
    if (known === undefined) await comparePool(transaction, suite, pool, reasons);
    if (reasons.any) return refused(reasons);

    const id =
      known?.id ?? (await insertSource(transaction, suite.repository, source, directory, request.tagBuild, now));
    if (known === undefined) await insertPoolFiles(transaction, suite.repository, pool);
    const already = await hasPublication(transaction, suite.name, { source: id }, false);
    if (!already) {
      await insertPublication(transaction, suite.name, { source: id }, now);
      await recordAccepted(
        transaction,
        deps,
        request,
        name,
        `Source ${name} ${version} accepted into ${suite.name}`,
        now,
      );
    }
    return { kind: 'accepted', source: name, version, packages: [], already };
  });
}

export async function acceptBinaries(deps: ArchiveDeps, request: AcceptRequest, now: Date): Promise<Acceptance> {
  const suite = findSuite(deps, request.suite);
  const reasons = new Reasons();
  const changes = await readChanges(deps, request.files, reasons);
  if (changes === undefined) return refused(reasons);
  const asked = { source: changes.source, version: changes.sourceVersion };
  await checkAsked(deps.db, request, asked, reasons);
  const source = await findSource(deps.db, suite.repository, asked.source, asked.version);
  if (source === undefined) {
    reasons.add(`Source ${asked.source} ${asked.version} was not accepted into repository "${suite.repository}"`);
    return refused(reasons);
  }
  const expected = await expectation(deps.db, request, asked, source);
  const binaries = await checkBinaries(deps, suite, request.files, changes, expected, request.component, reasons);
  if (reasons.any) return refused(reasons);
  return deps.db.transaction().execute(async (transaction) => {
    await lockRepository(transaction, suite.repository);
    const pool = binaries.map((binary) => toPoolPath(binary.filename, binary.file));
    const known = new Map<CheckedBinary, number>();
    for (const binary of binaries) {
      const found = await findBinary(transaction, suite.repository, binary);
      if (found?.sha256 === binary.file.sha256) known.set(binary, found.id);
      else if (found !== undefined) {
        reasons.add(otherBytes(binary.file.name, binary.file.sha256, found.sha256));
      }
    }
    const fresh = pool.filter((_, index) => !known.has(binaries[index]!));
    if (!reasons.any) await comparePool(transaction, suite, fresh, reasons);
    if (reasons.any) return refused(reasons);

    await insertPoolFiles(transaction, suite.repository, fresh);
    const added: CheckedBinary[] = [];
    for (const binary of binaries) {
      const made = { job: request.job, attempt: request.attempt };
      const id = known.get(binary) ?? (await insertBinary(transaction, suite.repository, binary, made, now));
      if (await hasPublication(transaction, suite.name, { binary: id }, false)) continue;
      await insertPublication(transaction, suite.name, { binary: id }, now);
      added.push(binary);
    }
    if (added.length > 0) {
      await bringSource(transaction, suite, source.id, now);
      const list = [...new Set(added.map((binary) => `${binary.name} (${binary.architecture})`))].join(', ');
      const message = `${list} of ${asked.source} ${asked.version} accepted into ${suite.name}`;
      await recordAccepted(transaction, deps, request, asked.source, message, now);
    }
    const packages = binaries.map((binary) => `${binary.name}_${binary.version}_${binary.architecture}`);
    return { kind: 'accepted', ...asked, packages, already: added.length === 0 };
  });
}

/** Binaries never come without their source, even when it was given up as superseded before they were built. */
async function bringSource(transaction: Db, suite: Suite, source: number, now: Date): Promise<void> {
  if (await hasPublication(transaction, suite.name, { source }, true)) return;
  await insertPublication(transaction, suite.name, { source }, now);
}

async function checkAsked(
  db: Db,
  request: AcceptRequest,
  got: { readonly source: string; readonly version: string },
  reasons: Reasons,
): Promise<void> {
  if (request.tagBuild === undefined) return;
  const asked = await findTagBuild(db, request.tagBuild);
  if (asked === undefined) {
    reasons.add(`Tag build ${request.tagBuild} does not exist`);
    return;
  }
  reasons.require(
    asked.source === got.source && asked.version === got.version,
    `The files are of ${got.source} ${got.version}; tag build ${request.tagBuild} asked for ${asked.source} ${asked.version}`,
  );
  reasons.require(
    asked.suite === request.suite,
    `Tag build ${request.tagBuild} is for suite "${asked.suite}", not for "${request.suite}"`,
  );
}

async function expectation(
  db: Db,
  request: AcceptRequest,
  asked: { readonly source: string; readonly version: string },
  source: SourceRow,
): Promise<Expected> {
  const binaries = splitList(field(parseStanza(source.stanza), 'Binary') ?? '');
  const job = request.job === undefined ? undefined : await findJob(db, request.job);
  if (request.job !== undefined && job?.tag_build !== (request.tagBuild ?? null)) {
    throw new SheafError('wrong-job', `Cannot accept files of job ${request.job}: it is not of this tag build`);
  }
  return { ...asked, binaries, job };
}

function compareSource(source: CheckedSource, known: SourceRow, reasons: Reasons): void {
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
  const known = await findPoolFiles(
    db,
    suite.repository,
    files.map((file) => file.path),
  );
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

async function recordAccepted(
  transaction: Db,
  deps: ArchiveDeps,
  request: AcceptRequest,
  source: string,
  message: string,
  now: Date,
): Promise<void> {
  await recordEvent(transaction, deps.distribution, now, {
    kind: 'package-accepted',
    message,
    suite: request.suite,
    source,
    ...(request.tagBuild === undefined ? {} : { tagBuild: request.tagBuild }),
    ...(request.job === undefined ? {} : { job: request.job }),
  });
}

/** Throws `unknown-suite`. */
export function findSuite(deps: Pick<ArchiveDeps, 'distribution'>, name: string): Suite {
  const suite = [...deps.distribution.suites.values()].find((each) => each.name === name);
  if (suite !== undefined) return suite;
  const known = [...deps.distribution.suites.keys()].join(', ');
  throw new SheafError('unknown-suite', `Cannot find suite "${name}": sheaf.toml has ${known === '' ? 'none' : known}`);
}

function refused(reasons: Reasons): Acceptance {
  return { kind: 'refused', reasons: reasons.list };
}
