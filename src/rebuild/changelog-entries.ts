/** The entries of a changelog that tell when a package had which version. Pure; deb-changelog(5). */
import { parseDate } from '../formats/deb/date.ts';

export type Entry = {
  readonly version: string;
  readonly suite: string;
  /** Seconds since the epoch. */
  readonly date: number;
  readonly text: string;
};

/** Newest first. What cannot be read is passed over. */
export function entriesOf(changelog: string): Entry[] {
  const entries: Entry[] = [];
  let heading: Pick<Entry, 'version' | 'suite'> | undefined;
  let lines: string[] = [];
  for (const line of changelog.split('\n')) {
    const found = /^\S+ \(([^()\s]{1,100})\) (\S{1,100});/.exec(line);
    if (found !== null) [heading, lines] = [{ version: found[1]!, suite: found[2]! }, []];
    lines.push(line);
    const date = line.startsWith(' -- ') ? parseDate(line.slice(line.lastIndexOf('>') + 1).trim()) : undefined;
    if (heading === undefined || date === undefined) continue;
    entries.push({ ...heading, date: Math.floor(date.getTime() / 1000), text: lines.join('\n') });
    heading = undefined;
  }
  return entries;
}

export function upstreamOf(version: string): string {
  return /^[^-]*/.exec(version)![0];
}
