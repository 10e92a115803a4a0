/** What a worker writes around the output of a build, in the manner of sbuild's logs. */
import { formatSize } from '../kit/bytes.ts';
import { formatDuration } from '../kit/duration.ts';
import type { BuildSpec, Fault, Lease } from '../model/job.ts';
import { describeSpec } from './describe.ts';

const width = 80;

export function formatHeader(lease: Lease, worker: string, now: Date): string {
  const { origin } = lease.spec;
  const about: Field[] = [
    ['Job', `${lease.job}, attempt ${lease.attempt}`],
    ['Worker', worker],
    ...('upload' in origin
      ? [['Upload', `${origin.upload.name} (sha256:${origin.upload.sha256})`] as const]
      : [
          ['Repository', origin.repository] as const,
          ['Tag', `${origin.tag} (${origin.tagObject})`] as const,
          ['Commit', origin.commit] as const,
        ]),
    ['Signer', origin.signer],
  ];
  return formatTop(lease.spec, origin.suite, about, now);
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
