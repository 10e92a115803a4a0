/** `/workers`: who builds. */
import { html } from 'hono/html';

import { listWorkers, type WorkerView } from '../../../tracker/mod.ts';
import { chip } from '../parts/chip.ts';
import { command, empty, facts, hash } from '../parts/common.ts';
import type { Html } from '../parts/html.ts';
import { moment } from '../parts/time.ts';
import { jobPath } from '../path.ts';
import type { ViewFunction } from './view.ts';

export const workersView: ViewFunction = async ({ deps, now }) => {
  const workers = await listWorkers(deps.db, now);
  return {
    title: 'Workers',
    section: 'workers',
    isLive: true,
    body: html`<h1>Workers</h1>
      ${
        workers.length === 0
          ? empty('No worker is enrolled, so nothing can be built.', adding(deps.distribution.url))
          : html`<ul class="cards">
                ${workers.map((worker) => workerCard(worker, now))}
              </ul>
              <details class="more">
                <summary>Add a worker</summary>
                ${adding(deps.distribution.url)}
              </details>`
      }`,
  };
};

function adding(url: string): Html {
  return html`<p>On the server, make a one-time token and put it into a file on the new machine:</p>
    ${command('sheaf worker token')}
    <p>There, make its key and enrol it:</p>
    ${command(`sheaf worker enroll --server ${url} --name NAME --token-file FILE`)}
    <p>Compare the key that this prints with the one on this page, and approve it on the server:</p>
    ${command('sheaf worker approve NAME')}
    <p>Then let it build:</p>
    ${command('sheaf worker run')}`;
}

function workerCard(worker: WorkerView, now: Date): Html {
  return html`<li class="card" id="${worker.name}">
    <h2>${worker.name} ${chip(worker.activity)}</h2>
    <p>${worker.sentence} ${worker.jobs.map((job) => html`<a href="${jobPath(job.id)}">Job ${job.id}</a> `)}</p>
    ${facts([
      ['Builds for', worker.architectures.join(', ')],
      ['Pool', worker.pool],
      ['Last heard of', worker.lastSeenAt === undefined ? 'never' : moment(worker.lastSeenAt, now)],
      ['Enrolled', moment(worker.enrolledAt, now)],
      ['Jobs', html`<a href="/jobs?worker=${encodeURIComponent(worker.name)}">its jobs</a>`],
      ['Key', hash(worker.fingerprint)],
    ])}
  </li>`;
}
