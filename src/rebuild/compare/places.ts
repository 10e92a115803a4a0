/** Where two packages differ, so that it can be told what of it another rebuild has mended. */
import type { DebComparison, DebDifference } from './types.ts';

/** For people. Nothing of what follows from the rest; undefined where differences are omitted. */
export function places({ differences, omitted }: DebComparison): readonly string[] | undefined {
  return omitted > 0 ? undefined : differences.flatMap(placesOf);
}

function placesOf(difference: DebDifference): string[] {
  switch (difference.kind) {
    case 'relation':
      return [`${difference.field} on ${difference.package}`];
    case 'field':
      return difference.field === 'Installed-Size' ? [] : [difference.field];
    case 'only':
      return [difference.path];
    case 'type':
    case 'mode':
    case 'owner':
    case 'link':
      return [`${difference.kind} of ${difference.path}`];
    case 'content': {
      const { part, path, details } = difference;
      if (part === 'control' && path === 'md5sums') return [];
      const isCode = details.some((detail) => detail.kind === 'section' && detail.section === '.text');
      return [path, ...(isCode ? [`code of ${path}`] : [])];
    }
    case 'time':
      return difference.paths.map((path) => `time of ${path}`);
    default:
      return [`${difference.kind} of the archive`];
  }
}
