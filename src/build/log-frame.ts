/** What a worker writes around the output of a build, in the manner of sbuild's logs. */
import { formatSize } from '../kit/bytes.ts';
import { formatDuration } from '../kit/duration.ts';
import type { BuildSpec, Fault, JobSpec, Lease } from '../model/job.ts';
import { describeSpec } from './describe.ts';

const width = 80;

export function formatHeader(lease: Lease, worker: string, now: Date): string {
  const { origin } = lease.spec;
  const about: Field[] = [
    ['Job', `${lease.job}, attempt ${lease.attempt}`],
    ['Worker', worker],
    ...aboutOrigin(origin),
  ];
  return formatTop(lease.spec, 'rebuild' in origin ? origin.place : origin.suite, about, now);
}

function aboutOrigin(origin: JobSpec['origin']): Field[] {
  if ('rebuild' in origin) return [['Rebuild', `task ${origin.rebuild}, asked for by ${origin.signer}`]];
  const signer: Field = ['Signer', origin.signer];
  if ('upload' in origin) return [['Upload', `${origin.upload.name} (sha256:${origin.upload.sha256})`], signer];
  const { repository, tag, tagObject, commit } = origin;
  return [['Repository', repository], ['Tag', `${tag} (${tagObject})`], ['Commit', commit], signer];
}

/** The same for a build that no server asked for. `about` says where it comes from. */
export function formatTop(spec: BuildSpec, suite: string, about: readonly Field[], now: Date): string {
  const { limits } = spec;
  return (
    box(`${describeSpec(spec)}  ${formatTime(now)}`) +
    fields([
      ['Package', spec.source],
      ['Version', spec.version],
      ['Distribution', suite],
      ['Build Architecture', spec.architecture],
      ['Build Type', spec.builds],
      ...about,
      ['Lock', `sha256:${spec.lock}`],
      [
        'Limits',
        `${formatDuration(limits.wall)} in all, ${formatDuration(limits.silence)} of silence, ` +
          `${formatSize(limits.memory)} of memory, ${formatSize(limits.disk)} of disk, ` +
          `${formatSize(limits.log)} of log, ${limits.processes} processes`,
      ],
    ])
  );
}

export type Field = readonly [name: string, value: string];

export function formatChapter(title: string): string {
  return `\n${box(title)}`;
}

export type Summary = {
  readonly status: 'successful' | 'failed' | 'cancelled';
  readonly fault?: Fault;
  readonly reason?: string;
  readonly timings: Readonly<Record<string, number>>;
  readonly files: readonly { readonly name: string; readonly size: number }[];
};

export function formatFooter(summary: Summary, now: Date): string {
  const total = Object.values(summary.timings).reduce((sum, time) => sum + time, 0);
  return (
    formatChapter('Summary') +
    fields([
      ['Status', summary.status],
      ...(summary.fault === undefined ? [] : [['Fault', summary.fault] as const]),
      ...(summary.reason === undefined ? [] : [['Reason', summary.reason] as const]),
      ...Object.entries(summary.timings).map(([step, time]) => [`Time: ${step}`, formatDuration(time)] as const),
      ['Time: all', formatDuration(total)],
      ...summary.files.map(({ name, size }) => ['File', `${name} (${formatSize(size)})`] as const),
      ['Finished', formatTime(now)],
    ])
  );
}

function box(title: string): string {
  const line = `+${'='.repeat(width - 2)}+\n`;
  return `${line}| ${title.padEnd(width - 4)} |\n${line}\n`;
}

function fields(pairs: readonly Field[]): string {
  return pairs.map(([name, value]) => `${name}: ${value}\n`).join('');
}

function formatTime(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}
