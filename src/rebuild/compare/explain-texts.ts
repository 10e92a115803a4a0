/** Why a text may have become another one: both are the same when what that cause changes is covered. */
import type { CauseKind } from '../../model/rebuild.ts';

const month = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*';
const weekday = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*';
const clockTime = String.raw`\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AP]M)?`;
/** Fourteen digits are a date and a time, as in PDF. With dots and a year of two digits it would be any version. */
const day = String.raw`(?:19|20)\d\d-?\d\d-?\d\d(?:[0-2]\d[0-5]\d[0-6]\d)?|\d{1,2}\/\d{1,2}\/(?:19|20)?\d\d|(?<![\d.])\d{1,2}\.\d{1,2}\.(?:19|20)\d\d(?!\.\d)`;

/** Dates, times, years, and seconds since the epoch (2001 to 2033). */
const dates = new RegExp(
  String.raw`\b(?:(?:${day})(?!\d)|(?:${weekday}|${month}|[12]\d{9}(?:\d{3}|\.\d{1,9})?)\b)|(?<![\d.])(?:19|20)\d\d(?![\d.])|${clockTime}|(?<=T)\d{6}(?!\d)|(?<=<D> )[ 0-3]?\d\b|\b[0-3]?\d(?= <D>)`,
  'g',
);
/** All that tzdata has; a word in capitals behind a time may be anything. */
const zoneNames =
  'UTC|GMT|WES?T|BST|CES?T|EES?T|MSK|IST|IDT|[HP]KT|[JK]ST|WIB|WITA?|A[CE][DS]T|AWST|NZ[DS]T|[ECW]AT|SAST|[NAECMPH][DS]T|AK[DS]T|SST|ChST';
export const zones = new RegExp(
  String.raw`(?<=:\d{2} ?|<D> ?)(?:Z\b|[+-]\d\d:?\d\d\b|(?:${zoneNames})\b(?:[+-]\d+)?)|(?<=:\d{2} )[+-]\d\d\b|(?<=<D> )[+-]\d\d(?= <D>)|(?<=\d{14}|<D>)(?:Z|[+-]\d\d'\d\d'?)`,
  'g',
);
const hours = /\b\d{1,2}(?=:\d{2})/g;
/** Those of a file: address too, but of no other; and nothing is built where systems have their files. */
const paths =
  /(?:(?<=\bfile:\/\/)|(?<![\w.~/-]|:(?=\/\/)))\/(?!(?:usr(?!(?:\/local)?\/src\/)|s?bin|lib\w*|etc|dev|proc|sys)(?![\w.+~-]))(?:[\w.+~@<>-]+\/)*[\w.+~@<>-]*/g;
const accounts = /[\w.-]+@[\w.-]+/g;
export const counts = /(?<=-j ?|parallel=|\b(?:nproc|cpus?|jobs|threads|cores|processors)\W{0,3})\d+/gi;
const chance =
  /\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|\b0x[0-9a-f]{6,}\b|(?<=\/tmp\/[\w.-]*)[A-Za-z0-9_]{6,10}\b|(?<=(?:pid|seed)\W{1,3})\d+/gi;
export const kernels =
  /(?<=\bLinux[ /-])\d[\w.+~-]*|\b\d+\.\d+\.\d+[-+][\w.+]*-(?:\d+-)?(?:amd64|arm64|generic|cloud)\b[\w-]*/g;
export const versions = /(?<![\w.])v?\d+(?:\.\d+)+(?:[-+~.]?[\w+~]+)*(?:-[\w+.~]+)?/g;

type Rule = { readonly kind: CauseKind; readonly weight: number; readonly cover: (text: string) => string };

const covering = (kind: CauseKind, weight: number, ...patterns: readonly RegExp[]): Rule => ({
  ...{ kind, weight },
  // Twice: the number of a day is only known beside its month.
  cover: (text) => [...patterns, ...patterns].reduce((covered, pattern) => covered.replaceAll(pattern, '<D>'), text),
});

/** In this order: the first that makes both the same is the cause. */
const rules: readonly Rule[] = [
  covering('timezone', 4, zones, hours),
  covering('clock', 5, dates),
  covering('clock', 4, dates, zones),
  covering('unstable', 3, chance),
  covering('build-path', 5, paths),
  covering('cpu-count', 4, counts),
  covering('environment', 3, kernels),
  covering('hostname', 4, accounts),
  covering('dependency', 2, versions),
];

/** Without its dates and times. */
export const coverTimes = covering('clock', 0, dates, zones).cover;

export type Explained = { readonly kind: CauseKind; readonly weight: number };

/** Undefined where no cause is known that would change the one into the other. */
export function explainTexts(left: string, right: string): Explained | undefined {
  if (left === right) return undefined;
  return rules.find(({ cover }) => cover(left) === cover(right));
}
