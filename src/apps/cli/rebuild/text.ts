/** Comparisons as people read them. */
import { formatComparison, formatDifference } from '../../../rebuild/compare/mod.ts';
import type { FileComparison } from '../../compare-debs.ts';
import { clean } from '../clean.ts';
import { style } from '../style.ts';
import type { PlaceComparison } from './compare.ts';

/** Where the packages of a rebuild differ, each under its name: so many lines, and how many there are beyond. */
export function formatDifferences(files: Readonly<Record<string, FileComparison>>, most: number): string[] {
  const lines = Object.entries(files).flatMap(([file, { differences }]) => [file, ...differences.flatMap(formatDifference).map((line) => `  ${line}`)]); // prettier-ignore
  const beyond = lines.length - most;
  return [...lines.slice(0, most).map(formatLine), ...(beyond > 0 ? [style('dim', `  and ${beyond} more`)] : [])];
}

export function formatComparisons({ files, onlyLeft, onlyRight }: PlaceComparison): string[] {
  return [
    ...files.flatMap(formatFile),
    ...onlyLeft.map((name) => style('red', `only left: ${clean(name)}`)),
    ...onlyRight.map((name) => style('green', `only right: ${clean(name)}`)),
  ];
}

function formatFile(comparison: FileComparison): string[] {
  return [
    ...formatComparison(comparison).trimEnd().split('\n').map(formatLine),
    ...comparison.hints.map(({ kind, detail }) => `${style('cyan', `perhaps ${kind}:`)} ${clean(detail)}`),
  ];
}

function formatLine(line: string): string {
  const text = clean(line);
  const sign = /^ +([-+]) /.exec(text)?.[1];
  if (sign !== undefined) return style(sign === '-' ? 'red' : 'green', text);
  return text.startsWith(' ') ? text : style('bold', text);
}
