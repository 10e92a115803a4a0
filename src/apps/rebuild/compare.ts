/** How far two packages are from each other. */
import type { CompareDebs } from '../../rebuild/mod.ts';
import { places, said, type ContentDetail } from '../../rebuild/compare/mod.ts';
import { compareDebFiles, type FileComparison } from '../compare-debs.ts';

export const compareForCause: CompareDebs = async (original, rebuilt, name) => {
  const document = await compareDebFiles(original, rebuilt, name);
  const { hints } = document;
  return { document, count: weigh(document), hints, said: said(document), places: places(document) };
};

/** Details and lines count too: a program that differs in one section is nearer than one that differs in three. */
function weigh({ differences, omitted }: FileComparison): number {
  return differences.reduce((total, each) => total + 1 + ('details' in each ? weighAll(each.details) + each.omitted : 0), omitted); // prettier-ignore
}

function weighAll(details: readonly ContentDetail[]): number {
  return details.reduce((total, each) => total + 1 + weighDetail(each), 0);
}

function weighDetail(detail: ContentDetail): number {
  switch (detail.kind) {
    case 'lines':
      return detail.removed + detail.added;
    case 'strings':
      return detail.left.length + detail.right.length;
    case 'part':
      return 'details' in detail ? weighAll(detail.details) : 0;
    default:
      return 0;
  }
}
