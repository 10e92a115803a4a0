/** `/badge/rebuild/PLACE/ARCHITECTURE.svg`: how much was reproduced, for a README. */
import type { VerdictCounts } from '../../rebuild/mod.ts';
import { share } from './parts/verdicts.ts';

const label = 'reproduced';
/** Of a letter of this font, on the average. */
const letter = 6.6;
const padding = 7;

/** Undefined counts: the place is not known. */
export function rebuildBadge(counts: VerdictCounts | undefined): string {
  const value = counts === undefined ? 'unknown' : share(counts);
  const left = Math.round(label.length * letter + 2 * padding);
  const width = left + Math.round(value.length * letter + 2 * padding);
  const text = (x: number, words: string) =>
    `<text x="${x}" y="14" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" fill="#fff">${words}</text>`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="20" role="img" aria-label="${label}: ${value}">` +
    `<title>${label}: ${value}</title><clipPath id="r"><rect width="${width}" height="20" rx="3"/></clipPath>` +
    `<g clip-path="url(#r)"><rect width="${left}" height="20" fill="#4a5058"/>` +
    `<rect x="${left}" width="${width - left}" height="20" fill="${colourOf(counts)}"/></g>` +
    `${text(padding, label)}${text(left + padding, value)}</svg>\n`
  );
}

function colourOf(counts: VerdictCounts | undefined): string {
  const known = counts === undefined ? 0 : counts.reproduced + counts.differs + counts.failed;
  if (counts === undefined || known === 0) return '#5b6066';
  const part = counts.reproduced / known;
  return part === 1 ? '#17683b' : part >= 0.9 ? '#735400' : '#ad1f1f';
}
