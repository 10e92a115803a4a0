/** Which of all versions of a package a page of the viewer is about. */
import { compareVersions } from '../../../../formats/deb/version.ts';
import { entriesAt, findSnapshot, locate, whereWas, type Sighting } from '../../../../history/mod.ts';
import { SheafError } from '../../../../kit/error.ts';
import type { Distribution, Suite, Upstream } from '../../../../model/distribution.ts';
import { formatSuiteRef, type PackageEntry, type SnapshotRef, type SuiteRef } from '../../../../model/index-history.ts';
import type { WebDeps } from '../../ports.ts';
import { hasControl, queryText, type ViewContext } from '../view.ts';

export type Kind = PackageEntry['kind'];

export type Choice = {
  readonly kind: Kind;
  readonly name: string;
  /** Every version ever seen, newest first. Never empty. */
  readonly sightings: readonly Sighting[];
  /** The place that is looked at. */
  readonly ref: SnapshotRef;
  /** As the address names it; undefined when the page chose by itself. */
  readonly asked: string | undefined;
  readonly arch: string | undefined;
  /** What that place has under this name, of every architecture. */
  readonly entries: readonly PackageEntry[];
  /** The one that is shown; undefined when the place has none. */
  readonly entry: PackageEntry | undefined;
  /** Why the place that was asked for cannot be shown. */
  readonly problem: string | undefined;
};

/** Debian's longest is 73. */
const mostOfName = 200;

/** Undefined when no suite ever had a package of this name. */
export async function choose(context: ViewContext, kind: Kind, name: string): Promise<Choice | undefined> {
  const { deps } = context;
  if (name.length > mostOfName || hasControl(name)) return undefined;
  const sightings = (await whereWas(deps.db, { name, kind })).toSorted(newestFirst);
  if (sightings.length === 0) return undefined;
  const [asked, arch, version] = ['in', 'arch', 'version'].map((each) => queryText(context, each));
  const { ref, problem } = await placeOf(context, asked, sightings);
  // Some suites have several versions of a source package: the newest counts.
  const entries = (await entriesAt(deps.history, ref, { kind, name, limit: 500 })).toSorted((a, b) =>
    compareVersions(b.version, a.version),
  );
  const ofVersion = entries.filter((each) => version === undefined || each.version === version);
  const usual = architecturesOf(deps.distribution, ref);
  const entry =
    ofVersion.find((each) => each.architecture === arch) ??
    ofVersion.find((each) => usual.includes(each.architecture)) ??
    ofVersion[0] ??
    entries[0];
  return { kind, name, sightings, ref, asked, arch, entries, entry, problem };
}

/** Those that are followed, the first before all. */
function architecturesOf({ upstreams, suites }: Distribution, { origin, suite }: SuiteRef): readonly string[] {
  const [followed, own]: [ReadonlyMap<string, Upstream>, ReadonlyMap<string, Suite>] = [upstreams, suites];
  const settings = origin === '' ? own.get(suite) : followed.get(origin);
  return settings?.architectures.slice(0, 1) ?? [];
}

function newestFirst(a: Sighting, b: Sighting): number {
  if (a.since !== b.since) return a.since < b.since ? 1 : -1;
  return compareVersions(b.entry.version, a.entry.version);
}

async function placeOf(
  { deps }: ViewContext,
  asked: string | undefined,
  sightings: readonly Sighting[],
): Promise<{ readonly ref: SnapshotRef; readonly problem: string | undefined }> {
  const fallback = () => usualPlace(deps, sightings);
  if (asked === undefined) return { ref: await fallback(), problem: undefined };
  try {
    return { ref: await locate({ db: deps.db, distribution: deps.distribution }, asked), problem: undefined };
  } catch (error) {
    if (!(error instanceof SheafError) || error.kind !== 'usage') throw error;
    return {
      ref: await fallback(),
      problem: [error.message, error.hint].filter((part) => part !== undefined).join('. '),
    };
  }
}

/** A suite that has the package now, ours before others', upstreams as in sheaf.toml; else where it was seen last. */
async function usualPlace({ db, distribution }: WebDeps, sightings: readonly Sighting[]): Promise<SnapshotRef> {
  const upstreams: readonly string[] = [...distribution.upstreams.keys()];
  const rank = ({ origin, until }: Sighting) =>
    (until === undefined ? 0 : 10_000) +
    (origin === '' ? 0 : 1 + (upstreams.includes(origin) ? upstreams.indexOf(origin) : 5000));
  const { origin, suite, since, until } = sightings.toSorted((a, b) => rank(a) - rank(b))[0]!;
  const newest = until === undefined ? await findSnapshot(db, { origin, suite }) : undefined;
  return { origin, suite, snapshotId: newest?.snapshotId ?? since };
}

/** The place as links name it: what was asked for, else the suite, whatever its newest snapshot is. */
export function placeName({ asked, problem, ref }: Choice): string {
  return asked === undefined || problem !== undefined ? formatSuiteRef(ref) : asked;
}
