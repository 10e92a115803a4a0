/** The form that chooses the suite and architecture that a package is shown of. */
import { html, raw } from 'hono/html';

import { formatSuiteRef } from '../../../../model/index-history.ts';
import { foreign } from '../../parts/foreign.ts';
import type { Html } from '../../parts/html.ts';
import { suiteRefPath, viewerPath } from '../../path.ts';
import { placeName, type Choice } from './choice.ts';
import { dayOf } from './spans.ts';

export function chooser(choice: Choice): Html {
  const { kind, name, sightings, entry } = choice;
  const current = placeName(choice);
  const suites = [...new Set([...sightings.map(formatSuiteRef), current])].sort();
  const architectures = [...new Set(sightings.map((each) => each.entry.architecture))].sort();
  return html`<form class="filter" method="get" action="${viewerPath({ kind, name })}">
    <label for="in">In</label>
    <select id="in" name="in">
      ${suites.slice(0, 200).map((each) => html`<option ${raw(each === current ? 'selected' : '')}>${foreign(each, 200)}</option>`)}
    </select>
    ${
      kind === 'source' || architectures.length < 2
        ? ''
        : html`<label for="arch">for</label>
            <select id="arch" name="arch">
              ${architectures.map((each) => html`<option ${raw(each === entry?.architecture ? 'selected' : '')}>${each}</option>`)}
            </select>`
    }
    <button type="submit">Show</button>
  </form>`;
}

/** What is looked at, in one sentence. */
export function placeSentence({ ref, entry, name, sightings, problem }: Choice): Html {
  const suite = html`<a href="${suiteRefPath(ref)}">${formatSuiteRef(ref)}</a>`;
  const told = problem === undefined ? '' : html`<p class="note">${foreign(problem, 600)}</p>`;
  if (entry === undefined) {
    return html`${told}
      <p class="lead">${suite} has no ${name} in its snapshot <code>${ref.snapshotId}</code>.</p>`;
  }
  const seen = sightings.find(
    (each) =>
      formatSuiteRef(each) === formatSuiteRef(ref) &&
      each.entry.version === entry.version &&
      each.entry.architecture === entry.architecture &&
      each.since <= ref.snapshotId &&
      (each.until === undefined || each.until > ref.snapshotId),
  );
  const since = seen === undefined ? '' : html` since ${dayOf(seen.since)}`;
  return html`${told}
    <p class="lead">
      <b class="version">${foreign(entry.version, 120)}</b> in ${suite}${since}
      <span class="quiet">snapshot <code>${ref.snapshotId}</code></span>
    </p>`;
}
