/** `/`: what is moving now. */
import { html } from 'hono/html';

import { overview, type JobView, type MovingTagBuild, type Overview } from '../../../tracker/mod.ts';
import { chip, toneOf } from '../parts/chip.ts';
import { command, empty } from '../parts/common.ts';
import { eventList } from '../parts/events.ts';
import type { Html } from '../parts/html.ts';
import { moment, span } from '../parts/time.ts';
import { jobPath, packagePath, suitePath, tagBuildPath } from '../path.ts';
import type { ViewFunction } from './view.ts';

export const overviewView: ViewFunction = async ({ deps, now }) => {
  const seen = await overview(deps.db, now);
  const { distribution } = deps;
  return {
    title: '',
    section: 'overview',
    isLive: true,
    body: html`<h1>${distribution.title}</h1>
      ${numbers(seen)}
      <div class="columns">
        <div>
          <section aria-labelledby="moving">
            <h2 id="moving">Moving now</h2>
            ${
              seen.moving.length === 0
                ? nothingMoves(seen, [...distribution.suites.keys()][0])
                : html`<ul class="cards">
                    ${seen.moving.map((each) => tagBuildCard(each, now))}
                  </ul>`
            }
          </section>
          ${
            seen.stuck.length === 0
              ? ''
              : html`<section aria-labelledby="stuck">
                  <h2 id="stuck">Needs somebody</h2>
                  <ul class="cards">
                    ${seen.stuck.map((each) => tagBuildCard(each, now))}
                  </ul>
                </section>`
          }
        </div>
        <section aria-labelledby="happened">
          <h2 id="happened">What happened</h2>
          ${seen.events.length === 0 ? empty('Nothing yet.', html`<p>Every step of every package will be listed here.</p>`) : eventList(seen.events, now)}
        </section>
      </div>`,
  };
};

function numbers(seen: Overview): Html {
  const waiting = seen.waiting.reduce((sum, each) => sum + each.count, 0);
  const { workers } = seen;
  const alive = workers.busy + workers.idle;
  const perArchitecture = seen.waiting.map((each) => `${each.count} ${each.architecture}`).join(', ');
  const others = [
    ...(workers.silent > 0 ? [`${workers.silent} silent`] : []),
    ...(workers.pending > 0 ? [`${workers.pending} to approve`] : []),
  ].join(', ');
  const stuck = html`<b>${seen.stuck.length}</b> <span>${seen.stuck.length === 1 ? 'needs' : 'need'} somebody</span>`;
  return html`<ul class="numbers">
    <li>
      <a href="/jobs?state=Building"><b>${seen.running.length}</b> <span>running</span></a>
    </li>
    <li>
      <a href="/jobs?state=Needs-Build"><b>${waiting}</b> <span>waiting</span> <small>${perArchitecture}</small></a>
    </li>
    <li>
      <a href="/workers"
        ><b>${alive}</b> <span>${alive === 1 ? 'worker' : 'workers'} up</span> <small>${others}</small></a
      >
    </li>
    <li>${seen.stuck.length === 0 ? html`<div>${stuck}</div>` : html`<a href="#stuck">${stuck}</a>`}</li>
  </ul>`;
}

function nothingMoves(seen: Overview, suite: string | undefined): Html {
  if (seen.events.length > 0) {
    return empty('Nothing moves.', html`<p>Push a signed tag and it appears here within a second.</p>`);
  }
  return empty(
    'Nothing was ever built here.',
    html`<p>Report a signed tag of a git repository that holds a <code>debian/</code> folder:</p>
      ${command(`sheaf intake tag https://git.example.org/hello.git debian/2.10-3 --suite ${suite ?? 'stable'}`)}
      <p>
        or let the git host report every tag by itself with a webhook or the <code>post-receive</code> hook. A
        <a href="/workers">worker</a> has to be enrolled to build anything.
      </p>`,
  );
}

function tagBuildCard(each: MovingTagBuild, now: Date): Html {
  const name = each.source === undefined ? each.tag : `${each.source} ${each.version ?? ''}`;
  const href = each.source === undefined ? tagBuildPath(each.id) : packagePath(each.source);
  return html`<li class="card">
    <h3>
      <a href="${href}">${name}</a> <span class="to">into <a href="${suitePath(each.suite)}">${each.suite}</a></span>
    </h3>
    ${each.jobs.length === 0 || each.obstacle !== undefined ? html`<p>${chip(each.state)} ${each.sentence}</p>` : ''}
    <ul class="job-lines">
      ${each.jobs.map((job) => jobLine(job, now))}
    </ul>
    <p class="quiet">Tag received ${moment(each.receivedAt, now)}</p>
  </li>`;
}

function jobLine(job: JobView, now: Date): Html {
  return html`<li>
    ${chip(job.state)}
    <a href="${jobPath(job.id)}">${job.purpose}</a>
    <span class="quiet">${span(job.createdAt, job.finishedAt, now)}</span>
    ${toneOf(job.state) === 'good' ? '' : html`<span class="why">${job.sentence}</span>`}
  </li>`;
}
