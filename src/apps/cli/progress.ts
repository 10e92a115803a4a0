/** How far a long command is, on standard error: a line that moves on a terminal, a line for each new thing elsewhere. */
import { formatSize } from '../../kit/bytes.ts';
import { clean } from './clean.ts';
import { styleError } from './style.ts';

export type Progress = {
  /** What is being done now and, where it is known, how much of it: counts or, with `bytes`, sizes. */
  readonly at: (text: string, done?: number, total?: number) => void;
  /** A line that stays. */
  readonly line: (text: string) => void;
  readonly end: () => void;
};

export type ProgressOptions = {
  /** Programs read standard error too: with --json only a terminal is told anything. */
  readonly json: boolean;
  readonly unit?: 'count' | 'bytes';
  readonly stream?: NodeJS.WriteStream;
};

const barWidth = 24;
/** Milliseconds between two drawings. */
const pace = 80;

export function startProgress({ json, unit = 'count', stream = process.stderr }: ProgressOptions): Progress {
  if (stream.isTTY) return movingLine(stream, unit);
  return json ? silent : plainLines(stream);
}

const silent: Progress = { at: () => {}, line: () => {}, end: () => {} };

function plainLines(stream: NodeJS.WriteStream): Progress {
  let last = '';
  return {
    at: (text) => {
      if (text !== last) stream.write(`${clean(text)}\n`);
      last = text;
    },
    line: (text) => stream.write(`${clean(text)}\n`),
    end: () => {},
  };
}

function movingLine(stream: NodeJS.WriteStream, unit: 'count' | 'bytes'): Progress {
  let drawn = Number.NEGATIVE_INFINITY;
  let text = '';
  const wipe = () => stream.write('\r\u001b[K');
  return {
    at: (now, done, total) => {
      // The end of a part is shown in any case, so that nobody sees 99 % for long.
      if (now === text && done !== total && performance.now() - drawn < pace) return;
      drawn = performance.now();
      text = now;
      stream.write(`\r${formatProgress(clean(now), { done, total, unit, width: stream.columns || 80 })}\u001b[K`);
    },
    line: (line) => {
      wipe();
      stream.write(`${clean(line)}\n`);
      text = '';
    },
    end: wipe,
  };
}

export type Amount = {
  readonly done: number | undefined;
  readonly total: number | undefined;
  readonly unit: 'count' | 'bytes';
  /** Columns there are; the line never reaches the last one. */
  readonly width: number;
};

/** `debian/trixie: main/binary-amd64/Packages  ━━━━━━━━╌╌╌╌ 61%  8.1 MiB of 12 MiB`, cut to the width. */
export function formatProgress(text: string, { done, total, unit, width }: Amount): string {
  const show = (amount: number) => (unit === 'bytes' ? formatSize(amount) : String(amount));
  if (done === undefined) return cut(text, width - 1);
  if (total === undefined || total <= 0) return cut(`${text}  ${show(done)}`, width - 1);
  const part = Math.min(1, Math.max(0, done / total));
  const amount = `${String(Math.floor(part * 100)).padStart(3)}%  ${show(done)} of ${show(total)}`;
  const full = Math.round(part * barWidth);
  const room = width - 1 - barWidth - amount.length - 3;
  if (room < 12) return cut(`${text} ${amount}`, width - 1);
  const bar = styleError('green', '━'.repeat(full)) + styleError('dim', '╌'.repeat(barWidth - full));
  return `${cut(text, room).padEnd(Math.min(room, 40))}  ${bar} ${amount}`;
}

/** The end of a path says more than its beginning, but the beginning says what it is: the middle goes. */
function cut(text: string, room: number): string {
  if (text.length <= room) return text;
  const head = Math.ceil((room - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (room - 1 - head))}`;
}
