/** Colours: only on a terminal, and not where NO_COLOR, NODE_DISABLE_COLORS or TERM=dumb ask for none. */
import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** For standard output. */
export function style(format: Format, text: string): string {
  return styleText(format, text, { stream: process.stdout });
}

/** For standard error. */
export function styleError(format: Format, text: string): string {
  return styleText(format, text, { stream: process.stderr });
}

const green = ['Installed', 'PUBLISHED', 'DONE', 'approved', 'idle', 'busy', 'ok', 'done', 'reproduced'];
const red = [
  'Failed',
  'Build-Attempted',
  'BD-Uninstallable',
  'REJECTED',
  'missing',
  'expired',
  'failed',
  'disabled',
  'differs',
];
const yellow = [
  'Building',
  'Built',
  'Uploaded',
  'RECEIVED',
  'ACCEPTED',
  'PENDING',
  'pending',
  'silent',
  'running',
  'warning',
];

/** A state in the colour of its meaning. */
export function styleState(state: string): string {
  if (green.includes(state)) return style('green', state);
  if (red.includes(state)) return style('red', state);
  return yellow.includes(state) ? style('yellow', state) : state;
}
