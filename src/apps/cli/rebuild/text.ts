/** Comparisons as people read them. */
import { formatComparison } from '../../../rebuild/compare/mod.ts';
import type { FileComparison } from '../../compare-debs.ts';
import { clean } from '../clean.ts';
import { style } from '../style.ts';
import type { PlaceComparison } from './compare.ts';

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
