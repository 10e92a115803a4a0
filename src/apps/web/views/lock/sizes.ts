/** What the room of a lock is taken by: its largest packages as bars. */
import { html } from 'hono/html';

import { formatSize } from '../../../../kit/bytes.ts';
import type { Lock, LockedPackage } from '../../../../model/lock.ts';
import { downloadSize } from '../../../kept-locks.ts';
import { thousands } from '../../parts/common.ts';
import { foreign } from '../../parts/foreign.ts';
import type { Html } from '../../parts/html.ts';
import { viewerPath } from '../../path.ts';

const mostBars = 12;

/** The text says all that the bars do. */
export function sizePicture(lock: Lock): Html {
  const sorted = lock.packages.toSorted((a, b) => b.size - a.size);
  const largest = sorted.slice(0, mostBars);
  const rest = sorted.slice(mostBars);
  const others = rest.reduce((sum, { size }) => sum + size, 0);
  const total = downloadSize(lock);
  const scale = Math.max(...largest.map(({ size }) => size), others, 1);
  return html`<ol class="sizes">
    ${largest.map((each) => bar(named(each), each.size, { scale, total, kind: 'one' }))}
    ${rest.length === 0 ? '' : bar(html`${thousands(rest.length)} others`, others, { scale, total, kind: 'others' })}
  </ol>`;
}

function named({ name, architecture }: LockedPackage): Html {
  return html`<a class="plain" href="${viewerPath({ kind: 'binary', name, arch: architecture })}">${foreign(name)}</a>`;
}

function bar(label: Html, size: number, { scale, total, kind }: { scale: number; total: number; kind: string }): Html {
  const width = ((size / scale) * 100).toFixed(2);
  return html`<li>
    <span class="sizes-name">${label}</span>
    <svg class="sizes-bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <rect class="${kind}" width="${width}" height="1" />
    </svg>
    <span class="number">${formatSize(size)} <span class="quiet">${percent(size, total)}</span></span>
  </li>`;
}

function percent(size: number, total: number): string {
  const part = total === 0 ? 0 : (size / total) * 100;
  return part > 0 && part < 1 ? '<1 %' : `${Math.round(part)} %`;
}
