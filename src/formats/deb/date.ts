/**
 * Dates of changelogs, uploads and Release files: `Mon, 02 Jan 2006 15:04:05 -0700`. RFC 5322, section 3.3;
 * deb-changelog(5). Release files end in `UTC` instead of an offset.
 */
const pattern =
  /^(?:\w+,\s*)?(\d{1,2})\s+([A-Za-z]+)\s+(\d{4})\s+(\d{1,2}):(\d\d):(\d\d)\s+(?:([-+])(\d\d)(\d\d)|UTC|GMT|Z)(?:\s+\([^\\()]*\))?$/;
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** Undefined for what is not a date of the calendar. The weekday may be missing and is not checked. */
export function parseDate(text: string): Date | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const number = (group: number) => Number(match[group] ?? 0);
  const month = months.indexOf(match[2]!.slice(0, 3).toLowerCase());
  const day = number(1);
  const date = new Date(Date.UTC(number(3), month, day, number(4), number(5), number(6)));
  // Date.UTC takes years below 100 for those of the twentieth century, and carries days over into the next month.
  if (month === -1 || number(3) < 100 || day < 1 || day > daysIn(number(3), month)) return undefined;
  if (number(4) > 23 || number(5) > 59 || number(6) > 60 || number(8) > 23 || number(9) > 59) return undefined;
  const offset = (number(8) * 60 + number(9)) * 60_000;
  return new Date(match[7] === '-' ? date.getTime() + offset : date.getTime() - offset);
}

/** `Sat, 21 Nov 2026 03:00:00 +0000`. */
export function formatDate(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000');
}

/** `Sat, 21 Nov 2026 03:00:00 UTC`, the only zone that apt reads in a Release file. */
export function formatReleaseDate(date: Date): string {
  return date.toUTCString().replace('GMT', 'UTC');
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
}
