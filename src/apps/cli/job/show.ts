/** One job. */
import { formatSize } from '../../../kit/bytes.ts';
import { formatDuration } from '../../../kit/duration.ts';
import { SheafError } from '../../../kit/error.ts';
import { showJob, type AttemptView, type JobDetail } from '../../../tracker/mod.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { formatTime } from '../output.ts';
import { style, styleState } from '../style.ts';
import { formatFields, formatTable, text } from '../table.ts';

/** Throws `no-such-job`. */
export async function readJob(db: House['db'], id: number): Promise<JobDetail> {
  const job = await showJob(db, id);
  if (job !== undefined) return job;
  throw new SheafError('no-such-job', `Cannot show job ${id}: there is none with this number`, {
    kind: 'usage',
    hint: 'The jobs there are: sheaf job list',
  });
}

export function formatJob(job: JobDetail): string[] {
  return [
    `${style('bold', `job ${job.id}: ${job.source} ${job.version}, ${job.purpose}`)}  ${styleState(job.state)}`,
    clean(job.sentence),
    '',
    ...formatFields([
      ['suite', job.suite],
      ['rebuild of', job.rebuild && `what ${job.rebuild.place} has, task ${job.rebuild.task}`],
      ['architecture', job.architecture],
      ['worker', job.worker],
      ['created', formatTime(job.createdAt)],
      ['finished', formatTime(job.finishedAt)],
      ['attempts', `${job.attempt} of ${job.maxAttempts}`],
      ['commit', job.commit],
      ['lock', job.lock],
    ]),
    ...section('inputs', job.inputs),
    ...job.attempts.flatMap(formatAttempt),
  ];
}

function formatAttempt(attempt: AttemptView): string[] {
  const timings = Object.entries(attempt.timings)
    .map(([step, time]) => `${step} ${formatDuration(time)}`)
    .join(', ');
  return [
    '',
    style('bold', `attempt ${attempt.number}`),
    ...formatFields(
      [
        ['how', attempt.sentence],
        ['worker', attempt.worker],
        ['started', formatTime(attempt.startedAt)],
        ['finished', formatTime(attempt.finishedAt)],
        ['time', timings === '' ? undefined : timings],
        ['log', formatSize(attempt.logBytes)],
        ['provenance', attempt.provenance],
      ],
      2,
    ),
    ...section('results', attempt.files, 2),
  ];
}

function section(title: string, files: JobDetail['inputs'], indent = 0): string[] {
  if (files.length === 0) return [];
  const table = formatTable(
    files,
    [text('size', (row) => formatSize(row.size)), text('sha256', (row) => row.sha256), text(title, (row) => row.name)],
    { indent },
  );
  return ['', ...table];
}
