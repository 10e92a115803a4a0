/** What the commands that make a lock of what is installed somewhere have in common. */
import type { AmbiguousPackage, KnownLock, UnknownPackage } from '../../../flows/lock-known.ts';
import { formatLock } from '../../../lock/mod.ts';
import type { LockSource } from '../../../model/lock.ts';
import { clean } from '../clean.ts';
import { writeOutputFile } from '../output-file.ts';
import { style } from '../style.ts';
import { count } from '../upstream/words.ts';
import { formatSources, formatTotals, totalsOf, type LockTotals } from './create.ts';

export type KnownDocument = {
  /** Absent when it was not written, because something is not known. */
  readonly file?: string;
  readonly locks: readonly LockTotals[];
  readonly sources: readonly LockSource[];
  readonly unknown: readonly UnknownPackage[];
  readonly ambiguous: readonly AmbiguousPackage[];
};

/** Written when everything is known, or with `partial` what is. */
export async function writeKnown(
  { lock, unknown, ambiguous }: KnownLock,
  file: string,
  { isWhole, partial }: { readonly isWhole: boolean; readonly partial: boolean },
): Promise<KnownDocument> {
  const isWritten = lock.packages.length > 0 && (partial || (isWhole && unknown.length === 0));
  if (isWritten) await writeOutputFile(file, formatLock(lock));
  return {
    ...(isWritten ? { file } : {}),
    ...{ locks: [totalsOf(lock)], sources: lock.sources, unknown, ambiguous },
  };
}

export function formatKnown(document: KnownDocument): string[] {
  const { file, locks, sources, unknown, ambiguous } = document;
  return [
    ...ambiguous.flatMap(({ name, version, taken, others }) => [
      style('yellow', clean(`${name} ${version} had ${others.length + 1} files: nothing says which one was meant`)),
      `  taken  ${taken}`,
      ...others.map((each) => `  other  ${each}`),
    ]),
    ...formatUnknown(unknown),
    file === undefined
      ? style('red', 'Nothing was written: --partial writes a lock of what is known.')
      : clean(`Wrote ${file}`),
    ...locks.map(formatTotals),
    ...(sources.length === 0 ? [] : ['', ...formatSources(sources)]),
  ];
}

function formatUnknown(unknown: readonly UnknownPackage[]): string[] {
  if (unknown.length === 0) return [];
  return [
    style('red', `${count(unknown.length, 'package is', 'packages are')} not known here:`),
    ...unknown.flatMap(({ name, version, architecture, why, others, hint }) => [
      clean(`  ${name}${architecture === undefined ? '' : `:${architecture}`} ${version}`) +
        (why === 'unsigned' ? ', only in an index that nobody signed' : ''),
      ...(others.length === 0 ? [] : [clean(`    known are ${others.join(', ')}`)]),
      `    perhaps at ${clean(hint)}`,
    ]),
    '',
  ];
}
