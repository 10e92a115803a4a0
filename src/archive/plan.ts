/**
 * What the next snapshot of a suite holds, decided from everything that is or waits to be in it.
 *
 * A suite of the latest versions:
 * - Of a binary package's versions on one architecture the highest stays; the others are superseded.
 * - A binary that its source's newest version no longer builds is obsolete once nothing can come for it any more: on an
 *   architecture that the new version builds for, as soon as the new version's packages of that architecture are here
 *   (a job's packages all come together); an `all` package, or one of an architecture that the new version does not
 *   build for, when they are here for every architecture.
 * - A source is in the suite exactly as long as one of its binaries is: so it comes with its first binaries, and the
 *   source of every binary is there.
 *
 * A suite of all versions: what was taken once stays, and only what somebody has removed goes. A source comes with its
 * first binaries here too, and stays without them.
 *
 * In either what somebody has removed goes, and the binaries of a removed source version with it, also those that come
 * late. It plays no part in what else stays: so a rollback to lower versions lasts.
 */
import { parseStanza, field } from '../formats/deb/deb822.ts';
import { compareVersions } from '../formats/deb/version.ts';
import { order } from '../kit/order.ts';
import type { Suite } from '../model/distribution.ts';
import { architecturesBuilt } from './architectures.ts';
import type { BinaryEntry, Content, SourceEntry } from './content.ts';

export type Plan = Content & {
  /** Publications that end because a newer version is there. */
  readonly superseded: readonly number[];
  /** Publications that end because their source no longer builds them. */
  readonly obsolete: readonly number[];
  /** Publications that end because somebody has removed them. */
  readonly deleted: readonly number[];
  /** Sources that wait for their first binaries. */
  readonly held: readonly number[];
};

type SuiteArchitectures = Pick<Suite, 'architectures' | 'archAll'>;

export function planContent(suite: SuiteArchitectures & Pick<Suite, 'versions'>, all: Content): Plan {
  const { content, deleted } = withoutRemoved(all);
  return { ...(suite.versions === 'all' ? planAll(content) : planLatest(suite, content)), deleted };
}

type Decided = Omit<Plan, 'deleted'>;

function planAll({ sources, binaries }: Content): Decided {
  const used = sourcesOf(binaries);
  const isHeld = (source: SourceEntry) => source.state === 'PENDING' && !used.has(versionOf(source));
  return {
    sources: sortSources(sources.filter((source) => !isHeld(source))),
    binaries: binaries.toSorted(
      (a, b) =>
        order(a.name, b.name) ||
        compareVersions(a.version, b.version) ||
        order(a.architecture, b.architecture) ||
        a.publication - b.publication,
    ),
    superseded: [],
    obsolete: [],
    held: sources.filter(isHeld).map((source) => source.publication),
  };
}

function planLatest(suite: SuiteArchitectures, content: Content): Decided {
  const newest = newestVersions(content.binaries);
  const progress = newestSources(suite, content.sources, newest);
  const binaries = newest.filter((binary) => !isObsolete(suite, binary, progress.get(binary.source)));
  const kept = new Set(binaries.map((binary) => binary.publication));
  const candidates = new Set(newest.map((binary) => binary.publication));

  const used = sourcesOf(binaries);
  const sources = content.sources.filter((source) => used.has(versionOf(source)));
  const unused = content.sources.filter((source) => !used.has(versionOf(source)));
  const held = unused.filter((source) => source.state === 'PENDING' && mayStillCome(source, progress.get(source.name)));
  const heldPublications = new Set(held.map((source) => source.publication));

  return {
    sources: sortSources(sources),
    binaries,
    superseded: [
      ...content.binaries.filter((binary) => !candidates.has(binary.publication)),
      ...unused.filter((source) => !heldPublications.has(source.publication)),
    ].map((entry) => entry.publication),
    obsolete: newest.filter((binary) => !kept.has(binary.publication)).map((binary) => binary.publication),
    held: [...heldPublications],
  };
}

/** By name, the oldest version first. Versions that dpkg holds equal come in the order of acceptance. */
function sortSources(sources: readonly SourceEntry[]): SourceEntry[] {
  return sources.toSorted(
    (a, b) => order(a.name, b.name) || compareVersions(a.version, b.version) || a.publication - b.publication,
  );
}

/** The sources that these were built from, as `versionOf` says them. */
function sourcesOf(binaries: readonly BinaryEntry[]): ReadonlySet<string> {
  return new Set(binaries.map((binary) => `${binary.source} ${binary.sourceVersion}`));
}

function versionOf({ name, version }: SourceEntry): string {
  return `${name} ${version}`;
}

function withoutRemoved({ sources, binaries }: Content): { content: Content; deleted: number[] } {
  const gone = new Set(sources.filter((each) => each.removed === true).map((each) => `${each.name} ${each.version}`));
  const leaves = (binary: BinaryEntry) =>
    binary.removed === true || gone.has(`${binary.source} ${binary.sourceVersion}`);
  return {
    content: {
      sources: sources.filter((each) => each.removed !== true),
      binaries: binaries.filter((each) => !leaves(each)),
    },
    deleted: [...sources.filter((each) => each.removed === true), ...binaries.filter(leaves)].map(
      (each) => each.publication,
    ),
  };
}

/** Whether a plan makes a snapshot that differs from the one before. */
export function changesSomething(plan: Plan): boolean {
  return (
    plan.superseded.length + plan.obsolete.length + plan.deleted.length > 0 ||
    [...plan.sources, ...plan.binaries].some((entry) => entry.state === 'PENDING')
  );
}

/** One version of each name and architecture, sorted by name, then architecture. */
function newestVersions(binaries: readonly BinaryEntry[]): BinaryEntry[] {
  const newest = new Map<string, BinaryEntry>();
  for (const binary of binaries) {
    const key = `${binary.name} ${binary.architecture}`;
    const other = newest.get(key);
    if (other === undefined || isNewer(binary, other)) newest.set(key, binary);
  }
  return [...newest.values()].toSorted((a, b) => order(a.name, b.name) || order(a.architecture, b.architecture));
}

/** Versions that dpkg holds equal (1.0 and 1.00): the one accepted later. */
function isNewer(a: BinaryEntry, b: BinaryEntry): boolean {
  const difference = compareVersions(a.version, b.version);
  return difference > 0 || (difference === 0 && a.publication > b.publication);
}

/** How far the newest version of a source, of which a binary is here, has come. */
type Progress = {
  readonly version: string;
  /** Architectures it builds for; `all` counts as the suite's architecture for that. */
  readonly built: ReadonlySet<string>;
  /** Of these, those whose packages are here. */
  readonly arrived: ReadonlySet<string>;
};

function newestSources(
  suite: SuiteArchitectures,
  sources: readonly SourceEntry[],
  binaries: readonly BinaryEntry[],
): ReadonlyMap<string, Progress> {
  const arrived = new Map<string, Set<string>>();
  for (const binary of binaries) {
    const key = `${binary.source} ${binary.sourceVersion}`;
    arrived.set(key, (arrived.get(key) ?? new Set()).add(homeOf(suite, binary.architecture)));
  }
  const progress = new Map<string, Progress>();
  for (const source of sources) {
    const here = arrived.get(`${source.name} ${source.version}`);
    const other = progress.get(source.name);
    if (here === undefined || (other !== undefined && compareVersions(source.version, other.version) < 0)) continue;
    const patterns = (field(parseStanza(source.stanza), 'Architecture') ?? 'any').split(/\s+/);
    progress.set(source.name, {
      version: source.version,
      built: architecturesBuilt(patterns, suite),
      arrived: here,
    });
  }
  return progress;
}

function isObsolete(suite: SuiteArchitectures, binary: BinaryEntry, newest: Progress | undefined): boolean {
  if (newest === undefined || compareVersions(binary.sourceVersion, newest.version) >= 0) return false;
  if (binary.architecture !== 'all' && newest.built.has(binary.architecture)) {
    return newest.arrived.has(binary.architecture);
  }
  return isComplete(newest);
}

function mayStillCome(source: SourceEntry, newest: Progress | undefined): boolean {
  return newest === undefined || compareVersions(source.version, newest.version) > 0 || !isComplete(newest);
}

function isComplete(progress: Progress): boolean {
  return [...progress.built].every((architecture) => progress.arrived.has(architecture));
}

function homeOf(suite: SuiteArchitectures, architecture: string): string {
  return architecture === 'all' ? suite.archAll : architecture;
}
