/**
 * A patch of debian/patches: quilt(1), dpkg-source(1) for format 3.0 (quilt), DEP-3 for its heading. Read are its date and,
 * for each file that it changes, the hunks as they stand. Pure; what is no hunk is passed over, as patch(1) does.
 */
import { parseDate } from './date.ts';

export type QuiltPatch = {
  /** Of the change itself, where the heading says it. */
  readonly date: Date | undefined;
  readonly files: readonly PatchedFile[];
};

export type PatchedFile = {
  /** The new file's name, without the first directory: `lib/includes/gnutls/gnutls.h.in`. */
  readonly path: string;
  /** From the first `@@` on, with the last LF. */
  readonly hunks: string;
};

/** The names of the patches in the order in which they are applied: quilt(1). */
export function parseSeries(text: string): string[] {
  return text.split('\n').flatMap((line) => /^[^#\s]\S*/.exec(line.trim())?.[0] ?? []);
}

export function parseQuiltPatch(text: string): QuiltPatch {
  const lines = text.split('\n');
  const files: PatchedFile[] = [];
  const first = lines.findIndex((line) => line.startsWith('--- '));
  for (let at = Math.max(first, 0); at < lines.length; at++) {
    if (!lines[at]!.startsWith('--- ') || !lines[at + 1]?.startsWith('+++ ')) continue;
    const path = /^\+\+\+ [^/\s]+\/([^\t]+?)\s*(?:\t|$)/.exec(lines[at + 1]!)?.[1];
    const end = endOfHunks(lines, at + 2);
    if (path !== undefined && end > at + 2) files.push({ path, hunks: `${lines.slice(at + 2, end).join('\n')}\n` });
    at = end - 1;
  }
  return { date: dateOf(lines.slice(0, Math.max(first, 0))), files };
}

/** The line after the last hunk that begins at `start`. */
function endOfHunks(lines: readonly string[], start: number): number {
  let at = start;
  for (;;) {
    const counts = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(lines[at] ?? '');
    if (counts === null) return at;
    let [old, new_] = [Number(counts[1] ?? 1), Number(counts[2] ?? 1)];
    for (at++; at < lines.length && (old > 0 || new_ > 0); at++) {
      const mark = lines[at]![0] ?? ' ';
      if (mark === '-' || mark === ' ') old--;
      if (mark === '+' || mark === ' ') new_--;
    }
    // "\ No newline at end of file"
    if (lines[at]?.startsWith('\\') === true) at++;
  }
}

/** git's `Date:`, or DEP-3's. */
function dateOf(heading: readonly string[]): Date | undefined {
  const value = (name: string) => heading.flatMap((line) => new RegExp(`^${name}: +(\\S.*)$`).exec(line)?.[1] ?? [])[0];
  const said = value('Date') ?? value('Last-Update');
  if (said === undefined) return undefined;
  // As `git log` has them, and of ISO 8601.
  const time = Date.parse(said);
  return parseDate(said.trim()) ?? (Number.isNaN(time) ? undefined : new Date(time));
}
