/** The steps of a tag build, as a list that reads from top to bottom. */
import { html } from 'hono/html';

import { formatSize } from '../../../kit/bytes.ts';
import type { InputFile } from '../../../model/job.ts';
import type { Refusal } from '../../../model/tag-build.ts';
import {
  describeRebuild,
  describeRebuilder,
  type Believed,
  type Rebuild,
  type RebuildTask,
} from '../../../rebuild/mod.ts';
import { isPublicFile, type AttemptView, type Evidence, type Step, type Timeline } from '../../../tracker/mod.ts';
import { address, hash } from './common.ts';
import { chip } from './chip.ts';
import type { Html } from './html.ts';
import { moment, span } from './time.ts';
import { evidenceHref, evidencePath, jobPath, logTextPath, rebuildPath } from '../path.ts';

/** Rebuilds of what came out: those that are known, and those that are still to be made. */
export type AfterPublication = {
  readonly rebuilds: readonly Rebuild[];
  readonly tasks: readonly RebuildTask[];
  readonly believed: Believed;
};

const nothing: AfterPublication = { rebuilds: [], tasks: [], believed: { foreign: new Map() } };

/**
 * The rebuilds are steps like the others: the newest of each rebuilder and architecture, one that could not be judged only
 * where nothing else was said.
 */
export function timelineSteps(
  timeline: Timeline,
  now: Date,
  { rebuilds, tasks, believed }: AfterPublication = nothing,
): Html {
  const known = rebuilds.toSorted(
    (a, b) => Number(a.result.verdict === 'unknown') - Number(b.result.verdict === 'unknown'),
  );
  const newest = known
    .filter((each, index) => known.findIndex((other) => isSameWord(each, other)) === index)
    .toSorted((a, b) => a.id - b.id);
  return html`<ol class="steps">
    ${timeline.steps.map((step) => stepItem(step, now))} ${newest.map((each) => rebuildItem(each, believed, now))}
    ${tasks.map((each) => taskItem(each, now))}
  </ol>`;
}

function stepItem(step: Step, now: Date): Html {
  const took = step.at === undefined || step.until === undefined ? '' : span(step.at, step.until, now);
  return html`<li class="step ${step.state}">
    <div class="step-head">
      <h3>
        ${step.kind === 'job' && step.job !== undefined ? html`<a href="${jobPath(step.job)}">${step.title}</a>` : step.title}
      </h3>
      ${step.kind === 'job' && step.jobState !== undefined ? chip(step.jobState) : step.kind === 'refused' ? chip('REJECTED') : step.state === 'done' ? html`<span class="visually-hidden">done</span>` : chip(step.state)}
      <span class="quiet when"
        >${moment(step.at, now)}${took === '' ? '' : html` <span class="took">took ${took}</span>`}</span
      >
    </div>
    ${isToldByAttempt(step) ? '' : html`<p>${step.sentence}</p>`}
    ${step.kind === 'refused' ? refusalList(step.refusals) : ''}
    ${step.kind === 'job' && step.job !== undefined ? attemptList(step.job, step.attempts, now) : ''}
    ${step.evidence.length === 0 ? '' : evidenceList(step.evidence)}
    ${step.kind === 'job' && step.job !== undefined && step.files.length > 0 ? resultFiles(step.job, step.files) : ''}
  </li>`;
}

/** We ourselves are one, by whatever name. */
function isSameWord(a: Rebuild, b: Rebuild): boolean {
  const isSame = a.key === undefined || b.key === undefined ? a.rebuilder === b.rebuilder : a.key === b.key;
  return a.origin === b.origin && (a.origin === 'own' || isSame) && a.result.architecture === b.result.architecture;
}

const stepOfVerdict = { reproduced: 'done', differs: 'failed', failed: 'failed', unknown: 'skipped' } as const;

function rebuildItem(rebuild: Rebuild, believed: Believed, now: Date): Html {
  const { id, result } = rebuild;
  return html`<li class="step ${stepOfVerdict[result.verdict]}">
    <div class="step-head">
      <h3><a href="${rebuildPath(id)}">Rebuilt for ${result.architecture}</a></h3>
      ${chip(result.verdict)}
      <span class="quiet when">${moment(new Date(result.finishedOn), now)}</span>
    </div>
    <p>${describeRebuilder(rebuild, believed)}: ${describeRebuild(result)}</p>
  </li>`;
}

function taskItem({ state, architecture, reason, askedAt }: RebuildTask, now: Date): Html {
  return html`<li class="step ${state}">
    <div class="step-head">
      <h3><a href="/rebuilds#waiting">Rebuild for ${architecture}</a></h3>
      ${chip(state)}
      <span class="quiet when">${moment(askedAt, now)}</span>
    </div>
    <p>${reason}</p>
  </li>`;
}

/** A single attempt that went well says all that the job would say. */
function isToldByAttempt(step: Step): boolean {
  return step.kind === 'job' && step.state === 'done' && step.attempts.length === 1;
}

/** All reasons against a tag: what is wrong, and the way out. */
export function refusalList(refusals: readonly Refusal[]): Html {
  return html`<ul class="reasons">
    ${refusals.map(
      (refusal) =>
        html`<li>
          <p class="reason"><code>${refusal.code}</code> ${refusal.message}</p>
          <p class="hint">${refusal.hint}</p>
        </li>`,
    )}
  </ul>`;
}

function attemptList(job: number, attempts: readonly AttemptView[], now: Date): Html {
  return html`<ul class="attempts">
    ${attempts.map(
      (attempt) =>
        html`<li>
          ${attempts.length > 1 || attempt.number > 1 ? html`<span class="quiet">Attempt ${attempt.number}:</span> ` : ''}${attempt.sentence}
          <a href="${jobPath(job, attempt.number)}#log">Log</a>
          <a class="quiet" href="${logTextPath(job, attempt.number)}">as text, ${formatSize(attempt.logBytes)}</a>
          <span class="quiet">${span(attempt.startedAt, attempt.finishedAt, now)}</span>
        </li>`,
    )}
  </ul>`;
}

function evidenceList(evidence: readonly Evidence[]): Html {
  return html`<dl class="evidence">
    ${evidence.map(
      (each) =>
        html`<div>
          <dt>${each.label}</dt>
          <dd>${evidenceValue(each)}</dd>
        </div>`,
    )}
  </dl>`;
}

function evidenceValue(evidence: Evidence): Html {
  const href = evidenceHref(evidence);
  if (evidence.kind !== 'text') return hash(evidence.value, href);
  return href === undefined ? address(evidence.value) : html`<a href="${href}">${evidence.value}</a>`;
}

/** Files that a job made, with their hashes. */
export function resultFiles(job: number, files: readonly InputFile[]): Html {
  return html`<details class="files">
    <summary>${files.length} ${files.length === 1 ? 'file' : 'files'} with their SHA-256</summary>
    ${fileTable(files, job)}
  </details>`;
}

export function fileTable(files: readonly InputFile[], job?: number): Html {
  return html`<table class="file-table">
    <thead>
      <tr>
        <th scope="col">File</th>
        <th scope="col" class="number">Size</th>
        <th scope="col">SHA-256</th>
      </tr>
    </thead>
    <tbody>
      ${files.map(
        (file) =>
          html`<tr>
            <td>
              ${
                job !== undefined && isPublicFile(file.name)
                  ? html`<a href="${evidencePath(job, file.sha256)}">${file.name}</a>`
                  : file.name
              }
            </td>
            <td class="number">${formatSize(file.size)}</td>
            <td>${hash(file.sha256)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}
