/** Whose fault it is that a build did not come to its end. */
import { describeError, SheafError } from '../kit/error.ts';
import type { Fault } from '../model/job.ts';

export type Blame = { readonly fault: Exclude<Fault, 'package'>; readonly reason: string };

/** The machine's own trouble: a full or broken disk, no memory, no file handles, no processes. */
const machineCodes = new Set(['ENOSPC', 'EDQUOT', 'disk-full', 'EIO', 'EROFS', 'ENOMEM', 'EMFILE', 'ENFILE', 'EAGAIN']);

/**
 * Of an error thrown around a build, never by the build itself: the worker's when its machine lacks something, the
 * environment's when what it needs from outside is not there, else the worker's, as a fault in the program.
 */
export function blame(error: unknown): Blame {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== undefined && machineCodes.has(code)) {
      return { fault: 'worker', reason: `The worker's machine failed: ${describeError(error)}` };
    }
  }
  const outside = error instanceof SheafError && (error.kind === 'environment' || error.code.startsWith('blob-'));
  return { fault: outside ? 'environment' : 'worker', reason: describeError(error) };
}
