/**
 * The door for people's uploads: source, binaries or both, each upload whole or not at all. Who the person is and what
 * they may do was judged before; here it is about the files and about what the suite has.
 */
import type { Deb } from '../formats/deb/deb.ts';
import { field, parseStanza } from '../formats/deb/deb822.ts';
import { splitList } from '../formats/deb/words.ts';
import type { Suite } from '../model/distribution.ts';
import type { NewEvent } from '../model/event.ts';
import type { InputFile } from '../model/job.ts';
import { parsePackageName, parseVersion, type PackageName, type Version } from '../model/names.ts';
import {
  askedOf,
  compareBinaries,
  compareSource,
  listBinaries,
  putBinaries,
  putSource,
  removedFrom,
  type SourceRows,
} from './accept-rows.ts';
import { findSuite } from './accept.ts';
import type { CheckDeps, Kept } from './blob-check.ts';
import { checkBinaries, type CheckedBinary } from './check-binaries.ts';
import { architecturesBuilt } from './architectures.ts';
import { checkSource, type CheckedSource } from './check-source.ts';
import { findInPool, readUpload, refuseLower, type UploadFacts } from './check-upload.ts';
import { endReason } from './end-of-life.ts';
import { frozenReason } from './freeze.ts';
import { isRemoved, Ledger, wasTaken, type KnownBinary, type KnownSource } from './ledger.ts';
import type { ArchiveDeps } from './ports.ts';
import { Reasons } from './refusal.ts';
import { lockRepository, recordEvents, type Db } from './store.ts';
import { findStanzasOf } from './store-ledger.ts';
import { unknownNames } from './store-upload.ts';

export type UploadRequest = {
  /** All of them; the `.changes` too, if there is one. */
  readonly files: readonly InputFile[];
  /** Bytes of some of them, which this process has hashed itself while it stored them: they are not read again. */
  readonly kept?: Kept | undefined;
  /** Whose doing it is, as the event says it: `signed by alice`. */
  readonly by: string;
  /** Instead of the one that the packages' section names. */
  readonly component?: string | undefined;
  /** Packages are taken also when the repository does not have their source. */
  readonly withoutSource?: boolean | undefined;
  /** What becomes of an upload with names that the repository never had. */
  readonly newNames: 'accept' | 'hold';
  /** What is against it already: it is refused then, with everything else that is found. */
  readonly against: readonly string[];
  /** Asked about files that are sound and were not taken before, those of the pool that belong to them included. */
  readonly look?: ((files: readonly InputFile[]) => Promise<Opinion>) | undefined;
};

/** `note`: for the event, empty when there is nothing to say. */
export type Opinion = { readonly reasons: readonly string[]; readonly note: string };

export type EnteringSource = {
  /** Of the uploads that came together, which one it is of. */
  readonly upload: number;
  readonly source: PackageName;
  readonly version: Version;
  readonly dsc: InputFile;
  /** Its Architecture field. */
  readonly architectures: readonly string[];
  /** Architectures of the packages that came with it. */
  readonly given: readonly string[];
};

/** Asked about sources that the repository never had, in the transaction that takes them. */
export type Enter = {
  /** For each of them a reason against it, if there is one. */
  readonly refuse: (transaction: Db, sources: readonly EnteringSource[]) => Promise<readonly (string | undefined)[]>;
  /** The tag builds that they are from now on. */
  readonly admit: (transaction: Db, sources: readonly EnteringSource[]) => Promise<readonly number[]>;
};

export type UploadAcceptance =
  | {
      readonly kind: 'accepted';
      readonly source: string;
      readonly version: string;
      /** `name_version_architecture` of each binary package; empty for a source alone. */
      readonly packages: readonly string[];
      /** All of it had been accepted before: nothing has changed. */
      readonly already: boolean;
      /** What it goes on as, if it has entered as a source that is new. */
      readonly tagBuild?: number | undefined;
      /** The Architecture field of that source. */
      readonly architectures?: readonly string[] | undefined;
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

/** As `acceptUploads`, of one. */
export async function acceptUpload(
  deps: ArchiveDeps,
  { suite, enter, ...upload }: UploadRequest & { readonly suite: string; readonly enter?: Enter | undefined },
  now: Date,
): Promise<UploadAcceptance> {
  const [answer] = await acceptUploads(deps, { suite, enter, uploads: [upload] }, now);
  return answer!;
}

/**
 * Uploads in their order, each whole or not at all, whatever becomes of the others; all that are accepted, in one
 * transaction. An upload of packages alone needs its source in the repository before: a source of the same call is not
 * seen. Throws `unknown-suite`.
 */
export async function acceptUploads(
  deps: ArchiveDeps,
  request: {
    readonly suite: string;
    readonly uploads: readonly UploadRequest[];
    readonly enter?: Enter | undefined;
  },
  now: Date,
): Promise<readonly UploadAcceptance[]> {
  const suite = findSuite(deps, request.suite);
  const uploads = await checkUploads(deps, suite, request.uploads, now);
  if (uploads.every((upload) => upload.facts === undefined)) {
    return uploads.map((upload) => refused(upload.reasons, undefined));
  }
  return deps.db.transaction().execute(async (transaction) => {
    await lockRepository(transaction, suite.repository);
    const since = await frozenReason(transaction, suite);
    if (since !== undefined) {
      for (const { reasons } of uploads) if (!reasons.list.includes(since)) reasons.add(since);
    }
    return decideAll(transaction, deps, suite, uploads, request.enter, now);
  });
}

type Parts = { readonly source: CheckedSource | undefined; readonly binaries: readonly CheckedBinary[] };

/** As far as it can be judged without the repository. Without facts it cannot be known what it is of. */
type CheckedUpload = Parts & {
  readonly request: UploadRequest;
  readonly reasons: Reasons;
  readonly facts: UploadFacts | undefined;
  readonly by: string;
};

async function checkUploads(
  deps: ArchiveDeps,
  suite: Suite,
  requests: readonly UploadRequest[],
  now: Date,
): Promise<readonly CheckedUpload[]> {
  const frozen = await frozenReason(deps.db, suite);
  const end = endReason(suite, now);
  const read = [];
  for (const request of requests) {
    const reasons = new Reasons();
    for (const reason of [...request.against, frozen, end]) if (reason !== undefined) reasons.add(reason);
    const own = { ...deps, kept: request.kept, debs: new Map<string, Deb>() };
    const ofList = new Reasons();
    const facts = await readUpload(own, request.files, ofList);
    for (const reason of ofList.list) if (!reasons.list.includes(reason)) reasons.add(reason);
    read.push({ own, request, reasons, facts });
  }
  const alone = read.flatMap(({ request, facts }) => (facts === undefined || hasSource(request) ? [] : [facts]));
  const stanzas = await findStanzasOf(
    deps.db,
    suite.repository,
    alone.map((facts) => ({ name: facts.source, version: facts.sourceVersion })),
  );
  const checked: CheckedUpload[] = [];
  for (const { own, request, reasons, facts } of read) {
    if (facts === undefined) {
      checked.push({ request, reasons, facts, by: request.by, source: undefined, binaries: [] });
      continue;
    }
    const parts = await checkParts(own, suite, request, facts, stanzas, reasons);
    const { note } = await ask(deps, suite, request, parts, reasons);
    checked.push({ ...parts, request, reasons, facts, by: note === '' ? request.by : `${request.by}, ${note}` });
  }
  return checked;
}

function hasSource({ files }: UploadRequest): boolean {
  return files.some((file) => file.name.endsWith('.dsc'));
}

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
  const sources = source === undefined ? [] : [source];
  const ledger = await Ledger.open(db, suite, askedOf(sources, binaries));
  const known = sources.map((each) => compareSource(ledger, each, ignored).known);
  const rows = compareBinaries(ledger, binaries, ignored);
  const had = [...known, ...binaries.map((binary) => rows.known.get(binary))];
  if (!ignored.any && hadAll(ledger, had)) return { reasons: [], note: '' };
  const names = new Set(request.files.map((file) => file.name));
  const opinion = await request.look([
    ...request.files,
    ...(source?.files.filter((file) => !names.has(file.name)) ?? []),
  ]);
  for (const reason of opinion.reasons) reasons.add(reason);
  return opinion;
}

async function checkParts(
  deps: CheckDeps & Pick<ArchiveDeps, 'db'>,
  suite: Suite,
  request: UploadRequest,
  facts: UploadFacts,
  stanzas: ReadonlyMap<string, string>,
  reasons: Reasons,
): Promise<Parts> {
  // Each part says all that is wrong with it, whatever is wrong with the others.
  const ofSource = new Reasons();
  const ofBinaries = new Reasons();
  const { files, component } = request;
  const withSource = hasSource(request);
  const forBinaries = (name: string) => name.endsWith('.deb') || name.endsWith('.buildinfo') || !withSource;
  let source: CheckedSource | undefined;
  if (withSource) {
    const own = files.filter((file) => !file.name.endsWith('.deb'));
    const all = [...own, ...(await findInPool(deps, suite, own, component))];
    source = await checkSource(deps, suite, all, component, ofSource);
    if (source !== undefined) {
      const { source: name, version } = source.dsc;
      ofSource.require(
        name === facts.source && version === facts.sourceVersion,
        `The .dsc is of ${name} ${version}, the .changes of ${facts.source} ${facts.sourceVersion}`,
      );
      // It would wait for its first package for ever.
      const { architectures } = source.dsc;
      ofSource.require(
        architecturesBuilt(architectures, suite).size > 0,
        `${source.files[0]!.name}: its packages are for ${architectures.join(', ')}, suite "${suite.name}" has ${suite.architectures.join(', ')}`,
      );
    }
  }
  let binaries: readonly CheckedBinary[] = [];
  if (!withSource || files.some((file) => file.name.endsWith('.deb'))) {
    const expected = expectation(stanzas, suite, request, facts, source, ofBinaries);
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
function expectation(
  stanzas: ReadonlyMap<string, string>,
  suite: Suite,
  request: UploadRequest,
  facts: UploadFacts,
  source: CheckedSource | undefined,
  reasons: Reasons,
) {
  const asked = { source: facts.source, version: facts.sourceVersion, job: undefined };
  if (source !== undefined) return { ...asked, binaries: source.dsc.binaries };
  if (hasSource(request)) return { ...asked, binaries: facts.binaries };
  const known = stanzas.get(`${asked.source} ${asked.version}`);
  reasons.require(
    known !== undefined || request.withoutSource === true,
    `Source ${asked.source} ${asked.version} is not in repository "${suite.repository}": upload it with its .dsc, together with these packages or before them; or use --without-source on the server itself`,
  );
  return { ...asked, binaries: known === undefined ? undefined : splitList(field(parseStanza(known), 'Binary') ?? '') };
}

/** Nothing is written before all are decided; each sees those before it. */
async function decideAll(
  transaction: Db,
  deps: ArchiveDeps,
  suite: Suite,
  uploads: readonly CheckedUpload[],
  enter: Enter | undefined,
  now: Date,
): Promise<readonly UploadAcceptance[]> {
  const ledger = await Ledger.open(
    transaction,
    suite,
    askedOf(
      uploads.flatMap(({ source }) => (source === undefined ? [] : [source])),
      uploads.flatMap(({ binaries }) => binaries),
    ),
  );
  const entering = uploads.flatMap((upload, at) => {
    if (enter === undefined || upload.reasons.any || upload.source === undefined) return [];
    const { source: name, version } = upload.source.dsc;
    return ledger.source({ name, version }) === undefined ? [toEntering(at, upload.source, upload.binaries)] : [];
  });
  const refusals = entering.length === 0 ? [] : await enter!.refuse(transaction, entering);
  const candidates = new Map(
    entering.map((source, index) => [source.upload, { source, refusal: refusals[index] }] as const),
  );
  const unknown = await unknownOf(transaction, suite, uploads);
  const taken: Taken[] = [];
  const answers = uploads.map((upload, at): UploadAcceptance => {
    if (upload.facts === undefined) return refused(upload.reasons, undefined);
    const own = candidates.get(at);
    const decision = decide(ledger, { ...upload, facts: upload.facts }, own, unknown);
    if ('answer' in decision) return decision.answer;
    taken.push({ ...decision, at });
    return { kind: 'accepted', ...namesOf(upload.facts), packages: packagesOf(upload), already: false };
  });
  const fresh = taken.flatMap((each) => (each.entering === undefined ? [] : [each.entering]));
  const ids = fresh.length === 0 ? [] : await enter!.admit(transaction, fresh);
  const tagBuilds = new Map(fresh.map((each, index) => [`${each.source} ${each.version}`, ids[index]]));
  await ledger.write(transaction, now, ({ name, version }) => tagBuilds.get(`${name} ${version}`));
  const tagBuildOf = (each: Taken) =>
    each.entering === undefined ? undefined : tagBuilds.get(`${each.entering.source} ${each.entering.version}`);
  await recordEvents(
    transaction,
    deps.distribution,
    now,
    taken.map((each) => describe(suite, uploads[each.at]!, each, tagBuildOf(each))),
  );
  for (const each of taken) {
    const answer = answers[each.at] as Extract<UploadAcceptance, { kind: 'accepted' }>;
    answers[each.at] = { ...answer, tagBuild: tagBuildOf(each), architectures: each.entering?.architectures };
  }
  return answers;
}

/** An upload that is accepted; `at` is its place among those that came together. */
type Taken = {
  readonly at: number;
  readonly added: readonly CheckedBinary[];
  readonly entering: EnteringSource | undefined;
};

function decide(
  ledger: Ledger,
  { request, facts, source, binaries, reasons }: CheckedUpload & { readonly facts: UploadFacts },
  entering: { readonly source: EnteringSource; readonly refusal: string | undefined } | undefined,
  unknown: ReadonlySet<string>,
): { readonly answer: UploadAcceptance } | Omit<Taken, 'at'> {
  const conflicts = new Reasons();
  const sourceRows = source === undefined ? undefined : compareSource(ledger, source, conflicts);
  const binaryRows = compareBinaries(ledger, binaries, conflicts);
  const own = ledger.source({ name: facts.source, version: facts.sourceVersion });
  // With a removed source all of its packages are, and it was said.
  for (const [{ file }, row] of own !== undefined && isRemoved(own) ? [] : binaryRows.known) {
    if (isRemoved(row)) conflicts.add(`${file.name} ${removedFrom(ledger.suite.name)}`);
  }
  const sound = !reasons.any && !conflicts.any;
  const had = [
    ...(source === undefined ? [] : [sourceRows?.known]),
    ...binaries.map((binary) => binaryRows.known.get(binary)),
  ];
  const named = namesOf(facts);
  if (sound && hadAll(ledger, had)) {
    return { answer: { kind: 'accepted', ...named, packages: packagesOf({ binaries }), already: true } };
  }
  const live = {
    sources: source === undefined ? [] : ledger.liveSources(source.dsc.source),
    binaries: ledger.liveBinaries([...new Set(binaries.map((binary) => binary.name))]),
  };
  const comers = binaries.map((binary) => ({ ...binary, label: binary.file.name }));
  refuseLower(live, ledger.suite, source?.dsc, comers, conflicts);
  if (reasons.any || conflicts.any) {
    const conflict = !reasons.any;
    for (const reason of conflicts.list) reasons.add(reason);
    return { answer: refused(reasons, facts.source, conflict) };
  }
  if (request.newNames === 'hold') {
    const names = newNames(ledger, facts, source, binaries, unknown);
    if (names.length > 0) return { answer: { kind: 'new', ...named, names } };
  }
  // Also an upload before this one may have brought the source.
  const isFresh = sourceRows !== undefined && sourceRows.known === undefined;
  if (isFresh && entering?.refusal !== undefined) {
    reasons.add(entering.refusal);
    return { answer: refused(reasons, facts.source, true) };
  }
  const row = rowOf(ledger, facts, sourceRows);
  const added = putBinaries(ledger, binaryRows, row, {});
  return { added, entering: isFresh ? entering?.source : undefined };
}

function rowOf(ledger: Ledger, facts: UploadFacts, rows: SourceRows | undefined): KnownSource | undefined {
  if (rows !== undefined) return putSource(ledger, rows, undefined).row;
  return ledger.source({ name: facts.source, version: facts.sourceVersion });
}

/** Names that no package of the repository ever had, as `source NAME` and `binary NAME`. */
async function unknownOf(db: Db, suite: Suite, uploads: readonly CheckedUpload[]): Promise<ReadonlySet<string>> {
  const asking = uploads.filter(({ request, facts }) => request.newNames === 'hold' && facts !== undefined);
  if (asking.length === 0) return new Set();
  const { sources, binaries } = await unknownNames(db, suite.repository, {
    sources: asking.map(({ facts }) => facts!.source),
    binaries: asking.flatMap((upload) => upload.binaries.map((binary) => binary.name)),
  });
  return new Set([...sources.map((name) => `source ${name}`), ...binaries.map((name) => `binary ${name}`)]);
}

/** An upload before this one may have brought a name. */
function newNames(
  ledger: Ledger,
  facts: UploadFacts,
  source: CheckedSource | undefined,
  binaries: readonly CheckedBinary[],
  unknown: ReadonlySet<string>,
): readonly string[] {
  const ofSource = source === undefined ? [] : [facts.source];
  return [
    ...new Set([
      ...ofSource.filter((name) => unknown.has(`source ${name}`) && ledger.liveSources(name).length === 0),
      ...binaries
        .map(({ name }) => name)
        .filter((name) => unknown.has(`binary ${name}`) && ledger.liveBinaries([name]).length === 0),
    ]),
  ];
}

function describe(
  suite: Suite,
  { facts, source, by }: CheckedUpload,
  { added }: Taken,
  tagBuild: number | undefined,
): NewEvent {
  const parts = [...(source === undefined ? [] : ['source']), ...(added.length === 0 ? [] : [listBinaries(added)])];
  return {
    kind: 'package-accepted',
    message: `Upload of ${facts!.source} ${facts!.sourceVersion} accepted into ${suite.name}, ${by}: ${parts.join(', ')}`,
    suite: suite.name,
    source: facts!.source,
    ...(tagBuild === undefined ? {} : { tagBuild }),
  };
}

function namesOf(facts: UploadFacts): { readonly source: string; readonly version: string } {
  return { source: facts.source, version: facts.sourceVersion };
}

function packagesOf({ binaries }: Pick<Parts, 'binaries'>): readonly string[] {
  return binaries.map((binary) => `${binary.name}_${binary.version}_${binary.architecture}`);
}

/** Its names were checked by those who read it. */
function toEntering(upload: number, { dsc, files }: CheckedSource, binaries: readonly CheckedBinary[]): EnteringSource {
  return {
    ...{ upload, source: parsePackageName(dsc.source), version: parseVersion(dsc.version), dsc: files[0]! },
    architectures: dsc.architectures,
    given: [...new Set(binaries.map((binary) => binary.architecture))],
  };
}

function hadAll(ledger: Ledger, packages: readonly (KnownSource | KnownBinary | undefined)[]): boolean {
  return packages.every((each) => each !== undefined && wasTaken(ledger, each));
}

function refused(reasons: Reasons, source: string | undefined, conflict = false): UploadAcceptance {
  return { kind: 'refused', source, reasons: reasons.list, conflict };
}
