/**
 * The conditions of a build, recovered from what it published. Pure.
 *
 * Debian's build machines unpack below `/build/NAME-RANDOM/` and, since 2023, `/build/reproducible-path/`; dpkg's default
 * flags keep the path out of most packages. They build as sbuild does: LC_ALL=C.UTF-8, UTC, umask 022, no home. The day
 * is not much later than that of the changelog, and which compiler unstable had on that day is known.
 */
import { parseBuildinfo } from '../formats/deb/buildinfo.ts';
import { parseChangelog } from '../formats/deb/changelog.ts';
import { parseDate } from '../formats/deb/date.ts';
import { withoutRevision } from '../formats/deb/version.ts';
import type { BuildConditions, ToolNames } from '../model/job.ts';
import type { DebFacts } from './ports.ts';

export type Recovered = {
  readonly conditions: BuildConditions;
  /** Seconds since the epoch; where it is not that of the source's changelog. */
  readonly sourceDateEpoch?: number;
};

type Source = { readonly source: string; readonly version: string };

/**
 * From the packages alone. `foreign`: built by Debian's machines, or such as work like them. `compilers`: what the
 * compiler may have called itself then, the most probable first.
 */
export function recoverConditions(
  { source, version }: Source,
  facts: readonly DebFacts[],
  { foreign, compilers = [] }: { readonly foreign: boolean; readonly compilers?: readonly string[] },
): Recovered {
  const tree = `${source}-${withoutRevision(version)}`;
  const found = facts.flatMap(({ buildPaths }) => buildPaths).filter((path) => path.startsWith('/build/'));
  const usual = foreign ? { buildPath: `/build/reproducible-path/${tree}` } : {};
  const entry = facts.flatMap(({ changelogEntry }) => changelogEntry ?? [])[0]?.trimEnd();
  const date = sourceDate(facts, entry);
  const tools = foreign ? toolNames(facts, compilers[0]) : {};
  return {
    conditions: {
      ...(found.length === 0 ? usual : { buildPath: mostFrequent(found) }),
      ...(foreign ? { environment: { HOME: '/sbuild-nonexistent' } } : {}),
      ...(foreign && date.sourceDateEpoch !== undefined ? { clock: date.sourceDateEpoch } : {}),
      ...(Object.keys(tools).length === 0 ? {} : { tools }),
      ...(entry === undefined ? {} : { changelogEntry: entry }),
    },
    ...date,
  };
}

function toolNames(facts: readonly DebFacts[], compiler: string | undefined): ToolNames {
  const said = (tool: keyof ToolNames & keyof DebFacts) => {
    const names = facts.flatMap((each) => each[tool] ?? []);
    return names.length === 0 ? {} : { [tool]: mostFrequent(names) };
  };
  return {
    ...(compiler === undefined ? {} : { compiler }),
    ...said('debhelper'),
    ...said('pod2man'),
    ...said('perl'),
    ...said('libtool'),
  };
}

/** dpkg-deb dates the outer archive by it; a binary-only upload has that of its own entry. */
function sourceDate(facts: readonly DebFacts[], entry: string | undefined): { readonly sourceDateEpoch?: number } {
  if (entry !== undefined) return { sourceDateEpoch: toSeconds(parseChangelog(entry).date) };
  return facts[0] === undefined ? {} : { sourceDateEpoch: facts[0].date };
}

/** From the record of the build itself; the clock is left as it is, for it should not matter. */
export function recordedConditions(buildinfo: string, file: string): Recovered & { readonly builtAt?: number } {
  const { buildPath, buildDate, environment } = parseBuildinfo(buildinfo, file);
  const options = environment.get('DEB_BUILD_OPTIONS') ?? '';
  const parallel = /(?:^|\s)parallel=(\d+)/.exec(options)?.[1];
  const epoch = environment.get('SOURCE_DATE_EPOCH');
  const built = buildDate === undefined ? undefined : parseDate(buildDate);
  return {
    conditions: {
      ...(buildPath === undefined ? {} : { buildPath }),
      ...(parallel === undefined ? {} : { parallel: Number(parallel) }),
      environment: Object.fromEntries([...environment].filter(([name]) => name !== 'SOURCE_DATE_EPOCH')),
    },
    ...(epoch !== undefined && /^\d{1,12}$/.test(epoch) ? { sourceDateEpoch: Number(epoch) } : {}),
    ...(built === undefined ? {} : { builtAt: toSeconds(built) }),
  };
}

/** As the result of a rebuild has them. */
export function describeConditions({ environment = {}, ...conditions }: BuildConditions): Record<string, string> {
  const words = {
    'build-path': conditions.buildPath,
    clock: conditions.clock === undefined ? undefined : new Date(conditions.clock * 1000).toISOString(),
    locale: conditions.locale,
    timezone: conditions.timezone,
    umask: conditions.umask,
    hostname: conditions.hostname,
    user: conditions.user,
    'cpu-count': (conditions.processors ?? conditions.parallel)?.toString(),
    kernel: conditions.kernel,
    'file-order': conditions.fileOrder,
    'element-ids': conditions.elementIds,
    compiler: conditions.tools?.compiler,
    debhelper: conditions.tools?.debhelper,
    pod2man: conditions.tools?.pod2man,
    perl: conditions.tools?.perl,
    java: conditions.tools?.java,
    libtool: conditions.tools?.libtool,
    libraries: conditions.libraries?.map(({ source, called }) => `${source} called ${called}`).join('\n'),
    headers: conditions.headers
      ?.map(({ source, version, patch }) => `${source} ${version} without ${patch}`)
      .join('\n')
      .slice(0, 4000),
    'changelog-entry': conditions.changelogEntry?.slice(0, 2000),
    environment: Object.entries(environment)
      .map(([name, value]) => `${name}=${value}`)
      .join('\n')
      .slice(0, 4000),
  };
  return Object.fromEntries(Object.entries(words).filter((each): each is [string, string] => (each[1] ?? '') !== ''));
}

function mostFrequent(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))[0]![0];
}

function toSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
