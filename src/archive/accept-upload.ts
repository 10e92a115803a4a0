/**
 * The door for a person's upload: source, binaries or both, all of it or nothing. Who the person is and what they may do
 * was judged before; here it is about the files and about what the suite has.
 */
import { field, parseStanza } from '../formats/deb/deb822.ts';
import { splitList } from '../formats/deb/words.ts';
import type { Suite } from '../model/distribution.ts';
import type { InputFile } from '../model/job.ts';
import { parsePackageName, parseVersion, type PackageName, type Version } from '../model/names.ts';
import { compareBinaries, compareSource, listBinaries, putBinaries, putSource } from './accept-rows.ts';
import { findSuite } from './accept.ts';
import { checkBinaries, type CheckedBinary } from './check-binaries.ts';
import { checkSource, type CheckedSource } from './check-source.ts';
import { checkVersions, findInPool, readUpload, type UploadFacts } from './check-upload.ts';
import { endReason } from './end-of-life.ts';
import { frozenReason } from './freeze.ts';
import type { ArchiveDeps } from './ports.ts';
import { Reasons } from './refusal.ts';
import { findSource, lockRepository, recordEvent, wasTaken, type Db } from './store.ts';
import { unknownNames } from './store-upload.ts';

type UploadRequest = {
  readonly suite: string;
  /** All of them; the `.changes` too, if there is one. */
  readonly files: readonly InputFile[];
  /** Whose doing it is, as the event says it: `signed by alice`. */
  readonly by: string;
  /** Instead of the one that the packages' section names. */
  readonly component?: string | undefined;
  /** What becomes of an upload with names that the repository never had. */
  readonly newNames: 'accept' | 'hold';
  /** What is against it already: it is refused then, with everything else that is found. */
  readonly against: readonly string[];
  /** Asked about files that are sound and were not taken before, those of the pool that belong to them included. */
  readonly look?: ((files: readonly InputFile[]) => Promise<Opinion>) | undefined;
  /**
   * Asked about a source that the repository never had, in the transaction that takes it: the tag build that it is from
   * now on, if any, or a reason against it.
   */
  readonly enter?: ((transaction: Db, source: EnteringSource) => Promise<Entered>) | undefined;
};

/** `note`: for the event, empty when there is nothing to say. */
export type Opinion = { readonly reasons: readonly string[]; readonly note: string };

export type EnteringSource = {
  readonly source: PackageName;
  readonly version: Version;
  readonly dsc: InputFile;
  /** Its Architecture field. */
  readonly architectures: readonly string[];
  /** Architectures of the packages that came with it. */
  readonly given: readonly string[];
};

export type Entered =
  | { readonly tagBuild: number | undefined; readonly reason?: undefined }
  | { readonly reason: string };

type UploadAcceptance =
  | {
      readonly kind: 'accepted';
      readonly source: string;
      readonly version: string;
      /** `name_version_architecture` of each binary package; empty for a source alone. */
      readonly packages: readonly string[];
      /** All of it had been accepted before: nothing has changed. */
      readonly already: boolean;
      /** What it goes on as, if `enter` has made one. */
      readonly tagBuild?: number | undefined;
    }
  | {
      readonly kind: 'new';
      readonly source: string;
      readonly version: string;
      /** Package names that the repository never had. */
      readonly names: readonly string[];
    }
  | {
      readonly kind: 'refused';
      readonly source: string | undefined;
      readonly reasons: readonly string[];
      /** The files are sound: they do not fit what the suite has. */
      readonly conflict: boolean;
    };

/** Throws `unknown-suite`. */
export async function acceptUpload(deps: ArchiveDeps, request: UploadRequest, now: Date): Promise<UploadAcceptance> {
  const suite = findSuite(deps, request.suite);
  const reasons = new Reasons();
  for (const reason of request.against) reasons.add(reason);
  const frozen = await frozenReason(deps.db, suite);
  if (frozen !== undefined) reasons.add(frozen);
  const end = endReason(suite, now);
  if (end !== undefined) reasons.add(end);
  const ofList = new Reasons();
  const facts = await readUpload(deps, request.files, ofList);
  for (const reason of ofList.list) if (!reasons.list.includes(reason)) reasons.add(reason);
  if (facts === undefined) return refused(reasons, undefined);
  const checked = await checkParts(deps, suite, request, facts, reasons);
  const opinion = await ask(deps, suite, request, checked, reasons);
  const asked = { ...request, by: opinion.note === '' ? request.by : `${request.by}, ${opinion.note}` };
  return deps.db.transaction().execute(async (transaction) => {
    await lockRepository(transaction, suite.repository);
    const since = await frozenReason(transaction, suite);
    if (since !== undefined && !reasons.list.includes(since)) reasons.add(since);
    return decide(transaction, deps, suite, asked, facts, checked, reasons, now);
  });
}

type Parts = { readonly source: CheckedSource | undefined; readonly binaries: readonly CheckedBinary[] };

/** The same upload again is no question. */
async function ask(
  { db }: ArchiveDeps,
  suite: Suite,
  request: UploadRequest,
  { source, binaries }: Parts,
  reasons: Reasons,
): Promise<Opinion> {
  if (request.look === undefined || reasons.any) return { reasons: [], note: '' };
  const ignored = new Reasons();
  const known = source === undefined ? [] : [(await compareSource(db, suite, source, ignored)).known];
  const rows = await compareBinaries(db, suite, binaries, ignored);
  const ids = binaries.map((binary) => rows.known.get(binary));
  if (!ignored.any && (await hadAll(db, suite, known, ids))) return { reasons: [], note: '' };
  const names = new Set(request.files.map((file) => file.name));
  const opinion = await request.look([
    ...request.files,
    ...(source?.files.filter((file) => !names.has(file.name)) ?? []),
  ]);
  for (const reason of opinion.reasons) reasons.add(reason);
  return opinion;
}

async function checkParts(
  deps: ArchiveDeps,
  suite: Suite,
  { files, component }: UploadRequest,
  facts: UploadFacts,
  reasons: Reasons,
): Promise<Parts> {
  // Each part says all that is wrong with it, whatever is wrong with the others.
  const ofSource = new Reasons();
  const ofBinaries = new Reasons();
  const hasSource = files.some((file) => file.name.endsWith('.dsc'));
  const forBinaries = (name: string) => name.endsWith('.deb') || name.endsWith('.buildinfo') || !hasSource;
  let source: CheckedSource | undefined;
  if (hasSource) {
    const own = files.filter((file) => !file.name.endsWith('.deb'));
    const all = [...own, ...(await findInPool(deps, suite, own, component))];
    source = await checkSource(deps, suite, all, component, ofSource);
    if (source !== undefined) {
      const { source: name, version } = source.dsc;
      ofSource.require(
        name === facts.source && version === facts.sourceVersion,
        `The .dsc is of ${name} ${version}, the .changes of ${facts.source} ${facts.sourceVersion}`,
      );
    }
  }
  let binaries: readonly CheckedBinary[] = [];
  if (!hasSource || files.some((file) => file.name.endsWith('.deb'))) {
    const expected = await expectation(deps.db, suite, facts, hasSource, source, ofBinaries);
    const own = files.filter((file) => file.name.endsWith('.changes') || forBinaries(file.name));
    const changes = { ...facts, files: facts.files.filter((file) => forBinaries(file.name)) };
    binaries = await checkBinaries(deps, suite, own, changes, expected, component, ofBinaries);
  }
  for (const reason of [...ofSource.list, ...ofBinaries.list]) {
    if (!reasons.list.includes(reason)) reasons.add(reason);
  }
  return { source, binaries };
}

/** Which packages the source may build: by its `.dsc` here or in the repository; of a broken one, what is claimed. */
async function expectation(
  db: Db,
  suite: Suite,
  facts: UploadFacts,
  hasSource: boolean,
  source: CheckedSource | undefined,
  reasons: Reasons,
) {
  const asked = { source: facts.source, version: facts.sourceVersion, job: undefined };
  if (source !== undefined) return { ...asked, binaries: source.dsc.binaries };
  if (hasSource) return { ...asked, binaries: facts.binaries };
  const known = await findSource(db, suite.repository, asked.source, asked.version);
  reasons.require(
    known !== undefined,
    `Source ${asked.source} ${asked.version} is not in repository "${suite.repository}": upload it with its .dsc, together with these packages or before them`,
  );
  const binaries = known === undefined ? facts.binaries : splitList(field(parseStanza(known.stanza), 'Binary') ?? '');
  return { ...asked, binaries };
}

async function decide(
  transaction: Db,
  deps: ArchiveDeps,
  suite: Suite,
  request: UploadRequest,
  facts: UploadFacts,
  { source, binaries }: Parts,
  reasons: Reasons,
  now: Date,
): Promise<UploadAcceptance> {
  const conflicts = new Reasons();
  const sourceRows = source === undefined ? undefined : await compareSource(transaction, suite, source, conflicts);
  const binaryRows = await compareBinaries(transaction, suite, binaries, conflicts);
  const named = { source: facts.source, version: facts.sourceVersion };
  const packages = binaries.map((binary) => `${binary.name}_${binary.version}_${binary.architecture}`);
  const sound = !reasons.any && !conflicts.any;
  const ids = binaries.map((binary) => binaryRows.known.get(binary));
  if (sound && (await hadAll(transaction, suite, source === undefined ? [] : [sourceRows?.known], ids))) {
    return { kind: 'accepted', ...named, packages, already: true };
  }
  const comers = binaries.map((binary) => ({ ...binary, label: binary.file.name }));
  await checkVersions(transaction, suite, source?.dsc, comers, conflicts);
  if (reasons.any || conflicts.any) {
    const conflict = !reasons.any;
    for (const reason of conflicts.list) reasons.add(reason);
    return refused(reasons, facts.source, conflict);
  }
  if (request.newNames === 'hold') {
    const unknown = await unknownNames(transaction, suite.repository, {
      sources: source === undefined ? [] : [facts.source],
      binaries: binaries.map((binary) => binary.name),
    });
    const names = [...new Set([...unknown.sources, ...unknown.binaries])];
    if (names.length > 0) return { kind: 'new', ...named, names };
  }
  let sourceId: number;
  let tagBuild: number | undefined;
  if (sourceRows === undefined) {
    sourceId = (await findSource(transaction, suite.repository, facts.source, facts.sourceVersion))!.id;
  } else {
    const fresh = sourceRows.known === undefined ? toEntering(sourceRows.source, binaries) : undefined;
    const entered = fresh === undefined ? undefined : await request.enter?.(transaction, fresh);
    if (entered?.reason !== undefined) {
      reasons.add(entered.reason);
      return refused(reasons, facts.source, true);
    }
    tagBuild = entered?.tagBuild;
    sourceId = (await putSource(transaction, suite, sourceRows, tagBuild, now)).id;
  }
  const added = await putBinaries(transaction, suite, binaryRows, sourceId, {}, now);
  const parts = [...(source === undefined ? [] : ['source']), ...(added.length === 0 ? [] : [listBinaries(added)])];
  await recordEvent(transaction, deps.distribution, now, {
    kind: 'package-accepted',
    message: `Upload of ${facts.source} ${facts.sourceVersion} accepted into ${suite.name}, ${request.by}: ${parts.join(', ')}`,
    suite: suite.name,
    source: facts.source,
    ...(tagBuild === undefined ? {} : { tagBuild }),
  });
  return { kind: 'accepted', ...named, packages, already: false, tagBuild };
}

/** Its names were checked by those who read it. */
function toEntering({ dsc, files }: CheckedSource, binaries: readonly CheckedBinary[]): EnteringSource {
  return {
    ...{ source: parsePackageName(dsc.source), version: parseVersion(dsc.version), dsc: files[0]! },
    architectures: dsc.architectures,
    given: [...new Set(binaries.map((binary) => binary.architecture))],
  };
}

async function hadAll(
  transaction: Db,
  suite: Suite,
  sources: readonly (number | undefined)[],
  binaries: readonly (number | undefined)[],
): Promise<boolean> {
  for (const source of sources) {
    if (source === undefined || !(await wasTaken(transaction, suite, { source }))) return false;
  }
  for (const binary of binaries) {
    if (binary === undefined || !(await wasTaken(transaction, suite, { binary }))) return false;
  }
  return true;
}

function refused(reasons: Reasons, source: string | undefined, conflict = false): UploadAcceptance {
  return { kind: 'refused', source, reasons: reasons.list, conflict };
}
