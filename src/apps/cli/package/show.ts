/** A source package as the command line shows it. */
import { parseLock } from '../../../lock/mod.ts';
import { parseSha256 } from '../../../kit/digest.ts';
import { SheafError } from '../../../kit/error.ts';
import { formatDuration } from '../../../kit/duration.ts';
import {
  findSourcesOf,
  packageStatuses,
  packageTimeline,
  type PackageStatus,
  type Step,
  type Timeline,
} from '../../../tracker/mod.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { formatTime } from '../output.ts';
import { style, styleState } from '../style.ts';
import { formatTable, text } from '../table.ts';

export type PackageDocument = {
  readonly source: string;
  readonly statuses: readonly PackageStatus[];
  /** Newest first. */
  readonly tagBuilds: readonly Timeline[];
};

/** Throws `no-such-package` when nothing was ever heard of it. */
export async function readPackage(house: House, source: string, tags: number): Promise<PackageDocument> {
  const { db, distribution } = house;
  const [statuses, timeline] = await Promise.all([
    packageStatuses(db, distribution.suites, [source]),
    packageTimeline(db, source, (sha256) => countLocked(house, sha256), { limit: tags }),
  ]);
  if (statuses.length === 0 && timeline.items.length === 0) {
    throw new SheafError('no-such-package', `Cannot show package "${source}": no tag of it was ever seen`, {
      kind: 'usage',
      hint: await hintAbout(db, source),
    });
  }
  return { source, statuses, tagBuilds: timeline.items };
}

async function hintAbout(db: House['db'], name: string): Promise<string> {
  const [built] = await findSourcesOf(db, name);
  return built === undefined
    ? 'A tag refused before its source name was known is listed on the refusals page and by: sheaf status'
    : `A binary package has this name; see its source: sheaf package show ${built}`;
}

async function countLocked({ blobs }: House, sha256: string): Promise<number | undefined> {
  const bytes = await blobs.read(parseSha256(sha256)).catch(() => undefined);
  return bytes === undefined ? undefined : parseLock(bytes.toString()).packages.length;
}

export function formatPackage({ source, statuses, tagBuilds }: PackageDocument): string[] {
  return [
    style('bold', source),
    '',
    ...(statuses.length === 0
      ? ['Known from tags of suites that sheaf.toml no longer names.']
      : formatStatuses(statuses)),
    ...tagBuilds.flatMap((each) => ['', ...formatTimeline(each)]),
  ];
}

function formatStatuses(statuses: readonly PackageStatus[]): string[] {
  return formatTable(statuses, [
    text('suite', (row) => row.suite),
    text('architecture', (row) => row.architecture),
    { title: 'state', cell: (row) => styleState(row.state) },
    text('version', (row) => row.version),
    text('published', (row) => row.published),
    text('why', (row) => row.sentence),
  ]);
}

const marks = { done: '✔', running: '▸', waiting: '·', failed: '✘', skipped: '-' } as const;
const colours = { done: 'green', running: 'yellow', waiting: 'dim', failed: 'red', skipped: 'dim' } as const;

function formatTimeline(timeline: Timeline): string[] {
  const title = `${clean(timeline.tag)} → ${clean(timeline.suite)}`;
  return [
    `${style('bold', title)}  ${styleState(timeline.state)}  from ${clean(timeline.repository)}`,
    ...timeline.steps.flatMap(formatStep),
  ];
}

function formatStep(step: Step): string[] {
  const mark = style(colours[step.state], marks[step.state]);
  const took =
    step.at !== undefined && step.until !== undefined && step.until > step.at
      ? ` (${formatDuration(step.until.getTime() - step.at.getTime())})`
      : '';
  const when = (formatTime(step.at) ?? '').padEnd(19);
  const lines = [`  ${mark} ${when}  ${clean(step.title)}${took}`, `${' '.repeat(25)}${clean(step.sentence)}`];
  const evidence = step.evidence.map(
    ({ label, value }) => `${' '.repeat(25)}${style('dim', `${clean(label)}: ${clean(value)}`)}`,
  );
  const refusals =
    step.kind === 'refused'
      ? step.refusals.flatMap(({ code, message, hint }) => [
          `${' '.repeat(25)}${style('red', code)}: ${clean(message)}`,
          `${' '.repeat(27)}${clean(hint)}`,
        ])
      : [];
  return [...lines, ...refusals, ...evidence];
}
