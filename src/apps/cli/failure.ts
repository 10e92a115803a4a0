/** How an error is shown: `sheaf: file:line: message`, then `hint: …`; or one JSON object on standard error. */
import { relative } from 'node:path';

import { CommanderError } from '@commander-js/extra-typings';

import { formatPlace, SheafError, type Place } from '../../kit/error.ts';
import { cleanLines } from './clean.ts';
import { styleError } from './style.ts';
import { systemTrouble } from './system-error.ts';

export type ErrorOptions = {
  readonly json: boolean;
  /** The command that was called, as far as it is known. */
  readonly command: string;
  /** An option that was given and takes all words after it. */
  readonly greedy?: string | undefined;
};

export function printError(error: unknown, options: ErrorOptions): void {
  // Help and version were printed already.
  if (error instanceof CommanderError && /^commander\.(?:help|version)/.test(error.code)) return;
  const shown = toShown(error, options);
  if (options.json) {
    process.stderr.write(`${JSON.stringify({ error: shown })}\n`);
  } else {
    const place = formatPlace(nearer(shown.place));
    const message = cleanLines(place === '' ? shown.message : `${place}: ${shown.message}`);
    process.stderr.write(`${styleError('red', 'sheaf:')} ${message}\n`);
    if (shown.hint !== undefined) process.stderr.write(`${styleError('cyan', 'hint:')} ${cleanLines(shown.hint)}\n`);
  }
  if (process.env['SHEAF_DEBUG'] !== undefined && error instanceof Error) process.stderr.write(`${error.stack}\n`);
}

type Shown = {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly place: Place | undefined;
};

function toShown(error: unknown, options: ErrorOptions): Shown {
  if (error instanceof CommanderError) return usage(error, options);
  if (error instanceof SheafError) {
    return { code: error.code, message: error.message, hint: error.hint, place: error.place };
  }
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? 'unexpected';
  const trouble = systemTrouble(error);
  return {
    code,
    message: trouble?.message ?? (error instanceof Error ? error.message || error.name : String(error)),
    hint: trouble?.hint ?? 'This was not expected. Setting SHEAF_DEBUG=1 shows where it comes from.',
    place: undefined,
  };
}

/** commander's messages: `error: unknown option '--jsn'` and a suggestion on a second line. */
function usage(error: CommanderError, { command, greedy }: ErrorOptions): Shown {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = rest.join(' ').replaceAll(/[()]/g, '').trim();
  const message = suggestion === '' ? first : `${first}; ${suggestion.replace(/^Did/, 'did')}`;
  const taken =
    error.code === 'commander.missingArgument' && greedy !== undefined
      ? `${greedy} takes all words after it: put the others before it. `
      : '';
  return { code: 'usage', message, hint: `${taken}See: ${command} --help`, place: undefined };
}

/** Files below the working folder by their short name. */
function nearer(place: Place | undefined): Place | undefined {
  if (place?.file === undefined) return place;
  const file = relative(process.cwd(), place.file);
  return { ...place, file: file.startsWith('..') || file === '' ? place.file : file };
}
