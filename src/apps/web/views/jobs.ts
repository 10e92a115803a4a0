/** `/jobs`: the queue and its past. */
import { html, raw } from 'hono/html';

import type { JobState } from '../../../model/job.ts';
import { listJobs, type JobView } from '../../../tracker/mod.ts';
import { chip } from '../parts/chip.ts';
import { empty, pager } from '../parts/common.ts';
import type { Html } from '../parts/html.ts';
import { moment } from '../parts/time.ts';
import { jobPath, packagePath } from '../path.ts';
import { queryText, type ViewFunction } from './view.ts';

export const jobStates: readonly JobState[] = [
  'Needs-Build',
  'Building',
  'Built',
  'Uploaded',
  'Installed',
  'BD-Uninstallable',
  'Build-Attempted',
  'Failed',
  'Cancelled',
];

export const jobsView: ViewFunction = async (context) => {
  const { deps, now } = context;
  const state = jobStates.find((each) => each === queryText(context, 'state'));
  const [source, worker, after] = ['source', 'worker', 'after'].map((name) => queryText(context, name));
  const page = await listJobs(deps.db, { state, source, worker }, { after });
  const isFiltered = [state, source, worker].some((each) => each !== undefined);
  return {
    title: 'Jobs',
    section: 'jobs',
    isLive: true,
    body: html`<h1>
        Jobs <span class="sub"><a href="/locks">Their environments</a></span>
      </h1>
      <form class="filter" method="get" action="/jobs">
        <label for="state">State</label>
        <select id="state" name="state">
          <option value="">any</option>
          ${jobStates.map((each) => html`<option ${raw(each === state ? 'selected' : '')}>${each}</option>`)}
        </select>
        <label for="source">Package</label>
        <input id="source" name="source" type="search" value="${source ?? ''}" autocomplete="off" spellcheck="false" />
        ${worker === undefined ? '' : html`<input type="hidden" name="worker" value="${worker}" />`}
        <button type="submit">Show</button>
      </form>
      ${worker === undefined ? '' : html`<p>Only jobs whose last attempt was on worker ${worker}. <a href="/jobs">Show all</a></p>`}
      ${
        page.items.length === 0
          ? isFiltered
            ? empty('No such job.', html`<p><a href="/jobs">Show all jobs</a></p>`)
            : empty(
                'No job yet.',
                html`<p>Jobs are made by admitted tags. The <a href="/">overview</a> says how to report one.</p>`,
              )
          : jobTable(page.items, now)
      }
      ${pager(page, '/jobs', { state, source, worker, after })}`,
  };
};

export function jobTable(jobs: readonly JobView[], now: Date): Html {
  return html`<table class="jobs">
    <thead>
      <tr>
        <th scope="col" class="number">Job</th>
        <th scope="col">State</th>
        <th scope="col">Package</th>
        <th scope="col">Makes</th>
        <th scope="col">Why</th>
        <th scope="col">Since</th>
      </tr>
    </thead>
    <tbody>
      ${jobs.map(
        (job) =>
          html`<tr>
            <th scope="row" class="number"><a href="${jobPath(job.id)}">${job.id}</a></th>
            <td>${chip(job.state)}</td>
            <td class="package">
              <a href="${packagePath(job.source)}">${job.source}</a> <span class="version">${job.version}</span>
            </td>
            <td>${job.purpose}</td>
            <td class="why">${job.sentence}</td>
            <td class="quiet since">${moment(job.finishedAt ?? job.createdAt, now)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}
