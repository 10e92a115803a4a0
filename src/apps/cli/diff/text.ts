/** A comparison for people: what alarms first, then by source package. */
import { changeClasses, type ChangeClass, type Counts, type PackageChange } from '../../../compare/mod.ts';
import type { ComparedSource, PlaceComparison } from '../../../flows/compare-places.ts';
import { clean } from '../clean.ts';
import { style } from '../style.ts';
import { terminalWidth, wrap } from '../table.ts';
import { fetchCommand } from './fetch.ts';

const colours = {
  added: 'green',
  removed: 'red',
  upgraded: 'cyan',
  downgraded: 'yellow',
  altered: 'red',
  moved: 'blue',
} as const satisfies Record<ChangeClass, string>;

export function formatComparison(comparison: PlaceComparison): string[] {
  const { left, right, sources } = comparison;
  return [
    ...formatAlarms(comparison.alarms),
    `${style('bold', clean(left.place))} → ${style('bold', clean(right.place))}`,
    ...comparison.kinds.map((kind) => {
      const word = (kind === 'source' ? 'sources:' : 'binaries:').padEnd(10);
      return `${style('dim', word)} ${formatCounts(comparison.counts[kind])}`;
    }),
    ...comparison.leftOut.map(({ place, what }) => {
      return `${style('dim', 'left out:'.padEnd(10))} ${clean(what)}, which only ${clean(place)} has`;
    }),
    ...sources.flatMap((group) => ['', ...formatGroup(group, comparison)]),
    ...formatAbsent(comparison),
  ];
}

export function formatCounts(counts: Counts): string {
  const told = changeClasses.filter((each) => counts[each] > 0);
  if (told.length === 0) return 'no difference';
  return told.map((each) => style(colours[each], `${counts[each].toLocaleString('en')} ${each}`)).join(', ');
}

export function formatAlarms(alarms: readonly PackageChange[]): string[] {
  if (alarms.length === 0) return [];
  const count = alarms.length === 1 ? '1 package has' : `${alarms.length.toLocaleString('en')} packages have`;
  return [
    style(['bold', 'red'], `ALARM: ${count} other bytes under the same version`),
    ...alarms.flatMap(({ name, old, new: now }) => [
      `  ${style('red', clean(`${name} ${now!.version} ${now!.architecture}`))}`,
      `    was ${bytesOf(old!)}`,
      `    is  ${bytesOf(now!)}`,
    ]),
    '',
  ];
}

function bytesOf({ sha256, size }: { readonly sha256: string; readonly size: number }): string {
  return `${sha256 === '' ? 'unknown SHA-256' : sha256}  ${size} bytes`;
}

export function formatGroup(group: ComparedSource, comparison: Pick<PlaceComparison, 'architectures'>): string[] {
  const showArchitecture = comparison.architectures.length !== 1;
  const classes = Map.groupBy(group.changes, ({ change }) => change);
  return [
    style('bold', clean(headingOf(group))),
    ...changeClasses.flatMap((each) => {
      const changes = classes.get(each);
      if (changes === undefined) return [];
      const names = changes.map((change) => formatChange(change, group, showArchitecture)).join(', ');
      const [first = '', ...rest] = wrap(names, (terminalWidth() ?? Number.POSITIVE_INFINITY) - 13);
      return [`  ${style(colours[each], each.padEnd(10))} ${first}`, ...rest.map((line) => ' '.repeat(13) + line)];
    }),
    ...formatChangelog(group),
  ];
}

function headingOf({ source, oldVersion, newVersion }: ComparedSource): string {
  if (oldVersion === newVersion || oldVersion === undefined || newVersion === undefined) {
    return `${source} ${newVersion ?? oldVersion ?? ''}`.trimEnd();
  }
  return `${source} ${oldVersion} → ${newVersion}`;
}

/** The name, and what the heading and the class do not say already. */
function formatChange(change: PackageChange, group: ComparedSource, showArchitecture: boolean): string {
  const { kind, name, old, new: now } = change;
  const [from, to] = [old?.version, now?.version];
  const details = [
    ...(from === group.oldVersion && to === group.newVersion && isBoth(change) ? [] : versionsOf(change, group)),
    ...(old !== undefined && now !== undefined && old.component !== now.component && change.change === 'moved'
      ? [`${old.component} → ${now.component}`]
      : []),
  ];
  const shown = details.length === 0 ? '' : ` (${details.join(', ')})`;
  if (kind === 'source') return clean(`source${shown}`);
  return clean(`${name}${architectureOf(change, showArchitecture)}${shown}`);
}

function isBoth({ old, new: now }: PackageChange): boolean {
  return old !== undefined && now !== undefined;
}

function versionsOf({ old, new: now }: PackageChange, { oldVersion, newVersion }: ComparedSource): string[] {
  if (old === undefined) return now!.version === newVersion ? [] : [now!.version];
  if (now === undefined) return old.version === oldVersion ? [] : [old.version];
  return [old.version === now.version ? now.version : `${old.version} → ${now.version}`];
}

function architectureOf({ old, new: now }: PackageChange, isShown: boolean): string {
  const [from, to] = [old?.architecture ?? now!.architecture, now?.architecture ?? old!.architecture];
  if (from !== to) return `:${from}→${to}`;
  return isShown ? `:${to}` : '';
}

export function formatChangelog({ changelog }: Pick<ComparedSource, 'changelog'>): string[] {
  if (changelog?.state !== 'found') return [];
  const lines = (changelog.entries ?? []).flatMap(({ text }) => ['', ...text.split('\n')]);
  const cut = changelog.isCut === true ? ['', '… and older entries'] : [];
  return [...lines, ...cut].map((line) => (line === '' ? '' : `    ${clean(line)}`));
}

function formatAbsent(comparison: PlaceComparison): string[] {
  const absent = comparison.sources.filter(({ changelog }) => changelog?.state === 'absent');
  if (absent.length === 0) return [];
  const count = absent.length === 1 ? '1 source package' : `${absent.length.toLocaleString('en')} source packages`;
  const fetch = fetchCommand(comparison, absent);
  return [
    '',
    style('dim', `The files of ${count} are not here, so that their changelogs cannot be read.`),
    ...(fetch === undefined ? [] : [style('dim', `They are fetched by: ${clean(fetch)}`)]),
  ];
}
