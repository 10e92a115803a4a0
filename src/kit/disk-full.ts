/** A full disk, or a user's full share of one: found in what was thrown, and told with the folder and what it lacks. */
import { statfs } from 'node:fs/promises';

import { formatSize } from './bytes.ts';
import { SheafError } from './error.ts';

const codes = new Set(['ENOSPC', 'EDQUOT', 'disk-full']);

/** Whether that is the reason of an error, or of what caused it. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return codes.has((error as NodeJS.ErrnoException).code ?? '') || isDiskFull(error.cause);
}

export type Shortage = {
  readonly directory: string;
  /** What was to be written there: `what is still to be fetched needs 12 MiB`. */
  readonly needs: string;
};

/** The error `disk-full` for something that could not be done: `make the root`. */
export async function diskFull(action: string, { directory, needs }: Shortage, cause: unknown): Promise<SheafError> {
  const free = await statfs(directory).then(
    ({ bavail, bsize }) => ` (${formatSize(bavail * bsize)} free)`,
    () => '',
  );
  return new SheafError('disk-full', `Cannot ${action}: no room left on the disk of ${directory}${free}; ${needs}`, {
    kind: 'environment',
    hint: 'Make room there, then run it again: what was finished is kept, and nothing half done is left.',
    cause,
  });
}
