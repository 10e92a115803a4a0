/** What a build sees of the machine around it: as always, or as a rebuild restores it. Pure. */
import { withoutRevision } from '../formats/deb/version.ts';
import { SheafError } from '../kit/error.ts';
import type { BuildConditions, BuildSpec } from '../model/job.ts';

/** Where a source package is unpacked: the directory that the results come to, and the name of the tree in it. */
export type BuildPlace = { readonly directory: string; readonly tree: string };

/** Throws `bad-build-path` for one that a build cannot have without hiding what it needs. */
export function buildPlace({ source, version, conditions }: BuildSpec): BuildPlace {
  const path = conditions?.buildPath;
  if (path === undefined) return { directory: '/build', tree: `${source}-${withoutRevision(version)}` };
  if (!isBuildPath(path)) {
    throw new SheafError(
      'bad-build-path',
      `Cannot build in ${JSON.stringify(path.slice(0, 200))}: it is no such place`,
      {
        hint: 'A build may be below /build, /home, /srv or whatever else is none of the system, two to ten directories deep.',
      },
    );
  }
  const end = path.lastIndexOf('/');
  return { directory: path.slice(0, end), tree: path.slice(end + 1) };
}

export function isBuildPath(path: string): boolean {
  const [root, ...parts] = path.split('/');
  const isPlain = parts.every((part) => /^[A-Za-z0-9_.+~:-]+$/.test(part) && part !== '.' && part !== '..');
  return root === '' && isPlain && parts.length >= 2 && parts.length <= 11 && !systems.test(path);
}

/** Places of a system that builds; continuous integration has many others. */
const systems = /^\/(?:bin|boot|dev|etc|inputs|lib\w*|proc|run|sbin|sys|usr(?!(?:\/local)?\/src\/))\//;

/** What a build shows of itself where it tells on what it was built. */
export function shownBy(spec: BuildSpec): Record<'buildPath' | 'home' | 'hostname' | 'locale' | 'user', string> {
  const { directory, tree } = buildPlace(spec);
  const environment = environmentOf(spec, 1);
  return {
    buildPath: `${directory}/${tree}`,
    home: environment['HOME']!,
    hostname: hostnameOf(spec),
    locale: environment['LC_ALL']!,
    user: spec.conditions?.user ?? 'builder',
  };
}

export function hostnameOf({ conditions }: BuildSpec): string {
  return conditions?.hostname ?? 'sheaf';
}

/** The whole environment of a build. */
export function environmentOf(spec: BuildSpec, parallel: number): Record<string, string> {
  const { environment = {}, ...wanted } = spec.conditions ?? {};
  const options = (environment['DEB_BUILD_OPTIONS'] ?? '')
    .split(/\s+/)
    .filter((word) => !/^(?:parallel=.*)?$/.test(word));
  return {
    HOME: '/nonexistent',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    SOURCE_DATE_EPOCH: String(spec.sourceDateEpoch),
    ...environment,
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ...(wanted.locale === undefined ? {} : { LC_ALL: wanted.locale }),
    ...(wanted.timezone === undefined ? {} : { TZ: wanted.timezone }),
    DEB_BUILD_OPTIONS: [...options, `parallel=${wanted.parallel ?? parallel}`].join(' '),
  };
}

/**
 * What comes before the command of a build whose clock, order of files, names of elements or machine is set: a library
 * that build-tools.sh made shows it another time, directories in that order, other processors and another kernel. Nothing
 * of root's has it, for it is the build that is to be deceived.
 */
export function shownCommand({ conditions = {} }: Pick<BuildSpec, 'conditions'>, now: Date): string[] {
  const { clock, fileOrder, elementIds, processors, kernel } = conditions;
  if (!needsLibrary(conditions)) return [];
  const started = Math.floor(now.getTime() / 1000);
  return [
    ...['env', `LD_PRELOAD=${shownLibrary}`],
    ...(clock === undefined ? [] : [`SHEAF_CLOCK=${clock - started}`, `SHEAF_STARTED=${started}`]),
    ...(fileOrder === undefined ? [] : [`SHEAF_FILE_ORDER=${fileOrder}`]),
    ...(elementIds === undefined ? [] : [`SHEAF_ELEMENT_IDS=${elementIds}`]),
    ...(processors === undefined ? [] : [`SHEAF_PROCESSORS=${processors}`]),
    ...(kernel === undefined ? [] : [`SHEAF_KERNEL=${kernel}`]),
  ];
}

export function needsLibrary({ clock, fileOrder, elementIds, processors, kernel }: BuildConditions): boolean {
  return [clock, fileOrder, elementIds, processors, kernel].some((each) => each !== undefined);
}

/** Not where the files of packages are. */
export const shownLibrary = '/usr/local/lib/sheaf-shown.so';
