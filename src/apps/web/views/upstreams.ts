/** `/upstreams`: the foreign archives that are followed, and how the last look at each suite went. */
import { html } from 'hono/html';

import { formatSize } from '../../../kit/bytes.ts';
import { formatDuration } from '../../../kit/duration.ts';
import { snapshotTime } from '../../../model/names.ts';
import { followedUpstreams, type FollowedUpstream } from '../followed.ts';
import { lastCheck } from '../parts/checks.ts';
import { chip } from '../parts/chip.ts';
import { address, command, empty, facts, thousands } from '../parts/common.ts';
import type { Html } from '../parts/html.ts';
import { moment } from '../parts/time.ts';
import { suiteRefPath, upstreamPath } from '../path.ts';
import type { StoreNumbers } from '../ports.ts';
import type { ViewFunction } from './view.ts';

export const upstreamsView: ViewFunction = async ({ deps, now }) => {
  const [upstreams, numbers] = await Promise.all([followedUpstreams(deps), deps.storeNumbers()]);
  return {
    title: 'Upstreams',
    section: 'upstreams',
    isLive: true,
    body: html`<h1>Upstreams <span class="sub">Foreign archives whose indexes are kept for ever</span></h1>
      ${upstreams.length === 0 ? noUpstream() : html`${searchForm()} ${upstreams.map((each) => upstreamCard(each, now))}`}
      ${numbers.indexes === 0 ? '' : storeFacts(numbers)}`,
  };
};

function noUpstream(): Html {
  return empty(
    'No upstream is followed.',
    html`<p>
        Follow a whole archive: every version of its indexes is kept byte for byte, and can be searched and compared.
      </p>
      ${command('sheaf upstream add debian http://deb.debian.org/debian --suite trixie')}
      <p>Then look for its newest version, now or whenever you want:</p>
      ${command('sheaf upstream update')}`,
  );
}

function searchForm(): Html {
  return html`<form class="filter" method="get" action="/search" role="search">
    <label for="q">Package</label>
    <input id="q" name="q" type="search" autocomplete="off" spellcheck="false" />
    <button type="submit">Search</button>
  </form>`;
}

function upstreamCard(upstream: FollowedUpstream, now: Date): Html {
  const { settings } = upstream;
  return html`<section class="card" aria-labelledby="upstream-${upstream.name}">
    <h2 id="upstream-${upstream.name}">
      <a href="${upstreamPath(upstream.name)}">${upstream.name}</a>
      ${settings === undefined ? chip('disabled') : html`<span class="quiet">${address(settings.url)}</span>`}
    </h2>
    ${
      settings === undefined
        ? unnamed
        : html`<p class="quiet">
            ${settings.components.join(', ')} ·
            ${settings.architectures.join(', ')}${settings.sources ? ', sources' : ''} ·
            ${settings.every === undefined ? 'looked at when asked' : `looked at every ${everyText(settings.every)}`}
          </p>`
    }
    ${suiteTable(upstream, now)}
  </section>`;
}

export function suiteTable({ name, suites }: FollowedUpstream, now: Date): Html {
  return html`<table class="followed">
    <thead>
      <tr>
        <th scope="col">Suite</th>
        <th scope="col">Newest snapshot</th>
        <th scope="col">Packages</th>
        <th scope="col">Last look</th>
      </tr>
    </thead>
    <tbody>
      ${suites.map(
        ({ suite, tracked, check }) =>
          html`<tr>
            <th scope="row"><a href="${suiteRefPath({ origin: name, suite })}">${suite}</a></th>
            <td class="since">
              ${
                tracked === undefined
                  ? html`<span class="quiet">none yet</span>`
                  : html`<span class="version">${tracked.newest}</span>
                      <span class="quiet"
                        >${moment(snapshotTime(tracked.newest), now)}, ${tracked.snapshots} kept</span
                      >`
              }
            </td>
            <td class="since">
              ${tracked === undefined ? '' : html`${thousands(tracked.binaries)} binary, ${thousands(tracked.sources)} source`}
            </td>
            <td class="why">${lastCheck(check, now)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** `1 h` where `formatDuration` says `1 h 0 min`. */
function everyText(milliseconds: number): string {
  const hours = milliseconds / 3_600_000;
  return Number.isInteger(hours) ? `${hours} h` : formatDuration(milliseconds);
}

function storeFacts(numbers: StoreNumbers): Html {
  const ratio = numbers.bytes === 0 ? 0 : Math.round(numbers.rawBytes / numbers.bytes);
  return html`<section aria-labelledby="store">
    <h2 id="store">What is kept</h2>
    ${facts([
      ['Versions of indexes', thousands(numbers.indexes)],
      ['Distinct pieces', thousands(numbers.pieces)],
      ['As files they would take', formatSize(numbers.rawBytes)],
      ['They take', `${formatSize(numbers.bytes)}${ratio > 1 ? `, ${ratio} times less` : ''}`],
    ])}
  </section>`;
}

/** The server reads sheaf.toml when it starts: what came into the file since looks to it like what went. */
export const unnamed = html`<p class="note">
  sheaf.toml did not name it when this server started: restart the server if it does now. What was seen of it is kept.
</p>`;
