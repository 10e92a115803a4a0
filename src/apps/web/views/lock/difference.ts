/** What differs between two locks. */
import { html } from 'hono/html';

import { changeClasses, compareEntries, type PackageChange } from '../../../../compare/mod.ts';
import { formatSize } from '../../../../kit/bytes.ts';
import { lockedEntry } from '../../../../lock/mod.ts';
import type { Lock } from '../../../../model/lock.ts';
import { downloadSize } from '../../../kept-locks.ts';
import { empty, shortHash, thousands } from '../../parts/common.ts';
import { foreign } from '../../parts/foreign.ts';
import type { Html } from '../../parts/html.ts';
import { lockPath, viewerPath } from '../../path.ts';

export type NamedLock = { readonly sha256: string; readonly lock: Lock };

export function lockDifference(old: NamedLock, now: NamedLock): Html {
  const { changes, counts } = compareEntries(old.lock.packages.map(lockedEntry), now.lock.packages.map(lockedEntry));
  const told = changeClasses.filter((each) => counts.binary[each] > 0);
  const grown = downloadSize(now.lock) - downloadSize(old.lock);
  return html`<section aria-labelledby="difference">
    <h2 id="difference">What differs</h2>
    <p>
      From <a href="${lockPath(old.sha256)}">${shortHash(old.sha256)}</a> to
      <a href="${lockPath(now.sha256)}">${shortHash(now.sha256)}</a>:
      ${told.map((each) => html`<span class="change ${each}"><b>${thousands(counts.binary[each])}</b> ${each}</span> `)}
      ${grown === 0 ? '' : html`<span class="quiet">${signed(grown)} to download</span>`}
    </p>
    ${
      changes.length === 0
        ? empty('Both have the same packages.', html`<p>Not one was added, removed or changed.</p>`)
        : changeTable(changes)
    }
  </section>`;
}

function changeTable(changes: readonly PackageChange[]): Html {
  return html`<table class="lock-changes">
    <thead>
      <tr>
        <th scope="col">Package</th>
        <th scope="col">Change</th>
        <th scope="col">Version</th>
        <th scope="col" class="number">Size</th>
      </tr>
    </thead>
    <tbody>
      ${changes.map(
        ({ change, name, old, new: now }) =>
          html`<tr>
            <th scope="row">
              <a href="${viewerPath({ kind: 'binary', name })}">${foreign(name)}</a
              ><span class="quiet">:${foreign((now ?? old!).architecture)}</span>
            </th>
            <td>
              <span class="change ${change}"><b>${change}</b></span>
            </td>
            <td class="version">
              ${old === undefined ? '' : foreign(old.version)}
              ${old !== undefined && now !== undefined ? html` <span class="to">→</span> ` : ''}
              ${now === undefined ? '' : foreign(now.version)}
            </td>
            <td class="number">${sizeOf(old?.size, now?.size)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function sizeOf(old: number | undefined, now: number | undefined): string {
  if (old === undefined || now === undefined) return signed((now ?? 0) - (old ?? 0));
  return old === now ? 'as before' : signed(now - old);
}

function signed(bytes: number): string {
  return `${bytes < 0 ? '−' : '+'}${formatSize(Math.abs(bytes))}`;
}
