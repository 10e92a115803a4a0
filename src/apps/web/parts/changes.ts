/** How many packages a snapshot changed, as a line of small numbers. */
import { html } from 'hono/html';

import type { ChangeCounts, SnapshotChanges } from '../../../model/index-history.ts';
import { thousands } from './common.ts';
import type { Html } from './html.ts';

const names = ['added', 'removed', 'upgraded', 'downgraded', 'altered'] as const satisfies (keyof ChangeCounts)[];

/** `binary 12 added, 3 upgraded`, and the same of sources. */
export function changesLine(changes: SnapshotChanges | undefined): Html {
  if (changes === undefined) return html`<span class="quiet">the first one known</span>`;
  const parts = [
    ['binary', changes.binary],
    ['source', changes.source],
  ] as const;
  const told = parts.filter(([, counts]) => names.some((name) => counts[name] > 0));
  if (told.length === 0) return html`<span class="quiet">no package differs</span>`;
  return html`<ul class="changes">
    ${told.map(
      ([kind, counts]) =>
        html`<li>
          <span class="quiet">${kind}</span>
          ${names
            .filter((name) => counts[name] > 0)
            .map((name) => html`<span class="change ${name}"><b>${thousands(counts[name])}</b> ${name}</span> `)}
        </li>`,
    )}
  </ul>`;
}
