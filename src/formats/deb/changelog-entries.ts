/** The entries of a changelog, one after the other. deb-changelog(5); read leniently: old entries are of any age. Pure. */
export type ChangelogText = {
  readonly version: string;
  /** The entry as written, from its heading to its trailer, without blank lines at its end. */
  readonly text: string;
};

const heading = /^[A-Za-z0-9][-+0-9A-Za-z.]* \(([^() \t]+)\)(?:[ \t]+[-+0-9A-Za-z.]+)+;/;

/** In the order of the file, which is newest first. What comes before the first heading is passed over. */
export function* splitEntries(text: string): Generator<ChangelogText> {
  let version: string | undefined;
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    const found = heading.exec(line);
    if (found !== null) {
      if (version !== undefined) yield toEntry(version, lines);
      version = found[1]!;
      lines = [];
    }
    if (version !== undefined) lines.push(line.trimEnd());
  }
  if (version !== undefined) yield toEntry(version, lines);
}

function toEntry(version: string, lines: readonly string[]): ChangelogText {
  return { version, text: lines.join('\n').trimEnd() };
}
