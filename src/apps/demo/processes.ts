/** The server and the workers as processes of their own: what they print goes to a file, and they end with us. */
import { spawn, type ChildProcess } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

import { SheafError } from '../../kit/error.ts';

const sheaf = join(import.meta.dirname, '../../../sheaf');

export type Service = {
  readonly name: string;
  readonly logFile: string;
  /** Throws `service-ended` when it has ended by itself. */
  readonly check: () => void;
  readonly stop: () => Promise<void>;
};

/**
 * Starts `./sheaf ARGS` in the background. Ctrl-C is for us alone, and we tell it; when we are killed, the system tells it,
 * or it would keep our port.
 */
export async function startService(name: string, args: readonly string[], logFile: string): Promise<Service> {
  const log = await open(logFile, 'w', 0o600);
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', sheaf, ...args], {
    stdio: ['ignore', log.fd, log.fd],
    env: process.env,
    detached: true,
  });
  await log.close();
  let ended: string | undefined;
  const exit = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      ended = error.message;
      resolve();
    });
    child.once('exit', (code, signal) => {
      ended = signal === null ? `exit code ${code}` : `signal ${signal}`;
      resolve();
    });
  });
  const check = () => {
    if (ended === undefined) return;
    throw new SheafError('service-ended', `Cannot go on: the ${name} ended by itself (${ended})`, {
      kind: 'environment',
      hint: `What it said is in ${logFile}.`,
    });
  };
  return { name, logFile, check, stop: () => stopChild(child, exit) };
}

/** SIGTERM, and SIGKILL for one that does not listen. */
async function stopChild(child: ChildProcess, exit: Promise<void>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await exit;
  clearTimeout(timer);
}

export const sheafCommand = sheaf;
