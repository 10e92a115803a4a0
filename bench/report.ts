/**
 * What a benchmark says: a table for people, one JSON object for programs, a section of RESULTS.md for later.
 *
 *     const options = reportOptions();            // --json and --write, beside the benchmark's own options
 *     await publishReport({ bench: 'queue', … }, options);
 */
import { readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';

import { formatSize } from '../src/kit/bytes.ts';

export type ReportRow = {
  readonly what: string;
  readonly ours: number;
  /** The tool we compare with, measured in the same run; undefined where there is none. */
  readonly peer?: number | undefined;
  readonly unit: string;
  /** What we want to reach, in words: `≤ 1/3`. */
  readonly aim?: string;
};

export type Report = {
  /** Name of the file below bench/ and of the section in RESULTS.md. */
  readonly bench: string;
  readonly title: string;
  /** Name of the peer as the table's heading. */
  readonly peer?: string;
  readonly rows: readonly ReportRow[];
  /** What a reader has to know to believe the numbers: flags, versions, what was left out. One sentence or two each. */
  readonly notes: readonly string[];
};

export type ReportOptions = { readonly json: boolean; readonly write: boolean };

/** Others' work on the machine before ours began: near 0 on a quiet one. */
const loadBefore = loadavg()[0]!;

const resultsFile = join(import.meta.dirname, 'RESULTS.md');

/** For `util.parseArgs`, so that every benchmark has the same two. */
export const reportFlags = {
  json: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
} as const;

/** Prints the table; with `json` one object as the last line; with `write` into the benchmark's section of RESULTS.md. */
export async function publishReport(report: Report, options: ReportOptions): Promise<void> {
  process.stdout.write(`${report.title}\n\n${formatTable(report)}\n`);
  for (const note of report.notes) process.stdout.write(`* ${note}\n`);
  if (options.write) {
    const command = ['./run', 'bench', report.bench, ...process.argv.slice(2)].join(' ');
    const before = await readFile(resultsFile, 'utf8').catch(() => '# Results\n');
    await writeFile(resultsFile, replaceSection(before, report.bench, await formatSection(report, command)));
  }
  if (options.json) process.stdout.write(`${JSON.stringify(toJson(report))}\n`);
}

export function toJson(report: Report) {
  const rows = report.rows.map((row) => ({
    what: row.what,
    ours: round(row.ours),
    peer: row.peer === undefined ? null : round(row.peer),
    unit: row.unit,
    ratio: ratioOf(row) ?? null,
  }));
  return { bench: report.bench, rows };
}

/** A Markdown table that is also aligned for a terminal. */
export function formatTable(report: Report): string {
  const aims = report.rows.some(({ aim }) => aim !== undefined);
  const header = ['what', 'ours', report.peer ?? 'peer', 'unit', 'ours ÷ peer', ...(aims ? ['aim'] : [])];
  const lines = report.rows.map((row) => [
    row.what,
    formatNumber(row.ours),
    row.peer === undefined ? '' : formatNumber(row.peer),
    row.unit,
    ratioOf(row)?.toFixed(2) ?? '',
    ...(aims ? [row.aim ?? ''] : []),
  ]);
  const widths = header.map((name, column) =>
    Math.max(...[header, ...lines].map((line) => line[column]!.length), name.length),
  );
  const isNumber = (column: number) => column === 1 || column === 2 || column === 4;
  const format = (line: readonly string[]) =>
    `| ${line.map((cell, column) => (isNumber(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join(' | ')} |`;
  const rule = widths.map((width, column) => (isNumber(column) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return `${[format(header), `| ${rule.join(' | ')} |`, ...lines.map(format)].join('\n')}\n`;
}

/** The text with one `## name` section replaced, or added at the end; every other section stays as it is. */
export function replaceSection(text: string, name: string, body: string): string {
  const lines = text.trimEnd().split('\n');
  const start = lines.indexOf(`## ${name}`);
  const section = [`## ${name}`, '', ...body.trim().split('\n')];
  if (start === -1) return `${[...lines, '', ...section].join('\n')}\n`;
  const next = lines.findIndex((line, index) => index > start && line.startsWith('## '));
  const rest = next === -1 ? [] : ['', ...lines.slice(next)];
  return `${[...lines.slice(0, start), ...section, ...rest].join('\n')}\n`;
}

async function formatSection(report: Report, command: string): Promise<string> {
  const date = new Date().toISOString().slice(0, 10);
  return [
    report.title,
    '',
    `\`${command}\`, ${date}, ${await describeMachine()}; load before the start ${loadBefore.toFixed(1)}`,
    '',
    formatTable(report),
    ...report.notes.map((note) => `* ${note}`),
  ].join('\n');
}

/** `2 cores (Intel …), 23 GiB of memory, Linux 6.18, Debian 12.11`. */
export async function describeMachine(): Promise<string> {
  const debian = (await readFile('/etc/debian_version', 'utf8').catch(() => 'unknown')).trim();
  const cores = cpus();
  const model = cores[0]?.model
    .replaceAll(/\((?:R|TM)\)|\s+@.*|CPU/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const linux = release().split('-')[0];
  return `${cores.length} cores (${model}), ${formatSize(totalmem())} of memory, Linux ${linux}, Debian ${debian}`;
}

function ratioOf(row: ReportRow): number | undefined {
  return row.peer === undefined || row.peer === 0 ? undefined : round(row.ours / row.peer);
}

/** Three digits are all that a benchmark on a shared machine can mean. */
function round(value: number): number {
  return Number(value.toPrecision(3));
}

function formatNumber(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en');
  return String(round(value));
}
