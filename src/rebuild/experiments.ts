/** Which things to restore, one after the other, in the hope that the bytes agree. Pure. */
import type { BuildConditions, HeaderPatch, LibraryName } from '../model/job.ts';
import type { CauseKind } from '../model/rebuild.ts';
import { debhelperOf, withoutOldEntries, withWholeChangelogs } from './debhelper.ts';
import { calledLibraries } from './libraries.ts';
import type { Hint, LockedSource, OlderSource, PackageVersion } from './ports.ts';
import type { Told } from './told.ts';

export type Experiment = {
  readonly kind: CauseKind;
  /** Experiments with the same are guesses at one thing, of which at most one is right. */
  readonly thing: string;
  /** What is restored, for people: `clock 2022-12-27T10:00:00.000Z`. */
  readonly restored: string;
  readonly conditions: BuildConditions;
  /** What of the environment has another version. */
  readonly older: readonly OlderSource[];
  /** The value is that of the published files, and no guess. */
  readonly isTold?: true;
};

/** What is known of the first build beside the conditions that the rebuild had. */
export type Known = {
  /** Seconds since the epoch: when it was built, or its changelog's date, which is not long before. */
  readonly builtAt: number;
  /** The directory that the source is unpacked as. */
  readonly tree: string;
  /** What the compiler may have called itself, the most probable first; none when it is not known. */
  readonly compilers: readonly string[];
  /** What the environment has. */
  readonly sources: readonly LockedSource[];
  /** What the environment can have of its own past. */
  readonly older: readonly OlderSource[];
  /** What has changed since in the headers of its libraries. */
  readonly headers: readonly HeaderPatch[];
};

/**
 * Those of the hints' kinds first, in their order, then other versions; where there is no hint, what most often matters.
 */
export function planExperiments(hints: readonly Hint[], had: BuildConditions, known: Known): Group[] {
  const kinds = hints.length === 0 ? usual : [...new Set([...hints.flatMap(kindsOf), 'dependency' as const])];
  const planned = kinds.flatMap((kind) => guesses[kind]?.(known, hints, had) ?? []);
  const isNews = ({ conditions, older }: Experiment) =>
    !isPartOf(conditions, had) || (older.length > 0 && Object.keys(conditions).length === 0);
  return planned.map((each) => ('kind' in each ? [each] : each)).filter((group) => group.every(isNews));
}

/** What is tried together. */
export type Group = readonly Experiment[];

/** Where nothing but build-ids differs, the compiler's name comes first: it is in all of them. */
function kindsOf(hint: Hint): CauseKind[] {
  return isBuildId(hint) ? ['dependency', hint.kind] : [hint.kind];
}

function isBuildId({ detail }: Hint): boolean {
  return /\bonly the build-id\b/.test(detail);
}

const usual: readonly CauseKind[] = ['dependency', 'clock', 'build-path', 'cpu-count', 'locale'];

/** All of them at once; of two values for one condition the later. */
export function joinConditions(all: readonly BuildConditions[]): BuildConditions {
  const tools: BuildConditions['tools'] = Object.assign({}, ...all.map((each) => each.tools));
  const environment: BuildConditions['environment'] = Object.assign({}, ...all.map((each) => each.environment));
  const libraries = all.flatMap((each) => each.libraries ?? []);
  const joined: BuildConditions = Object.assign({}, ...all);
  return {
    ...joined,
    ...(Object.keys(environment!).length === 0 ? {} : { environment: environment! }),
    ...(Object.keys(tools!).length === 0 ? {} : { tools: tools! }),
    ...(libraries.length === 0 ? {} : { libraries }),
  };
}

/** All packages that have another version; of two versions of one the later in the lists. */
export function versionsOf(all: readonly Pick<Experiment, 'older'>[]): PackageVersion[] {
  const packages = all.flatMap(({ older }) => older).flatMap((each) => each.packages);
  return [...new Map(packages.map((each) => [each.name, each])).values()];
}

/** Two experiments that each have half of its older sources, or of those whose headers; none where there is but one. */
export function halves(experiment: Experiment): readonly Experiment[] {
  const { thing, older, conditions } = experiment;
  if (thing === 'packages') return inHalves(older).map((half) => toOlder(thing, half));
  if (thing !== 'headers') return [];
  const bySource = [...Map.groupBy(conditions.headers!, ({ source }) => source).values()];
  return inHalves(bySource).map((half) => toHeaders(half.flat()));
}

function inHalves<T>(all: readonly T[]): (readonly T[])[] {
  const middle = Math.ceil(all.length / 2);
  return all.length < 2 ? [] : [all.slice(0, middle), all.slice(middle)];
}

export function toldExperiment({ kind, thing, value, conditions }: Told): Experiment {
  return { kind, thing, restored: restoredAs(kind, value), conditions, older: [], isTold: true };
}

/** Neither told by the published file nor known of the environment: where bytes agree then, it may be by chance. */
export function isBlind({ isTold, thing, older }: Experiment): boolean {
  return isTold !== true && !['headers', 'release'].includes(thing) && older.length === 0;
}

type Guess = (known: Known, hints: readonly Hint[], had: BuildConditions) => readonly (Experiment | Group)[];

/** The values that build machines are known to have had. */
const guesses: Partial<Record<CauseKind, Guess>> = {
  clock: ({ builtAt }) => [toExperiment('clock', new Date(builtAt * 1000).toISOString(), { clock: builtAt })],
  'build-path': ({ tree }) =>
    [`/build/reproducible-path/${tree}`, `/build/${tree}`].map((buildPath) =>
      toExperiment('build-path', buildPath, { buildPath }),
    ),
  'cpu-count': () =>
    [1, 4].map((parallel) => toExperiment('cpu-count', String(parallel), { parallel, processors: parallel })),
  locale: () => ['POSIX', 'en_US.UTF-8'].map((locale) => toExperiment('locale', locale, { locale })),
  umask: () => ['002', '077'].map((umask) => toExperiment('umask', umask, { umask })),
  timezone: () =>
    ['Europe/Berlin', 'America/New_York'].map((timezone) => toExperiment('timezone', timezone, { timezone })),
  'file-order': () =>
    (['sorted', 'reversed'] as const).map((fileOrder) => toExperiment('file-order', fileOrder, { fileOrder })),
  hostname: () => [toExperiment('hostname', 'localhost', { hostname: 'localhost' })],
  dependency: ({ compilers, sources, older, headers }, hints, had) => {
    const details = hints.map(({ detail }) => detail);
    const libraries = calledLibraries(details, sources).map(toLibrary);
    // Its headers are in all that is written in C, and their lines in all debugging information.
    const libc = older.filter(({ source }) => source === 'glibc').map((each) => toOlder('libc', [each]));
    const named = compilers.map((compiler) => toTool('compiler', `gcc called ${compiler}`, { compiler }));
    const called = (tool: 'debhelper' | 'java', nameIn: (detail: string) => string | undefined) =>
      details
        .flatMap((detail) => nameIn(detail) ?? [])
        .slice(0, 1)
        .map((name) => toTool(tool, `${tool} called ${name}`, { [tool]: name }));
    const before = headers.length === 0 ? [] : [toHeaders(headers)];
    // A build-id is right or wrong: what is half right does not show.
    const both = libc.length * before.length > 0 ? [[...libc, ...before]] : [];
    const together = [...both, ...(libc.length > 0 ? libc : before)];
    const packages = older.length > libc.length ? [toOlder('packages', older)] : [];
    // The first name is the most probable, whether or not it takes the headers too.
    const names = [...named.flatMap((name) => together.map((each) => [name, each].flat())), ...named];
    return [
      ...(details.some((detail) => untrimmed.test(detail)) ? [wholeChangelog(had)] : []),
      ...called('debhelper', (detail) => debhelperOf(detail) ?? (shorter.test(detail) ? withoutOldEntries : undefined)),
      ...called('java', javaOf),
      ...(details.some((detail) => /: elements named by their order left\b/.test(detail)) ? [orderedElements] : []),
      ...(libraries.length === 0 ? [] : [libraries]),
      ...together,
      // Other libraries give other code.
      ...(hints.some(isBuildId) ? [...names, ...packages] : [...packages, ...names]),
      ...(libc.length > 0 ? before : []),
    ];
  },
};

function toExperiment(kind: CauseKind, value: string, conditions: BuildConditions): Experiment {
  return { kind, thing: kind, restored: restoredAs(kind, value), conditions, older: [] };
}

function restoredAs(kind: CauseKind, value: string): string {
  return kind === 'environment' ? value : `${kind} ${value}`;
}

function toTool(thing: string, restored: string, tools: NonNullable<BuildConditions['tools']>): Experiment {
  return { kind: 'dependency', thing, restored, conditions: { tools }, older: [] };
}

function toLibrary(library: LibraryName): Experiment {
  const { source, called } = library;
  const thing = `library ${source}`;
  const conditions = { libraries: [library] };
  return { kind: 'dependency', thing, restored: `${source} called ${called}`, conditions, older: [] };
}

/** As the published manifest has it, where the rebuilt one is of the same release: a revision writes nothing else. */
function javaOf(detail: string): string | undefined {
  const [, , release, revision, rebuilt] =
    /\b(Created-By|Build-Jdk): (\d+)(\.[\w.+~-]{1,60})?(?![\w.+~-])[^→]*→ \1: (\d+)(?!\d)/.exec(detail) ?? [];
  return release === undefined || release !== rebuilt ? undefined : `${release}${revision ?? ''}`;
}

const untrimmed = /: whole left, trimmed right\b.*\bnotrimdch\b/;

const shorter = /: old entries only right, as by debhelper\b/;

/**
 * debhelper before 13.10 left changelogs whole: dh_installchangelogs(1). What does so today leaves the entry of a
 * binary-only upload among the others, which the earlier ones did not.
 */
function wholeChangelog({ environment = {}, changelogEntry }: BuildConditions): Experiment {
  if (changelogEntry !== undefined) {
    return toTool('changelog', `debhelper called ${withWholeChangelogs}`, { debhelper: withWholeChangelogs });
  }
  const options = [environment['DEB_BUILD_OPTIONS'], 'notrimdch'].filter((each) => each !== undefined).join(' ');
  const conditions = { environment: { ...environment, DEB_BUILD_OPTIONS: options } };
  return { kind: 'dependency', thing: 'changelog', restored: 'debhelper with notrimdch', conditions, older: [] };
}

const orderedElements: Experiment = {
  ...{ kind: 'dependency', thing: 'elements', restored: 'libxslt naming elements by their order' },
  ...{ conditions: { elementIds: 'ordered' }, older: [] },
};

function toOlder(thing: string, older: readonly OlderSource[]): Experiment {
  const names = older.map(({ source, version }) => `${source} ${version}`).join(', ');
  const restored = names.length > mostNames ? `${older.length} sources: ${names.slice(0, mostNames)}…` : names;
  return { kind: 'dependency', thing, restored, conditions: {}, older };
}

const mostNames = 1000;

function toHeaders(headers: readonly HeaderPatch[]): Experiment {
  const names = [...Map.groupBy(headers, ({ source }) => source)].map(([source, patches]) => {
    const rest = patches.length > 2 ? ` and ${patches.length - 1} more` : patches[1] ? ` and ${patches[1].patch}` : '';
    return `headers of ${source} without ${patches[0]!.patch}${rest}`;
  });
  const restored = names.join(', ').slice(0, mostNames);
  return { kind: 'dependency', thing: 'headers', restored, conditions: { headers }, older: [] };
}

function isPartOf({ tools = {}, ...some }: BuildConditions, all: BuildConditions): boolean {
  const isSame = (part: object, whole: object) =>
    Object.entries(part).every(([name, value]) => whole[name as keyof typeof whole] === value);
  return isSame(some, all) && isSame(tools, all.tools ?? {});
}
