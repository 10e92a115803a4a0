/**
 * Exit codes: 0 done; 1 the answer is no: refused, failed, or there is a difference; 2 the command line is wrong, or what
 * it names is not there; 3 the environment lacks something. 130: stopped by Ctrl-C, which is no answer.
 */
import { CommanderError } from '@commander-js/extra-typings';

import { SheafError, type ErrorKind } from '../../kit/error.ts';
import { endEarly, isEnding } from './ending.ts';
import { systemTrouble } from './system-error.ts';

export const exitCodes = { done: 0, refused: 1, usage: 2, environment: 3, stopped: 130 } as const;

const codeOfKind = {
  refused: exitCodes.refused,
  usage: exitCodes.usage,
  environment: exitCodes.environment,
} as const satisfies Record<ErrorKind, number>;

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (error instanceof SheafError) return error.code === 'aborted' ? exitCodes.stopped : codeOfKind[error.kind];
  const trouble = systemTrouble(error);
  if (trouble === undefined) return exitCodes.refused;
  return trouble.isEnvironment ? exitCodes.environment : exitCodes.usage;
}

/**
 * A reader that has seen enough (`sheaf job list | head`) is no error. Output that cannot be written otherwise, as to a full
 * disk, is told by `fail`, which also sets the exit code.
 */
export function endOnBrokenOutput(fail: (error: unknown) => void): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (isEnding()) return;
      if (error.code !== 'EPIPE') fail(error);
      void endEarly(Number(process.exitCode ?? exitCodes.done));
    });
  }
}
