/** What an administrator does to suites: copying packages from one to another. The same bytes, never uploaded again. */
import { compareVersions } from '../formats/deb/version.ts';
import type { Suite } from '../model/distribution.ts';
import { matchesAnyGlob } from '../kit/glob.ts';
import { SheafError } from '../kit/error.ts';
import { findSuite } from './accept.ts';
import { checkVersions } from './check-upload.ts';
import { endReason } from './end-of-life.ts';
import { frozenReason } from './freeze.ts';
import type { ArchiveDeps } from './ports.ts';
import { publishSuite } from './publish.ts';
import { Reasons } from './refusal.ts';
import { hasPublication, insertPublication, lockRepository, newestSnapshot, recordEvent, type Db } from './store.ts';
import { publishedBinaries, publishedSources, type PublishedBinary, type PublishedSource } from './store-operations.ts';

/** Who does it and why, for the event. */
export type OperationBy = {
  readonly by: string;
  readonly reason: string | undefined;
  readonly dryRun: boolean;
};

export type OperationResult =
  | {
      readonly kind: 'done';
      /** `alpha 1.0 source`, `alpha 1.0 amd64`: what comes in, and what goes. */
      readonly entering: readonly string[];
      readonly leaving: readonly string[];
      /** What was asked for and has no place there: binaries of architectures that the suite does not have. */
      readonly leftOut: readonly string[];
      /** The newest snapshot after it; undefined on a dry run. */
      readonly number: number | undefined;
    }
  | { readonly kind: 'refused'; readonly reasons: readonly string[] };

export type CopyRequest = OperationBy & {
  readonly from: string;
  readonly to: string;
  /**
   * Source packages: `name` or `name=version`; all their binaries go with them. A name alone means all versions that the
   * first suite has; for a suite of the latest versions out of one of all, the highest.
   */
  readonly packages: readonly string[];
};

/** Throws `unknown-suite`; `not-in-suite` when a package is not in the first suite's newest snapshot. */
export async function copyPackages(deps: ArchiveDeps, request: CopyRequest, now: Date): Promise<OperationResult> {
  const from = findSuite(deps, request.from);
  const to = findSuite(deps, request.to);
  const reasons = new Reasons();
  reasons.require(
    from.repository === to.repository,
    `Suite "${from.name}" is of repository "${from.repository}", "${to.name}" of "${to.repository}": their pools are separate`,
  );
  const end = endReason(to, now);
  if (end !== undefined) reasons.add(end);
  const result = await deps.db.transaction().execute(async (transaction) => {
    await lockRepository(transaction, to.repository);
    const frozen = await frozenReason(transaction, to);
    if (frozen !== undefined) reasons.add(frozen);
    return copyRows(transaction, deps, from, to, request, reasons, now);
  });
  if (result.kind === 'refused' || request.dryRun) return result;
  return { ...result, number: (await publishSuite(deps, to.name, now)).number };
}

async function copyRows(
  transaction: Db,
  deps: ArchiveDeps,
  from: Suite,
  to: Suite,
  request: CopyRequest,
  reasons: Reasons,
  now: Date,
): Promise<OperationResult> {
  const asked = request.packages.map(splitName);
  const chosen = await choose(transaction, from, to, asked);
  const fits = (binary: PublishedBinary) =>
    binary.architecture === 'all' || to.architectures.some((each) => each === binary.architecture);
  const leftOut = chosen.binaries.filter((binary) => !fits(binary)).map(describeBinary);
  const sources: PublishedSource[] = [];
  for (const source of chosen.sources) {
    if (!(await hasPublication(transaction, to.name, { source: source.id }))) sources.push(source);
  }
  const binaries: PublishedBinary[] = [];
  for (const binary of chosen.binaries.filter(fits)) {
    if (!(await hasPublication(transaction, to.name, { binary: binary.id }))) binaries.push(binary);
  }
  for (const name of new Set([
    ...chosen.sources.map((each) => each.name),
    ...chosen.binaries.map((each) => each.source),
  ])) {
    reasons.require(matchesAnyGlob(to.packages, name), `Suite "${to.name}" takes no source package ${name}`);
  }
  for (const binary of binaries) {
    reasons.require(
      to.components.includes(binary.component),
      `${describeBinary(binary)}: its component "${binary.component}" is not one of suite "${to.name}" (${to.components.join(', ')})`,
    );
  }
  const comers = binaries.map((binary) => ({ ...binary, label: describeBinary(binary) }));
  await checkVersions(transaction, to, undefined, comers, reasons);
  for (const { name, version } of sources) {
    await checkVersions(transaction, to, { source: name, version }, [], reasons);
  }
  if (reasons.any) return { kind: 'refused', reasons: reasons.list };
  const entering = [
    ...sources.map((source) => `${source.name} ${source.version} source`),
    ...binaries.map(describeBinary),
  ];
  const result = { kind: 'done', entering, leaving: [], leftOut, number: undefined } as const;
  if (request.dryRun || entering.length === 0) return result;
  for (const source of sources) await insertPublication(transaction, to.name, { source: source.id }, now);
  for (const binary of binaries) await insertPublication(transaction, to.name, { binary: binary.id }, now);
  const number = (await newestSnapshot(transaction, from.name))?.number;
  for (const name of new Set([...sources.map((each) => each.name), ...binaries.map((each) => each.source)])) {
    const versions = new Set([
      ...sources.filter((each) => each.name === name).map((each) => each.version),
      ...binaries.filter((each) => each.source === name).map((each) => each.sourceVersion),
    ]);
    await recordEvent(transaction, deps.distribution, now, {
      kind: 'package-accepted',
      message: `${name} ${[...versions].join(', ')} copied from ${from.name}@${number} into ${to.name} by ${request.by}${because(request)}`,
      suite: to.name,
      source: name,
      actor: request.by,
    });
  }
  return result;
}

export type Asked = { readonly name: string; readonly version: string | undefined };

/** Also packages whose source is not here: they go by what they say of it. */
async function choose(db: Db, from: Suite, to: Suite, asked: readonly Asked[]) {
  const names = asked.map(({ name }) => name);
  const published = {
    sources: await publishedSources(db, from.name, names),
    binaries: await publishedBinaries(db, from.name, names),
  };
  const versions = [
    ...published.sources,
    ...published.binaries.map(({ source, sourceVersion }) => ({ name: source, version: sourceVersion })),
  ];
  const onlyHighest = from.versions === 'all' && to.versions !== 'all';
  const isHighest = (name: string, version: string) =>
    !versions.some((each) => each.name === name && compareVersions(each.version, version) > 0);
  const fits = (each: Asked, name: string, version: string) =>
    each.name === name &&
    (each.version === undefined ? !onlyHighest || isHighest(name, version) : each.version === version);
  const missing = asked.filter((each) => !versions.some(({ name, version }) => fits(each, name, version)));
  if (missing.length > 0) {
    const list = missing.map(({ name, version }) => (version === undefined ? name : `${name}=${version}`)).join(', ');
    throw new SheafError('not-in-suite', `Cannot find in suite "${from.name}": source package ${list}`, {
      kind: 'usage',
      hint: `See: sheaf suite show ${from.name}`,
    });
  }
  const wanted = (name: string, version: string) => asked.some((each) => fits(each, name, version));
  return {
    sources: published.sources.filter(({ name, version }) => wanted(name, version)),
    binaries: published.binaries.filter(({ source, sourceVersion }) => wanted(source, sourceVersion)),
  };
}

export function splitName(text: string): Asked {
  const [name = '', version] = text.split('=', 2);
  return { name, version };
}

function describeBinary(binary: PublishedBinary): string {
  return `${binary.name} ${binary.version} ${binary.architecture}`;
}

export function because({ reason }: OperationBy): string {
  return reason === undefined ? '' : `: ${reason}`;
}
