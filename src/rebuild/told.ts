/**
 * What published files tell of the machine that they were built on: where a rebuild has written its own host name, they
 * have that of the first build. Pure. Nothing here is proof: each is for an experiment.
 */
import type { BuildConditions } from '../model/job.ts';
import type { CauseKind } from '../model/rebuild.ts';
import { counts, coverTimes, explainTexts, kernels, zones } from './compare/explain-texts.ts';
import type { Said } from './compare/said.ts';

/** What the rebuild shows of itself. */
export type Shown = Readonly<Record<'buildPath' | 'home' | 'hostname' | 'locale' | 'user', string>>;

export type Told = {
  readonly kind: CauseKind;
  readonly thing: string;
  readonly value: string;
  readonly conditions: BuildConditions;
};

const mostTexts = 200;

/** Of each thing what is told most often. */
export function toldConditions({ texts, modes }: Said, shown: Shown): Told[] {
  const all = texts.flatMap(({ left, right }) => {
    const [lefts, rights] = [left.slice(0, mostTexts), right.slice(0, mostTexts)];
    return rights.flatMap((text) => firstTold(lefts, (each) => toldByText(each, text, shown)));
  });
  const umasks = modes.map(({ left, right }) => {
    const umask = umaskOf(left, right);
    return told('umask', umask, { umask });
  });
  const grouped = Map.groupBy([...all, ...umasks], ({ thing }) => thing);
  return [...grouped.values()].map((same) => {
    const times = ({ value }: Told) => same.filter((each) => each.value === value).length;
    return same.toSorted((a, b) => times(b) - times(a))[0]!;
  });
}

function firstTold(lefts: readonly string[], tell: (left: string) => readonly Told[]): readonly Told[] {
  for (const left of lefts) {
    const found = tell(left);
    if (found.length > 0) return found;
  }
  return [];
}

function toldByText(left: string, right: string, shown: Shown): readonly Told[] {
  if (left === right) return [];
  const own = toldByWords(left, right, shown);
  if (own !== undefined) return own;
  const dated = toldByWords(coverTimes(left), coverTimes(right), shown);
  return [
    ...(dated ?? []),
    ...toldByTimes(left, right, dated === undefined ? explainTexts(left, right)?.kind : 'clock'),
  ];
}

type Thing = keyof Shown | 'processors' | 'kernel';

const toTold: Readonly<Record<Thing, (value: string) => Told>> = {
  buildPath: (buildPath) => told('build-path', buildPath, { buildPath }),
  home: (HOME) => told('environment', `HOME=${HOME}`, { environment: { HOME } }, 'home'),
  hostname: (hostname) => told('hostname', hostname, { hostname }),
  locale: (locale) => told('locale', locale, { locale }),
  user: (user) => told('environment', `user ${user}`, { user }, 'user'),
  processors: (count) => told('cpu-count', count, { parallel: Number(count), processors: Number(count) }),
  kernel: (kernel) => told('environment', `kernel ${kernel}`, { kernel }, 'kernel'),
};

function told(kind: CauseKind, value: string, conditions: BuildConditions, thing: string = kind): Told {
  return { kind, thing, value, conditions };
}

const forms: Readonly<Record<Thing, string>> = {
  buildPath: String.raw`/[\w.+~/-]+?`,
  home: String.raw`/[\w.+~/-]*?`,
  hostname: String.raw`[A-Za-z0-9](?:[\w.-]{0,62}[A-Za-z0-9])?`,
  locale: String.raw`[A-Za-z]\w*(?:\.[\w-]+)?(?:@\w+)?`,
  user: String.raw`[a-z_][\w.-]{0,31}`,
  processors: String.raw`[1-9]\d{0,2}`,
  kernel: String.raw`\d[\w.+~-]{0,63}`,
};

/** Undefined where they differ in more than that, or in nothing of it. */
function toldByWords(left: string, right: string, shown: Shown): readonly Told[] | undefined {
  const finder = finderOf(shown);
  const found = new Map<string, string>();
  let [pattern, end] = ['', 0];
  for (const match of right.matchAll(finder)) {
    const [name, word] = Object.entries(match.groups!).find((each) => each[1] !== undefined) as [Thing, string];
    pattern += escape(right.slice(end, match.index));
    pattern += found.has(name) ? String.raw`\k<${name}>` : `(?<${name}>${forms[name]})`;
    found.set(name, word);
    end = match.index + match[0].length;
  }
  if (found.size === 0) return undefined;
  const values = new RegExp(`^${pattern}${escape(right.slice(end))}$`).exec(left)?.groups as Record<Thing, string>;
  if (values === undefined) return undefined;
  const entries = Object.entries(values) as [Thing, string][];
  return entries.filter(([name, value]) => value !== found.get(name)).map(([name, value]) => toTold[name](value));
}

/** Paths before what may stand in them. */
function finderOf(shown: Shown): RegExp {
  const words = (Object.entries(shown) as [keyof Shown, string][]).toSorted(([, a], [, b]) => b.length - a.length);
  const own = words.map(([name, word]) => String.raw`(?<${name}>(?<![\w.-])${escape(word)}(?![\w-]))`);
  const numbers = `(?<processors>(?i:${counts.source})|^[1-9]\\d{0,2}$)`;
  return new RegExp([...own, numbers, `(?<kernel>${kernels.source})`].join('|'), 'g');
}

const escape = (text: string): string => text.replaceAll(/[^\w\s]/g, String.raw`\$&`);

function toldByTimes(left: string, right: string, kind: CauseKind | undefined): readonly Told[] {
  if (kind !== 'clock' && kind !== 'timezone') return [];
  const [zone, other] = [left, right].map((text) => text.match(zones)?.[0]?.trim() ?? '') as [string, string];
  const offset = offsetOf(zone) ?? (kind === 'timezone' || zone !== other ? distanceOf(left, right) : undefined);
  const timezone = zone === other && (zone !== '' || kind === 'clock') ? undefined : formatZone(zone, offset);
  const clock = kind === 'clock' ? momentOf(left, offset) : undefined;
  return [
    ...(timezone === undefined ? [] : [told('timezone', timezone, { timezone })]),
    ...(clock === undefined ? [] : [told('clock', new Date(clock * 1000).toISOString(), { clock })]),
  ];
}

function offsetOf(zone: string): number | undefined {
  const [, sign = '', hours, minutes = 0] = /^([+-])(\d\d)[:']?(?:(\d\d)'?)?$/.exec(zone) ?? [];
  return hours === undefined ? named[zone] : Number(`${sign}1`) * (60 * Number(hours) + Number(minutes));
}

/** Of a time of day and that of our zone, UTC: less than half a day, and whole quarters of an hour. */
function distanceOf(left: string, right: string): number | undefined {
  const [here, there] = [left, right].map(minutesOf);
  if (here === undefined || there === undefined) return undefined;
  const half = 12 * 60;
  const distance = ((here - there + 3 * half - 1) % (2 * half)) - half + 1;
  return distance % 15 === 0 ? distance : undefined;
}

function minutesOf(text: string): number | undefined {
  const found = /(?<!\d)(\d{1,2}):(\d{2})/.exec(text);
  return found === null ? undefined : 60 * Number(found[1]) + Number(found[2]);
}

/** As tzset(3) understands it without any data: `JST-9`, `<+0530>-5:30`. */
function formatZone(zone: string, offset: number | undefined): string | undefined {
  if (offset === undefined) return undefined;
  const sign = offset < 0 ? '-' : '+';
  const [hours, rest] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
  const minutes = rest === 0 ? '' : two(rest);
  const name = /^[A-Z]{3,}$/.test(zone) ? zone : `<${sign}${two(hours)}${minutes}>`;
  return `${name}${offset > 0 ? '-' : ''}${hours}${minutes === '' ? '' : `:${minutes}`}`;
}

/** In minutes east of Greenwich; of other names the times tell. */
const named: Readonly<Record<string, number>> = {
  ...{ UTC: 0, GMT: 0, CET: 60, CEST: 120, MSK: 180, JST: 540 },
  ...{ EST: -300, EDT: -240, CST: -360, CDT: -300, MST: -420, MDT: -360, PST: -480, PDT: -420 },
};

const two = (number: number) => String(number).padStart(2, '0');

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Seconds since the epoch of a date in a text; of a day or a year that stands alone its middle. */
function momentOf(text: string, east = 0): number | undefined {
  const seconds = /\b1\d{9}\b/.exec(text)?.[0];
  if (seconds !== undefined) return Number(seconds);
  const iso = /\b((?:19|20)\d\d)-?(\d\d)-?(\d\d)/.exec(text);
  const year = iso?.[1] ?? /(?<![\d.])((?:19|20)\d\d)(?![\d.])/.exec(text)?.[1];
  if (year === undefined) return undefined;
  const name = new RegExp(String.raw`\b(?:(\d{1,2}) +)?(${months.join('|')})[a-z]*\b(?: +(\d{1,2})\b(?!:))?`).exec(
    text,
  );
  const month = iso === null ? (name === null ? 6 : months.indexOf(name[2]!)) : Number(iso[2]) - 1;
  const day = Number(iso?.[3] ?? name?.[3] ?? name?.[1] ?? 15);
  const time = /(?<!\d)(\d{1,2}):(\d{2})(?::(\d{2}))?/.exec(text) ?? /(?<!\d)\d{8}(\d\d)(\d\d)(\d\d)(?!\d)/.exec(text);
  const [, hour = '12', minute = '0', second = '0'] = time ?? [];
  return Date.UTC(Number(year), month, day, Number(hour), Number(minute) - east, Number(second)) / 1000;
}

const usualUmask = 0o022;

/** What takes from a file, made under the usual umask, what the other has not. */
function umaskOf(left: string, right: string): string {
  const [mode, usual] = [left, right].map((text) => Number.parseInt(text, 8)) as [number, number];
  const masked = [3, 0].map((shift) => {
    const [has, had] = [(mode >> shift) & 7, (usual >> shift) & 7];
    const missing = had & ~has;
    // A file that nobody executes does not tell of that bit.
    const implied = (missing & 4) !== 0 ? 3 : 0;
    return (((usualUmask >> shift) & 7 & ~has) | missing | implied).toString(8);
  });
  return `0${masked.join('')}`;
}
