/** Reporting a tag and watching what becomes of it. */
import { resolve } from 'node:path';

import { listen } from '../../../db/notify.ts';
import { advance } from '../../../flows/tag-to-suite.ts';
import { describeError, SheafError } from '../../../kit/error.ts';
import { receiveTag } from '../../../intake/mod.ts';
import { isFolder } from '../../../plumbing/is-folder.ts';
import { showTagBuild, tagBuildTimeline, type TagBuildView, type Timeline } from '../../../tracker/mod.ts';
import type { House } from '../../house.ts';
import { Alarm } from '../alarm.ts';
import { clean } from '../clean.ts';
import { exitCodes } from '../exit.ts';
import type { Output } from '../output.ts';
import { style, styleState } from '../style.ts';

export type TagReport = { readonly repository: string; readonly tag: string; readonly suite: string };

export type ReportOptions = {
  readonly follow?: true | undefined;
  readonly wait: boolean;
  /** Milliseconds. */
  readonly timeout: number;
};

const longestNap = 2000;

export async function reportTag(
  house: House,
  report: TagReport,
  options: ReportOptions,
  output: Output,
): Promise<void> {
  const request = { ...report, repository: await toAddress(report.repository), origin: 'cli' };
  const alarm = new Alarm();
  const ring = () => alarm.ring();
  const listener = await listen(house.pool, ['event', 'tag_build'], ring, ring);
  try {
    const { id, already } = await receiveTag(house.db, request, house.clock.now());
    if (!options.wait) {
      output.result({ tagBuild: id, already, state: 'RECEIVED' }, () => [
        `Tag build ${id} ${already ? 'was reported before and waits' : 'is received'}. See: sheaf status`,
      ]);
      return;
    }
    await advanceHere(house, id);
    const judged = await waitForJudgement(house, id, options.timeout, alarm);
    if (options.follow === true && judged.state === 'ACCEPTED') await follow(house, id, alarm, output);
    const view = (await showTagBuild(house.db, id))!;
    output.result(view, () => formatJudgement(view));
    if (view.state === 'REJECTED' || view.refusals.length > 0) process.exitCode = exitCodes.refused;
  } finally {
    await listener.close();
  }
}

/**
 * With or without a server: whoever comes first goes on with it, the other finds it done. What fails after the judgement
 * (a mirror that does not answer) is the server's to try again.
 */
async function advanceHere(house: House, id: number): Promise<void> {
  try {
    await advance(house.flow, id);
  } catch (error) {
    const view = await showTagBuild(house.db, id);
    if (view?.state !== 'RECEIVED') return;
    throw new SheafError('not-judged', `Cannot judge tag build ${id} now: ${describeError(error)}`, {
      kind: 'environment',
      hint: 'The report is kept, and a running server (sheaf serve) tries it again and again.',
      cause: error,
    });
  }
}

/** People write `.` and `../hello`; intake takes only whole addresses. */
async function toAddress(repository: string): Promise<string> {
  if (repository.includes(':') || repository.startsWith('-')) return repository;
  return (await isFolder(repository)) ? resolve(repository) : repository;
}

async function waitForJudgement(house: House, id: number, timeout: number, alarm: Alarm): Promise<TagBuildView> {
  const end = Date.now() + timeout;
  for (;;) {
    const view = (await showTagBuild(house.db, id))!;
    if (view.state !== 'RECEIVED') return view;
    const left = end - Date.now();
    if (left <= 0) {
      throw new SheafError('not-judged', `Cannot say yet what becomes of tag build ${id}: nobody has judged it`, {
        kind: 'environment',
        hint: 'The report is kept. Is the server running? sheaf serve. Its log says what it waits for.',
      });
    }
    await alarm.wait(Math.min(longestNap, left));
  }
}

/** Prints each step as it begins and ends, until nothing more can happen by itself. */
async function follow(house: House, id: number, alarm: Alarm, output: Output): Promise<void> {
  const told = new Set<string>();
  for (;;) {
    const timeline = (await tagBuildTimeline(house.db, id, async () => undefined))!;
    if (!output.json) tellSteps(timeline, told);
    if (timeline.state === 'DONE') return;
    const failed = timeline.steps.find(({ state }) => state === 'failed');
    const moving = timeline.steps.some(
      ({ state, kind }) => state === 'running' || (state === 'waiting' && kind === 'job'),
    );
    if (failed !== undefined && !moving) {
      process.exitCode = exitCodes.refused;
      return;
    }
    await alarm.wait(longestNap);
  }
}

function tellSteps(timeline: Timeline, told: Set<string>): void {
  for (const [index, step] of timeline.steps.entries()) {
    const key = `${index} ${step.title} ${step.state}`;
    if (step.state === 'waiting' || step.state === 'skipped' || told.has(key)) continue;
    told.add(key);
    process.stdout.write(`${styleState(step.state)} ${clean(step.title)}: ${clean(step.sentence)}\n`);
  }
}

export function formatJudgement(view: TagBuildView): string[] {
  const what =
    view.source === undefined ? clean(view.tag) : `${clean(view.source)} ${clean(view.version ?? '')}`.trim();
  return [
    `${style('bold', what)} for ${clean(view.suite)}: ${styleState(view.state)}. ${clean(view.sentence)}`,
    ...view.refusals.flatMap(({ code, message, hint }) => [
      `  ${style('red', code)}: ${clean(message)}`,
      ...(hint === '' ? [] : [`    ${clean(hint)}`]),
    ]),
  ];
}
