/** pino's lines for people: time, level when it is not plain information, message, then what belongs to it. */
import { clean } from '../clean.ts';

const levels: Readonly<Record<number, string>> = { 10: 'trace', 20: 'debug', 40: 'warning', 50: 'error', 60: 'fatal' };

type Line = { readonly time: number; readonly level: number; readonly msg?: string } & Readonly<
  Record<string, unknown>
>;

export function lineLog(stream: NodeJS.WritableStream): { write: (line: string) => void } {
  return { write: (line) => void stream.write(`${formatLine(line)}\n`) };
}

export function formatLine(line: string): string {
  const { time, level, msg = '', ...rest } = JSON.parse(line) as Line;
  const name = levels[level];
  const facts = Object.entries(rest).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const when = new Date(time).toISOString().slice(11, 19);
  return clean([when, ...(name === undefined ? [] : [`${name}:`]), msg, ...facts].join(' '));
}
