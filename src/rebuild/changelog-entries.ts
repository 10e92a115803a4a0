/** The entries of a changelog that tell when a package had which version. Pure; deb-changelog(5). */
import { splitEntries } from '../formats/deb/changelog-entries.ts';
import { parseDate } from '../formats/deb/date.ts';
import { withoutRevision } from '../formats/deb/version.ts';
import { isVersion } from '../model/names.ts';

export type Entry = {
  readonly version: string;
  /** The version's upstream part. */
  readonly upstream: string;
  readonly suite: string;
  /** Seconds since the epoch. */
  readonly date: number;
  readonly text: string;
};

/** Newest first. What cannot be read is passed over. */
export function entriesOf(changelog: string): Entry[] {
  return [...splitEntries(changelog)].flatMap(({ version, text }) => {
    const suite = /^\S+ \(\S+\)\s+([^\s;]+)/.exec(text)?.[1];
    const date = parseDate(/^ -- .*>(.*)$/m.exec(text)?.[1]?.trim() ?? '');
    if (suite === undefined || date === undefined || !isVersion(version)) return [];
    return [{ version, upstream: withoutRevision(version), suite, date: Math.floor(date.getTime() / 1000), text }];
  });
}

/** What the entry of a binary-only upload says that it was made for: `Rebuild against glibc 2.36-9+deb12u12`. */
export function rebuiltFor(entry: string): { readonly name: string; readonly version: string } | undefined {
  const found = /\brebuil[dt]\b[^\n]{0,100}?\s([a-z0-9][a-z0-9+.-]+) \(?(?:>?= ?)?(\d[\w.+~:-]*\w)/i.exec(entry);
  return found === null ? undefined : { name: found[1]!, version: found[2]! };
}
