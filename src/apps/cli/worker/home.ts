import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** A worker's own folder: `--home`, else below the user's state folder (XDG Base Directory Specification). */
export function workerHome(named: string | undefined): string {
  if (named !== undefined) return resolve(named);
  return join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local/state'), 'sheaf/worker');
}
