/** apt-get with the settings of a state directory, and what it says when it fails. */
import { join } from 'node:path';

import { hostEnvironment, run, type RunResult } from '../process.ts';

/** Reads `apt.conf` in `directory` and nothing of the host's. A failure is a value. */
export async function runApt(directory: string, argv: readonly string[]): Promise<RunResult> {
  return run(['apt-get', ...argv], {
    env: { ...hostEnvironment, APT_CONFIG: join(directory, 'apt.conf') },
    cwd: directory,
    timeout: 10 * 60_000,
  });
}

/** Errors and warnings in one line. */
export function complaints(result: RunResult): string {
  const lines = result.stderr.split('\n').filter((line) => /^[EW]: /.test(line));
  const text = lines.map((line) => line.slice(3)).join('; ');
  return text === '' ? `apt-get ended with exit code ${result.code}` : text.slice(0, 3000);
}
