/** `/job/ID`: what it works on, its attempts, what came out, and its log as it grows. */
import { html, raw } from 'hono/html';

import { formatSize } from '../../../kit/bytes.ts';
import { formatDuration } from '../../../kit/duration.ts';
import { showJob, type AttemptView, type JobDetail } from '../../../tracker/mod.ts';
import { readTail, type Tail } from '../log/tail.ts';
import { chip } from '../parts/chip.ts';
import { empty, facts, hash } from '../parts/common.ts';
import type { Html } from '../parts/html.ts';
import { moment, span } from '../parts/time.ts';
import { fileTable } from '../parts/timeline.ts';
import {
  evidencePath,
  jobPath,
  lockPath,
  logTextPath,
  packagePath,
  rebuildPath,
  suitePath,
  tagBuildPath,
} from '../path.ts';
import { idParam, queryText, type ViewContext, type ViewFunction } from './view.ts';

export const jobView: ViewFunction = async (context) => {
  const id = idParam(context);
  const job = id === undefined ? undefined : await showJob(context.deps.db, id);
  if (job === undefined) return undefined;
  const asked = Number(queryText(context, 'attempt') ?? Number.NaN);
  const attempt = job.attempts.find((each) => each.number === asked) ?? job.attempts.at(-1);
  return {
    title: `Job ${job.id}: ${job.source} ${job.version}`,
    section: 'jobs',
    isLive: true,
    body: html`<p class="crumb"><a href="/jobs">Jobs</a></p>
      <h1>${job.source} ${job.version} <span class="sub">${job.purpose}</span></h1>
      <p class="lead">${chip(job.state)} ${job.sentence}</p>
      ${jobFacts(job, context.now)} ${job.attempts.length > 1 ? attemptTable(job, context.now) : ''}
      ${attempt === undefined ? noLog(job) : await logSection(context, job, attempt)}
      ${attempt === undefined ? '' : results(job, attempt)} ${inputs(job)}`,
  };
};

function jobFacts(job: JobDetail, now: Date): Html {
  const last = job.attempts.at(-1);
  return facts([
    ['Job', String(job.id)],
    ['Package', html`<a href="${packagePath(job.source)}">${job.source}</a>`],
    ['Suite', job.suite === undefined ? undefined : html`<a href="${suitePath(job.suite)}">${job.suite}</a>`],
    ['Rebuild', job.rebuild === undefined ? undefined : rebuildLink(job.rebuild)],
    [
      'Asked for by',
      job.tagBuild === undefined
        ? undefined
        : html`<a href="${tagBuildPath(job.tagBuild)}">tag build ${job.tagBuild}</a>`,
    ],
    ['Architecture', job.architecture],
    ['Pool', job.pool],
    ['Worker', last === undefined ? undefined : html`<a href="/workers#${last.worker}">${last.worker}</a>`],
    ['Attempt', `${job.attempt} of ${job.maxAttempts}`],
    ['Created', moment(job.createdAt, now)],
    [
      last?.finishedAt === undefined ? 'Runs for' : 'Took',
      last === undefined ? undefined : span(last.startedAt, last.finishedAt, now),
    ],
    ['Lease ends', job.leaseExpiresAt === undefined ? undefined : moment(job.leaseExpiresAt, now)],
  ]);
}

function rebuildLink({ place, recorded }: NonNullable<JobDetail['rebuild']>): Html {
  return recorded === undefined
    ? html`<a href="/rebuilds#waiting">of what ${place} has</a>`
    : html`<a href="${rebuildPath(recorded)}">${recorded}</a>, of what ${place} has`;
}

function attemptTable(job: JobDetail, now: Date): Html {
  return html`<section aria-labelledby="attempts">
    <h2 id="attempts">Attempts</h2>
    <table class="attempt-table">
      <thead>
        <tr>
          <th scope="col" class="number">No.</th>
          <th scope="col">Outcome</th>
          <th scope="col">How it went</th>
          <th scope="col">Took</th>
          <th scope="col">Log</th>
        </tr>
      </thead>
      <tbody>
        ${job.attempts.map(
          (attempt) =>
            html`<tr>
              <th scope="row" class="number">${attempt.number}</th>
              <td>${chip(attempt.outcome ?? 'running')}</td>
              <td class="why">${attempt.sentence}</td>
              <td class="quiet">${span(attempt.startedAt, attempt.finishedAt, now)}</td>
              <td><a href="${jobPath(job.id, attempt.number)}#log">${formatSize(attempt.logBytes)}</a></td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}

function noLog(job: JobDetail): Html {
  const waits = job.state === 'Needs-Build';
  return html`<section aria-labelledby="log">
    <h2 id="log">Log</h2>
    ${empty(
      'No attempt was made yet.',
      waits
        ? html`<p>
            The log appears here by itself as soon as a worker takes the job. Which workers there are, and how to add
            one: <a href="/workers">Workers</a>.
          </p>`
        : html`<p>${job.sentence}</p>`,
    )}
  </section>`;
}

/** The tail of the log. The page's script appends to it; on an update the browser keeps the one it has. */
async function logSection({ deps, occasion }: ViewContext, job: JobDetail, attempt: AttemptView): Promise<Html> {
  const tail = occasion === 'page' ? await readTail(deps.db, job.id, attempt.number) : undefined;
  const text = logTextPath(job.id, attempt.number);
  const stream = `/job/${job.id}/log/events?attempt=${attempt.number}${tail === undefined ? '' : `&from=${tail.position}`}`;
  const isGrowing = tail === undefined || !tail.finished;
  return html`<section id="log-${attempt.number}" class="log-section" aria-labelledby="log" hx-morph-skip>
    <div class="log-head">
      <h2 id="log">Log${job.attempts.length > 1 ? ` of attempt ${attempt.number}` : ''}</h2>
      <a href="${text}">Whole log as text</a>
      <span class="log-live quiet" data-log-state
        >${isGrowing ? 'Growing' : `Complete, ${formatSize(attempt.logBytes)}`}</span
      >
    </div>
    ${skippedNote(tail, text)}
    <pre
      class="log"
      tabindex="0"
      aria-label="Build log"
      ${isGrowing ? html`data-log="${stream}"` : ''}
    ><span data-log-lines>${raw(tail?.html ?? '')}</span><span data-log-partial class="partial">${raw(tail?.partial ?? '')}</span></pre>
    ${tail !== undefined && tail.size === 0 && tail.finished ? html`<p class="quiet">The attempt ended without a word.</p>` : ''}
  </section>`;
}

function skippedNote(tail: Tail | undefined, text: string): Html {
  if (tail === undefined || tail.skipped === 0) return html``;
  return html`<p class="quiet">
    The end of the log; ${formatSize(tail.skipped)} before it are in the <a href="${text}">whole log</a>.
  </p>`;
}

/** In the order a worker goes through them: the database keeps no order of its own. */
const stages = ['fetch', 'root', 'build', 'collect', 'upload', 'all'];

function results(job: JobDetail, attempt: AttemptView): Html {
  const timings = stages
    .filter((stage) => stage in attempt.timings)
    .map((stage) => [stage, attempt.timings[stage]!] as const);
  return html`${
    attempt.files.length === 0
      ? ''
      : html`<section aria-labelledby="results">
          <h2 id="results">Results</h2>
          ${fileTable(attempt.files, job.id)}
          ${
            attempt.provenance === undefined
              ? ''
              : html`<p>
                  Signed provenance:
                  ${hash(attempt.provenance, evidencePath(job.id, attempt.provenance))}${signers(job)}
                </p>`
          }
        </section>`
  }
  ${
    timings.length === 0
      ? ''
      : html`<section aria-labelledby="timings">
          <h2 id="timings">Where the time went</h2>
          ${facts(timings.map(([name, milliseconds]) => [name, formatDuration(milliseconds)]))}
        </section>`
  }`;
}

function signers(job: JobDetail): string {
  const names = [...new Set(job.statements.map((statement) => statement.signer))];
  return names.length === 0 ? '' : `, signed by ${names.join(', ')}`;
}

function inputs(job: JobDetail): Html {
  const locks: [string, Html][] = [
    ['Environment', job.lock] as const,
    ['Base of the environment', job.baseLock] as const,
  ].flatMap(([name, lock]) =>
    lock === undefined
      ? []
      : [
          [
            name,
            html`${hash(lock, lockPath(lock))} <a class="quiet" href="${evidencePath(job.id, lock)}">as a file</a>`,
          ],
        ],
  );
  return html`<section aria-labelledby="inputs">
    <h2 id="inputs">What it works on</h2>
    ${facts([...locks, ...(job.commit === undefined ? [] : [['Commit', hash(job.commit)] as const])])}
    ${job.inputs.length === 0 ? '' : fileTable(job.inputs)}
  </section>`;
}
