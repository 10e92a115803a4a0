/**
 * The door for files: everything is looked at again, and a version once accepted means these bytes for ever. Accepting
 * the same bytes again changes nothing. What is accepted waits (PENDING) until the suite is published.
 */
import { field, parseStanza } from '../formats/deb/deb822.ts';
import { splitList } from '../formats/deb/words.ts';
import { SheafError } from '../kit/error.ts';
import type { Suite } from '../model/distribution.ts';
import type { InputFile } from '../model/job.ts';
import { askedOf, compareBinaries, compareSource, listBinaries, putBinaries, putSource } from './accept-rows.ts';
import { checkBinaries, readChanges, type Expected } from './check-binaries.ts';
import { checkSource } from './check-source.ts';
import { endReason } from './end-of-life.ts';
import { Ledger } from './ledger.ts';
import type { ArchiveDeps } from './ports.ts';
import { Reasons } from './refusal.ts';
import { findJob, findSource, findTagBuild, lockRepository, recordEvent, type Db, type SourceRow } from './store.ts';

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
  const end = endReason(suite, now);
  if (end !== undefined) reasons.add(end);
  const source = await checkSource(deps, suite, request.files, request.component, reasons);
  if (source === undefined) return refused(reasons);
  const { source: name, version } = source.dsc;
  await checkAsked(deps.db, request, { source: name, version }, reasons);
  if (reasons.any) return refused(reasons);
  return deps.db.transaction().execute(async (transaction) => {
    await lockRepository(transaction, suite.repository);
    const ledger = await Ledger.open(transaction, suite, askedOf([source], []));
    const rows = compareSource(ledger, source, reasons);
    if (reasons.any) return refused(reasons);
    const { already } = putSource(ledger, rows, request.tagBuild);
    await ledger.write(transaction, now);
    if (!already) {
      const message = `Source ${name} ${version} accepted into ${suite.name}`;
      await recordAccepted(transaction, deps, request, name, message, now);
    }
    return { kind: 'accepted', source: name, version, packages: [], already };
  });
}

export async function acceptBinaries(deps: ArchiveDeps, request: AcceptRequest, now: Date): Promise<Acceptance> {
  const suite = findSuite(deps, request.suite);
  const reasons = new Reasons();
  const end = endReason(suite, now);
  if (end !== undefined) reasons.add(end);
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
    const ledger = await Ledger.open(transaction, suite, askedOf([], binaries));
    const rows = compareBinaries(ledger, binaries, reasons);
    if (reasons.any) return refused(reasons);
    const added = putBinaries(ledger, rows, ledger.source({ name: asked.source, version: asked.version })!, request);
    await ledger.write(transaction, now);
    if (added.length > 0) {
      const message = `${listBinaries(added)} of ${asked.source} ${asked.version} accepted into ${suite.name}`;
      await recordAccepted(transaction, deps, request, asked.source, message, now);
    }
    const packages = binaries.map((binary) => `${binary.name}_${binary.version}_${binary.architecture}`);
    return { kind: 'accepted', ...asked, packages, already: added.length === 0 };
  });
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
  const isOther = job?.tag_build !== (request.tagBuild ?? null) || job.rebuild_task !== null;
  if (request.job !== undefined && isOther) {
    throw new SheafError('wrong-job', `Cannot accept files of job ${request.job}: it is not of this tag build`);
  }
  return { ...asked, binaries, job };
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
  throw new SheafError(
    'unknown-suite',
    `Cannot find suite "${name}": sheaf.toml has ${known === '' ? 'none' : known}`,
    {
      kind: 'usage',
    },
  );
}

function refused(reasons: Reasons): Acceptance {
  return { kind: 'refused', reasons: reasons.list };
}
