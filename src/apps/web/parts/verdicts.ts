/** How many of something have which verdict: as a bar, and as a plot over time. Colours and words say the same. */
import { html, raw } from 'hono/html';

import { verdicts, type Verdict } from '../../../model/rebuild.ts';
import type { CountsAt, VerdictCounts } from '../../../rebuild/mod.ts';
import { thousands } from './common.ts';
import type { Html } from './html.ts';
import { moment } from './time.ts';

/** From the bottom of a plot to its top. */
const stacked: readonly Verdict[] = ['reproduced', 'differs', 'failed', 'unknown'];

export function sumOf(counts: VerdictCounts): number {
  return verdicts.reduce((sum, each) => sum + counts[each], 0);
}

/** `97.3 %`, never rounded to all when it is not all; `-` of nothing. */
export function share(counts: VerdictCounts): string {
  const sum = sumOf(counts);
  return sum === 0 ? '-' : `${Math.floor((counts.reproduced / sum) * 1000) / 10} %`;
}

export function verdictBar(counts: VerdictCounts): Html {
  const sum = Math.max(1, sumOf(counts));
  let x = 0;
  const parts = stacked.map((verdict) => {
    const width = (counts[verdict] / sum) * 100;
    const part = `<rect class="${verdict}" x="${round(x)}" y="0" width="${round(width)}" height="1"/>`;
    x += width;
    return width === 0 ? '' : part;
  });
  return html`<svg class="verdict-bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
    ${raw(parts.join(''))}
  </svg>`;
}

/** Areas upon each other, from the first rebuild to now. */
export function verdictPlot(points: readonly CountsAt[], now: Date): Html {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined) return html``;
  const most = Math.max(1, ...points.map(({ counts }) => sumOf(counts)));
  const below = points.map(() => 0);
  const areas = stacked.map((verdict) => {
    const bottom = [...below];
    points.forEach(({ counts }, index) => (below[index]! += counts[verdict]));
    const at = (heights: readonly number[]) =>
      heights.map(
        (height, index) =>
          `${round((index / Math.max(1, points.length - 1)) * 100)},${round(100 - (height / most) * 100)}`,
      );
    return `<polygon class="${verdict}" points="${[...at(below), ...at(bottom).toReversed()].join(' ')}"/>`;
  });
  const said = stacked.map((verdict) => `${last.counts[verdict]} ${verdict}`).join(', ');
  return html`<figure class="verdict-plot">
    <svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="Over time, now ${said}">
      ${raw(areas.join(''))}
    </svg>
    <figcaption>
      <span class="quiet">${moment(first.at, now)}</span>
      <ul class="verdict-legend">
        ${stacked.map((verdict) => html`<li class="${verdict}">${thousands(last.counts[verdict])} ${verdict}</li>`)}
      </ul>
      <span class="quiet">now</span>
    </figcaption>
  </figure>`;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
