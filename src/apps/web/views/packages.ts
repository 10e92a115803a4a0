/** `/packages`: every source package, and where it is in every suite and architecture. */
import { html } from 'hono/html';

import { listPackages, type PackageListItem, type PackageStatus } from '../../../tracker/mod.ts';
import { chip } from '../parts/chip.ts';
import { empty, pager } from '../parts/common.ts';
import type { Html } from '../parts/html.ts';
import { moment } from '../parts/time.ts';
import { jobPath, packagePath, suitePath, tagBuildPath } from '../path.ts';
import { queryText, type ViewFunction } from './view.ts';

export const packagesView: ViewFunction = async (context) => {
  const { deps, now } = context;
  const [part, after] = [queryText(context, 'q'), queryText(context, 'after')];
  const page = await listPackages(deps.db, deps.distribution.suites, { part }, { after });
  return {
    title: 'Packages',
    section: 'packages',
    isLive: true,
    body: html`<h1>Packages</h1>
      <form class="filter" method="get" action="/packages" role="search">
        <label for="q">Name contains</label>
        <input id="q" name="q" type="search" value="${part ?? ''}" autocomplete="off" spellcheck="false" />
        <button type="submit">Search</button>
      </form>
      ${
        page.items.length === 0
          ? nothing(part)
          : html`<ul class="packages">
              ${page.items.map((item) => packageItem(item, now))}
            </ul>`
      }
      ${pager(page, '/packages', { q: part, after })}`,
  };
};

function nothing(part: string | undefined): Html {
  return part === undefined
    ? empty(
        'No package yet.',
        html`<p>
          A package appears here with its first tag whose source name is known, admitted or
          <a href="/refusals">refused</a>. The <a href="/">overview</a> says how to report one.
        </p>`,
      )
    : empty(`No package has “${part}” in its name.`, html`<p><a href="/packages">Show all packages</a></p>`);
}

function packageItem({ source, statuses }: PackageListItem, now: Date): Html {
  return html`<li>
    <h2><a href="${packagePath(source)}">${source}</a></h2>
    ${statuses.length === 0 ? html`<p class="quiet">Known from tags of suites that sheaf.toml no longer names.</p>` : statusTable(statuses, now)}
  </li>`;
}

/** One line for each suite and architecture. */
export function statusTable(statuses: readonly PackageStatus[], now: Date): Html {
  return html`<table class="statuses">
    <thead>
      <tr>
        <th scope="col">Suite</th>
        <th scope="col">State</th>
        <th scope="col">Version</th>
        <th scope="col">Why</th>
        <th scope="col">Since</th>
      </tr>
    </thead>
    <tbody>
      ${statuses.map(
        (status) =>
          html`<tr>
            <th scope="row">
              <a href="${suitePath(status.suite)}">${status.suite}</a> <span class="quiet">${status.architecture}</span>
            </th>
            <td>${chip(status.state)}</td>
            <td class="version">${version(status)}</td>
            <td class="why">${statusSentence(status)}</td>
            <td class="quiet since">${moment(status.since, now)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function version(status: PackageStatus): Html {
  const other =
    status.published !== undefined && status.published !== status.version
      ? html`<span class="quiet">clients get ${status.published}</span>`
      : '';
  return html`${status.version ?? ''} ${other}`;
}

function statusSentence(status: PackageStatus): Html {
  if (status.job !== undefined) return html`${status.sentence} <a href="${jobPath(status.job)}">Job ${status.job}</a>`;
  if (status.state === 'REJECTED' && status.tagBuild !== undefined) {
    return html`${status.sentence} <a href="${tagBuildPath(status.tagBuild)}">All reasons</a>`;
  }
  return html`${status.sentence}`;
}
