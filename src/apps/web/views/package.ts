/** `/package/NAME` and `/tag-build/ID`: the whole way, every step with its evidence. */
import { html } from 'hono/html';

import { isPackageName } from '../../../model/names.ts';
import { believedRebuilders, findRebuilds, listTasks, type Rebuild, type RebuildTask } from '../../../rebuild/mod.ts';
import { packageStatuses, packageTimeline, tagBuildTimeline, type Timeline } from '../../../tracker/mod.ts';
import { chip } from '../parts/chip.ts';
import { empty, facts, hash, pager } from '../parts/common.ts';
import type { Html } from '../parts/html.ts';
import { moment, span } from '../parts/time.ts';
import { timelineSteps, type AfterPublication } from '../parts/timeline.ts';
import { packagePath, suitePath, tagBuildPath } from '../path.ts';
import { statusTable } from './packages.ts';
import { rebuildList } from './rebuild.ts';
import { idParam, queryText, type ViewFunction } from './view.ts';

export const packageView: ViewFunction = async (context) => {
  const { deps, now } = context;
  const name = context.params['name'] ?? '';
  if (!isPackageName(name)) return undefined;
  const after = queryText(context, 'after');
  const [statuses, page, rebuilds, tasks] = await Promise.all([
    packageStatuses(deps.db, deps.distribution.suites, [name]),
    packageTimeline(deps.db, name, deps.countLocked, { after, limit: 10 }),
    findRebuilds(deps.db, { name }).then((found) => found.filter(({ result }) => result.source === name)),
    listTasks(deps.db, { source: name }),
  ]);
  const believed = believedRebuilders(deps.distribution);
  // What is wanted most: the newest tag, and the newest that was not refused.
  const admitted = page.items.find((timeline) => timeline.state !== 'REJECTED');
  const isOurs = statuses.length > 0 || page.items.length > 0;
  if (!isOurs && rebuilds.length === 0 && tasks.length === 0) return undefined;
  return {
    title: name,
    section: 'packages',
    isLive: true,
    body: html`<p class="crumb"><a href="/packages">Packages</a></p>
      <h1>${name}</h1>
      ${statuses.length === 0 ? '' : html`<section aria-label="Where it is now">${statusTable(statuses, now)}</section>`}
      ${
        page.items.length === 0
          ? html`${isOurs ? cameOtherwise : rebuiltOnly} ${allRebuilds({ rebuilds, tasks, believed }, now)}`
          : page.items.map((timeline, index) =>
              tagBuildSection(
                timeline,
                { rebuilds: rebuildsOf(timeline, rebuilds), tasks: tasksOf(timeline, tasks), believed },
                now,
                after === undefined && (index === 0 || timeline.id === admitted?.id),
              ),
            )
      }
      ${pager(page, packagePath(name), { after })}`,
  };
};

const cameOtherwise = empty(
  'No tag build of it is recorded here.',
  html`<p>Its packages came into the archive another way.</p>`,
);

const rebuiltOnly = empty('No suite of ours has it.', html`<p>It was rebuilt from an archive that is followed.</p>`);

/** Where there is no timeline that they could stand in. */
function allRebuilds({ rebuilds, tasks, believed }: AfterPublication, now: Date): Html {
  if (rebuilds.length + tasks.length === 0) return html``;
  return html`<section aria-labelledby="rebuilds">
    <h2 id="rebuilds">Rebuilds</h2>
    ${tasks.map(({ version, place, state, reason }) => html`<p>${chip(state)} ${version} of ${place}: ${reason}</p>`)}
    ${rebuildList(rebuilds, believed, now)}
  </section>`;
}

export const tagBuildView: ViewFunction = async (context) => {
  const id = idParam(context);
  const timeline = id === undefined ? undefined : await tagBuildTimeline(context.deps.db, id, context.deps.countLocked);
  if (timeline === undefined) return undefined;
  const isRefused = timeline.state === 'REJECTED';
  return {
    title: `${isRefused ? 'Refused: ' : ''}${timeline.tag}`,
    section: isRefused ? 'refusals' : 'packages',
    isLive: true,
    body: html`<p class="crumb">
        ${
          isRefused
            ? html`<a href="/refusals">Refusals</a>`
            : timeline.source === undefined
              ? html`<a href="/">Overview</a>`
              : html`<a href="${packagePath(timeline.source)}">${timeline.source}</a>`
        }
      </p>
      <h1>${timeline.tag}</h1>
      <p class="lead">${chip(timeline.state)} ${timeline.sentence}</p>
      ${facts([
        ['Suite', html`<a href="${suitePath(timeline.suite)}">${timeline.suite}</a>`],
        [
          'Package',
          timeline.source === undefined
            ? undefined
            : html`<a href="${packagePath(timeline.source)}">${timeline.source}</a> ${timeline.version ?? ''}`,
        ],
        ['Received', moment(timeline.receivedAt, context.now)],
        [
          'Same as',
          timeline.duplicateOf === undefined
            ? undefined
            : html`<a href="${tagBuildPath(timeline.duplicateOf)}">tag build ${timeline.duplicateOf}</a>`,
        ],
        ['Reported object', timeline.tagObject === undefined ? undefined : hash(timeline.tagObject)],
      ])}
      ${timelineSteps(timeline, context.now)} ${isRefused ? afterRefusal : ''}`,
  };
};

/** What a person does once the reasons are gone. */
const afterRefusal = html`<section class="note">
  <h2>And then</h2>
  <p>
    Nothing was changed by this refusal. Correct what it names and push a new tag, or, when only the policy or a key was
    at fault, report the same tag again; it is judged afresh.
  </p>
</section>`;

/** Of what this tag brought into its suite. */
function rebuildsOf({ source, version, suite }: Timeline, rebuilds: readonly Rebuild[]): Rebuild[] {
  return rebuilds.filter(
    ({ place, result }) => result.source === source && result.version === version && place === suite,
  );
}

function tasksOf({ source, version, suite }: Timeline, tasks: readonly RebuildTask[]): RebuildTask[] {
  return tasks.filter((task) => task.source === source && task.version === version && task.suite === suite);
}

function tagBuildSection(timeline: Timeline, after: AfterPublication, now: Date, isOpen: boolean): Html {
  const heading = html`<span class="heading">${timeline.version ?? timeline.tag}</span>
    <span class="to">into ${timeline.suite}</span> ${chip(worstState(timeline))}
    <span class="quiet"
      >${moment(timeline.receivedAt, now)}${timeline.doneAt === undefined ? '' : `, took ${span(timeline.receivedAt, timeline.doneAt, now)}`}</span
    >`;
  return isOpen
    ? html`<section class="way" aria-label="The way of ${timeline.tag}">
        <h2>${heading}</h2>
        ${timelineSteps(timeline, now, after)}
      </section>`
    : html`<details class="way">
        <summary><h2>${heading}</h2></summary>
        ${timelineSteps(timeline, now, after)}
      </details>`;
}

/** A job that failed says more of a tag build than that it was admitted. */
function worstState(timeline: Timeline) {
  const failed = timeline.steps.find((step) => step.kind === 'job' && step.state === 'failed');
  return failed?.kind === 'job' && failed.jobState !== undefined ? failed.jobState : timeline.state;
}
