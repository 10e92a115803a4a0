/** A device's difference as people read it: a line of counts, then a table for each kind. */
import { deviceKinds, type DeviceKind } from '../../../device/mod.ts';
import type { DeviceDifference, ToldPackage } from '../../../flows/device-diff.ts';
import { clean } from '../clean.ts';
import { style } from '../style.ts';
import { formatTable, text } from '../table.ts';

const colours = {
  tampered: 'red',
  'half-installed': 'red',
  foreign: 'magenta',
  missing: 'red',
  behind: 'yellow',
  ahead: 'cyan',
  unverified: 'yellow',
  edited: 'dim',
  held: 'dim',
  same: 'green',
} as const satisfies Record<DeviceKind, string>;

/** More files of one package than anybody reads. */
const mostFiles = 20;

/** Without a choice, all that is to be told: packages that are the same are only counted. */
export function selectKinds(difference: DeviceDifference, only: readonly DeviceKind[] | undefined): DeviceDifference {
  const wanted = only ?? deviceKinds.filter((kind) => kind !== 'same');
  return {
    ...difference,
    packages: difference.packages.filter(({ kinds }) => kinds.some((each) => wanted.includes(each))),
  };
}

export function formatDevice({ against, counts, leftOut, compared, packages }: DeviceDifference): string[] {
  const told = deviceKinds.filter((kind) => counts[kind] > 0);
  const numbers = told.map((kind) => style(colours[kind], `${counts[kind].toLocaleString('en')} ${kind}`));
  return [
    `against ${clean(against.places.join(', '))}: ${numbers.join(', ') || 'no packages'}`,
    ...(leftOut.length === 0 ? [] : [`left out: ${clean(leftOut.join(', '))}, which is not listed there`]),
    ...(compared === undefined ? [] : [`${compared.toLocaleString('en')} packages compared byte by byte`]),
    ...deviceKinds.flatMap((kind) => {
      const rows = packages.filter(({ kinds }) => kinds[0] === kind);
      return rows.length === 0 ? [] : ['', style(['bold', colours[kind]], kind), ...formatKind(kind, rows)];
    }),
  ];
}

function formatKind(kind: DeviceKind, rows: readonly ToldPackage[]): string[] {
  const isIn = (member: (row: ToldPackage) => string | undefined) => rows.some((row) => member(row) !== undefined);
  const source = (row: ToldPackage) => (row.source === row.name ? undefined : row.source);
  const also = (row: ToldPackage) => (row.kinds.length > 1 ? row.kinds.slice(1).join(', ') : undefined);
  const status = (row: ToldPackage) => (kind === 'half-installed' ? row.installed?.status : undefined);
  const since = (row: ToldPackage) => row.since?.slice(0, 16).replace('T', ' ');
  const cves = (row: ToldPackage) => (row.cves?.length ? row.cves.join(' ') : undefined);
  const known = ({ known: places }: ToldPackage) =>
    places?.length === 0 ? 'nowhere' : places?.map(({ place }) => place).join(' ');
  const columns = [
    text<ToldPackage>('package', ({ name, architecture }) => `${name}:${architecture}`),
    ...(isIn((row) => row.installed?.version) ? [text<ToldPackage>('device', (row) => row.installed?.version)] : []),
    ...(isIn((row) => row.listed?.version) ? [text<ToldPackage>('listed', (row) => row.listed?.version)] : []),
    ...(isIn(source) ? [text<ToldPackage>('source', source)] : []),
    ...(isIn(also) ? [text<ToldPackage>('also', also)] : []),
    ...(isIn(status) ? [text<ToldPackage>('status', status)] : []),
    ...(isIn(since) ? [text<ToldPackage>('since', since)] : []),
    ...(isIn(known) ? [text<ToldPackage>('known from', known)] : []),
    ...(isIn(cves) ? [text<ToldPackage>('fixes', cves)] : []),
  ];
  const [head = '', ...lines] = formatTable(rows, columns, { width: undefined, indent: 2 });
  return [head, ...rows.flatMap((row, index) => [lines[index]!, ...formatFiles(row)])];
}

function formatFiles({ files }: ToldPackage): string[] {
  if (files === undefined) return [];
  const named = [
    ...files.altered.map((path) => `altered     ${path}`),
    ...files.missing.map((path) => `missing     ${path}`),
    ...files.conffiles.map((path) => `edited      ${path}`),
    ...files.unverified.map((path) => `unverified  ${path}`),
  ];
  const more = named.length - mostFiles;
  const shown = named.slice(0, mostFiles).map((line) => `      ${clean(line)}`);
  return more > 0 ? [...shown, `      … and ${more} more`] : shown;
}
