/** Every version of a package that a suite ever had: a drawing, a table, and an alarm where a version had two contents. */
import { html } from 'hono/html';

import type { Sighting } from '../../../../history/mod.ts';
import { formatSuiteRef } from '../../../../model/index-history.ts';
import { shortHash } from '../../parts/common.ts';
import { foreign } from '../../parts/foreign.ts';
import type { Html } from '../../parts/html.ts';
import { suiteRefPath, viewerPath } from '../../path.ts';
import type { Choice } from './choice.ts';
import { dayOf, spanChart } from './spans.ts';

const mostRows = 120;

export function versionsSection(choice: Choice, now: Date): Html {
  const { kind, entry, sightings } = choice;
  const architectures = [...new Set(sightings.map((each) => each.entry.architecture))].sort();
  const arch = entry?.architecture ?? architectures[0]!;
  const own = sightings.filter((each) => each.entry.architecture === arch || each.entry.architecture === 'all');
  const others = architectures.filter((each) => each !== arch && each !== 'all');
  return html`<section aria-labelledby="versions">
    <h2 id="versions">Versions over time</h2>
    ${spanChart(kind, own, now)} ${sightingTable(choice, own.slice(0, mostRows))}
    ${own.length > mostRows ? html`<p class="quiet">${own.length - mostRows} older ones are in the API.</p>` : ''}
    ${
      others.length === 0
        ? ''
        : html`<p class="quiet">
            Also for
            ${others.slice(0, 40).map((each) => html`<a href="${viewerPath({ kind, name: choice.name, in: choice.asked, arch: each })}">${foreign(each, 40)}</a> `)}
          </p>`
    }
  </section>`;
}

function sightingTable({ kind, ref, entry }: Choice, sightings: readonly Sighting[]): Html {
  return html`<table class="sightings">
    <thead>
      <tr>
        <th scope="col">Version</th>
        <th scope="col">Suite</th>
        <th scope="col">Architecture</th>
        <th scope="col">There</th>
        <th scope="col">SHA-256</th>
      </tr>
    </thead>
    <tbody>
      ${sightings.map((each) => {
        const place = { in: `${formatSuiteRef(each)}@${each.since}`, arch: each.entry.architecture };
        const isShown =
          each.origin === ref.origin &&
          each.suite === ref.suite &&
          each.entry.version === entry?.version &&
          each.entry.sha256 === entry.sha256;
        return html`<tr class="${isShown ? 'current' : ''}">
          <th scope="row" class="version">
            <a href="${viewerPath({ kind, name: each.entry.name, ...place }, { version: each.entry.version })}"
              >${foreign(each.entry.version, 100)}</a
            >
          </th>
          <td><a href="${suiteRefPath(each)}">${foreign(formatSuiteRef(each), 100)}</a></td>
          <td>${foreign(each.entry.architecture, 40)}</td>
          <td class="since">${dayOf(each.since)} – ${each.until === undefined ? 'now' : dayOf(each.until)}</td>
          <td>
            ${each.entry.sha256 === '' ? html`<span class="quiet">none given</span>` : shortHash(each.entry.sha256)}
          </td>
        </tr>`;
      })}
    </tbody>
  </table>`;
}

type Doubled = { readonly first: Sighting; readonly hashes: readonly string[] };

/** Versions of one origin that had two contents. */
function doubled(sightings: readonly Sighting[]): Doubled[] {
  const groups = new Map<string, { first: Sighting; hashes: Set<string> }>();
  for (const each of sightings) {
    const { version, architecture, sha256 } = each.entry;
    if (sha256 === '') continue;
    const key = [each.origin, version, architecture].join('\n');
    const group = groups.get(key) ?? { first: each, hashes: new Set() };
    groups.set(key, group);
    group.hashes.add(sha256);
  }
  return [...groups.values()]
    .filter(({ hashes }) => hashes.size > 1)
    .map(({ first, hashes }) => ({ first, hashes: [...hashes] }));
}

export function doubledAlarm(sightings: readonly Sighting[]): Html {
  const found = doubled(sightings);
  if (found.length === 0) return html``;
  return html`<ul class="reasons">
    ${found.slice(0, 20).map(
      ({ first, hashes }) =>
        html`<li>
          <p class="reason">
            ${foreign(first.entry.version, 100)} for ${foreign(first.entry.architecture, 40)} had ${hashes.length}
            different contents${first.origin === '' ? '' : ` in ${first.origin}`}.
          </p>
          <p>${hashes.slice(0, 8).map((each) => html`${shortHash(each)} `)}</p>
          <p class="hint">A version must always be the same bytes. Compare the snapshots around its dates.</p>
        </li>`,
    )}
  </ul>`;
}
