/** Differences by source package, as a table. */
import { html } from 'hono/html';

import { changeClasses, type PackageChange } from '../../../../compare/mod.ts';
import type { ComparedSource, PlaceComparison } from '../../../../flows/compare-places.ts';
import { thousands } from '../../parts/common.ts';
import { foreign } from '../../parts/foreign.ts';
import type { Html } from '../../parts/html.ts';
import { viewerPath } from '../../path.ts';

/** Of one class in one source package; the largest sources make thousands. */
const mostNames = 40;

export function sourceTable(sources: readonly ComparedSource[], comparison: PlaceComparison): Html {
  return html`<table class="comparison">
    <thead>
      <tr>
        <th scope="col">Source</th>
        <th scope="col">Version</th>
        <th scope="col">Packages</th>
      </tr>
    </thead>
    <tbody>
      ${sources.map((each) => sourceRow(each, comparison))}
    </tbody>
  </table>`;
}

function sourceRow(group: ComparedSource, comparison: PlaceComparison): Html {
  const classes = Map.groupBy(group.changes, ({ change }) => change);
  const place = group.newVersion === undefined ? comparison.left : comparison.right;
  return html`<tr>
    <th scope="row">
      <a href="${viewerPath({ kind: 'source', name: group.source, in: placeName(place) })}">${foreign(group.source)}</a>
    </th>
    <td class="versions">${versions(group)}</td>
    <td class="why">
      <ul>
        ${changeClasses
          .filter((each) => classes.has(each))
          .map(
            (each) =>
              html`<li>
                <span class="change ${each}"><b>${each}</b></span> ${names(classes.get(each)!, group, comparison)}
              </li>`,
          )}
      </ul>
    </td>
  </tr>`;
}

function versions({ oldVersion, newVersion }: ComparedSource): Html {
  const [old, now] = [foreign(oldVersion ?? ''), foreign(newVersion ?? '')];
  if (old === now || old === '' || now === '') return html`<span class="version">${now === '' ? old : now}</span>`;
  return html`<span class="version">${old}</span> → <span class="version">${now}</span>`;
}

function names(changes: readonly PackageChange[], group: ComparedSource, comparison: PlaceComparison): Html {
  const more = changes.length - mostNames;
  return html`<span class="binaries"
    >${changes.slice(0, mostNames).map((change) => html`${nameOf(change, group, comparison)} `)}${
      more > 0 ? html`<span class="quiet">and ${thousands(more)} more</span>` : ''
    }</span
  >`;
}

function nameOf(change: PackageChange, group: ComparedSource, comparison: PlaceComparison): Html {
  const { kind, name, old, new: now } = change;
  const place = placeName(now === undefined ? comparison.left : comparison.right);
  const details = detailsOf(change, group);
  const shown = kind === 'source' ? 'source' : name;
  const arch = kind === 'source' ? undefined : (now ?? old!).architecture;
  return html`<span
    ><a class="plain" href="${viewerPath({ kind, name, in: place, arch })}">${foreign(shown)}</a
    >${kind === 'source' ? '' : html`<span class="quiet">:${foreign(architecture(change))}</span>`}${
      details === '' ? '' : html` <span class="quiet">${foreign(details)}</span>`
    }</span
  >`;
}

function architecture({ old, new: now }: PackageChange): string {
  const [from, to] = [old?.architecture, now?.architecture];
  return from === undefined || to === undefined || from === to ? (to ?? from)! : `${from}→${to}`;
}

/** What the row does not say already. */
function detailsOf({ change, old, new: now }: PackageChange, { oldVersion, newVersion }: ComparedSource): string {
  if (change === 'moved' && old!.component !== now!.component) return `${old!.component} → ${now!.component}`;
  if (old === undefined) return now!.version === newVersion ? '' : now!.version;
  if (now === undefined) return old.version === oldVersion ? '' : old.version;
  if (old.version === oldVersion && now.version === newVersion) return '';
  return old.version === now.version ? now.version : `${old.version} → ${now.version}`;
}

/** Only a snapshot can be looked into. */
function placeName({ kind, place }: PlaceComparison['left']): string | undefined {
  return kind === 'snapshot' ? place : undefined;
}
