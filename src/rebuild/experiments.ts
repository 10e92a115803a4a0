/** Which things to restore, one after the other, in the hope that the bytes agree. Pure. */
import type { BuildConditions } from '../model/job.ts';
import type { CauseKind } from '../model/rebuild.ts';
import { debhelperOf, withoutOldEntries } from './debhelper.ts';
import type { Told } from './told.ts';
import type { Hint, OlderSource, PackageVersion } from './ports.ts';

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
  /** What the environment can have of its own past. */
  readonly older: readonly OlderSource[];
};

/**
 * Those of the hints' kinds first, in their order, then other versions; where there is no hint, what most often matters.
 */
export function planExperiments(hints: readonly Hint[], had: BuildConditions, known: Known): Experiment[] {
  const kinds = hints.length === 0 ? usual : [...new Set([...hints.flatMap(kindsOf), 'dependency' as const])];
  const planned = kinds.flatMap(
    (kind) =>
      guesses[kind]?.(
        known,
        hints.filter((hint) => hint.kind === kind),
        had,
      ) ?? [],
  );
  const isNews = ({ conditions, older }: Experiment) =>
    !isPartOf(conditions, had) || (older.length > 0 && Object.keys(conditions).length === 0);
  return planned.filter(isNews);
}

/** Where nothing but build-ids differs, the compiler's name comes first: it is in all of them. */
function kindsOf({ kind, detail }: Hint): CauseKind[] {
  return /\bonly the build-id\b/.test(detail) ? ['dependency', kind] : [kind];
}

const usual: readonly CauseKind[] = ['dependency', 'clock', 'build-path', 'cpu-count', 'locale'];

/** All of them at once; of two values for one condition the later. */
export function joinConditions(all: readonly BuildConditions[]): BuildConditions {
  const tools: BuildConditions['tools'] = Object.assign({}, ...all.map((each) => each.tools));
  const environment: BuildConditions['environment'] = Object.assign({}, ...all.map((each) => each.environment));
  const joined: BuildConditions = Object.assign({}, ...all);
  return {
    ...joined,
    ...(Object.keys(environment!).length === 0 ? {} : { environment: environment! }),
    ...(Object.keys(tools!).length === 0 ? {} : { tools: tools! }),
  };
}

/** All packages that have another version; of two versions of one the later in the lists. */
export function versionsOf(all: readonly Pick<Experiment, 'older'>[]): PackageVersion[] {
  const packages = all.flatMap(({ older }) => older).flatMap((each) => each.packages);
  return [...new Map(packages.map((each) => [each.name, each])).values()];
}

/** Two experiments that each have half of its older sources; none where there is but one. */
export function halves(experiment: Experiment): readonly Experiment[] {
  const { thing, older } = experiment;
  if (thing !== 'packages' || older.length < 2) return [];
  const middle = Math.ceil(older.length / 2);
  return [older.slice(0, middle), older.slice(middle)].map((half) => toOlder(thing, half));
}

export function toldExperiment({ kind, thing, value, conditions }: Told): Experiment {
  return { kind, thing, restored: restoredAs(kind, value), conditions, older: [], isTold: true };
}

type Guess = (known: Known, hints: readonly Hint[], had: BuildConditions) => readonly Experiment[];

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
  dependency: ({ compilers, older }, hints, had) => {
    // Its headers are in all that is written in C, and their lines in all debugging information.
    const libc = older.filter(({ source }) => source === 'glibc').map((each) => toOlder('libc', [each]));
    const named = compilers.map((compiler) => toTool('compiler', `gcc called ${compiler}`, { compiler }));
    return [
      ...(hints.some(({ detail }) => untrimmed.test(detail)) ? [wholeChangelog(had)] : []),
      ...hints
        .flatMap(({ detail }) => debhelperOf(detail) ?? (shorter.test(detail) ? withoutOldEntries : []))
        .slice(0, 1)
        .map((debhelper) => toTool('debhelper', `debhelper called ${debhelper}`, { debhelper })),
      ...libc,
      ...(older.length > libc.length ? [toOlder('packages', older)] : []),
      // A build-id is right or wrong: what is half right does not show.
      ...libc.flatMap((each) => named.map((name) => both(name, each))),
      ...named,
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

const untrimmed = /: whole left, trimmed right\b.*\bnotrimdch\b/;

const shorter = /: old entries only right, as by debhelper\b/;

/** debhelper before 13.10 left changelogs whole: dh_installchangelogs(1). */
function wholeChangelog({ environment = {} }: BuildConditions): Experiment {
  const options = [environment['DEB_BUILD_OPTIONS'], 'notrimdch'].filter((each) => each !== undefined).join(' ');
  const conditions = { environment: { ...environment, DEB_BUILD_OPTIONS: options } };
  return { kind: 'dependency', thing: 'changelog', restored: 'debhelper with notrimdch', conditions, older: [] };
}

function toOlder(thing: string, older: readonly OlderSource[]): Experiment {
  const names = older.map(({ source, version }) => `${source} ${version}`).join(', ');
  const restored = names.length > mostNames ? `${older.length} sources: ${names.slice(0, mostNames)}…` : names;
  return { kind: 'dependency', thing, restored, conditions: {}, older };
}

const mostNames = 1000;

function both(one: Experiment, other: Experiment): Experiment {
  return {
    ...{ ...one, restored: `${one.restored}, ${other.restored}` },
    conditions: joinConditions([one.conditions, other.conditions]),
    older: [...one.older, ...other.older],
  };
}

function isPartOf({ tools = {}, ...some }: BuildConditions, all: BuildConditions): boolean {
  const isSame = (part: object, whole: object) =>
    Object.entries(part).every(([name, value]) => whole[name as keyof typeof whole] === value);
  return isSame(some, all) && isSame(tools, all.tools ?? {});
}
