/** How far two packages are from each other. */
import type { CompareDebs } from '../../rebuild/mod.ts';
import { compareDebFiles, type FileComparison } from '../compare-debs.ts';

export const compareForCause: CompareDebs = async (original, rebuilt, name) => {
  const document = await compareDebFiles(original, rebuilt, name);
  return { document, count: weigh(document), hints: document.hints };
};

/** Details count too: a program that differs in one section is nearer than one that differs in three. */
function weigh({ differences, omitted }: FileComparison): number {
  const details = differences.map((each) => ('details' in each ? each.details.length + each.omitted : 0));
  return details.reduce((total, each) => total + each + 1, omitted);
}
