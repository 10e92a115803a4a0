/**
 * One at a time, over processes: flock(1) holds a file's lock while its standard input stays open, so the lock ends with
 * us, however we end.
 */
import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

import { SheafError } from '../kit/error.ts';
import { hostEnvironment } from './process.ts';

/**
 * Runs `work` while nobody else holds the lock of `file`. Throws `lock-timeout` when it is not free in time, `lock-unusable`
 * when it cannot be opened. The signal ends the wait, not the work.
 */
export async function withFileLock<T>(
  file: string,
  work: () => Promise<T>,
  timeout = 30 * 60_000,
  signal?: AbortSignal,
): Promise<T> {
  return hold('--exclusive', file, work, timeout, signal);
}

/** Runs `work` while nobody holds the lock of `file` for himself alone; others may share it. Throws as `withFileLock`. */
export async function withSharedLock<T>(file: string, work: () => Promise<T>, timeout = 30 * 60_000): Promise<T> {
  return hold('--shared', file, work, timeout);
}

/** flock(1): what it ends with when the time is over, if nothing else is asked for. */
const timedOut = 1;

async function hold<T>(
  kind: '--exclusive' | '--shared',
  file: string,
  work: () => Promise<T>,
  timeout: number,
  signal?: AbortSignal,
): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  signal?.throwIfAborted();
  const seconds = String(Math.ceil(timeout / 1000));
  const keeper = spawn('flock', [kind, '--timeout', seconds, file, 'sh', '-c', 'echo held; exec cat'], {
    env: { ...hostEnvironment },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  keeper.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<void>((resolve) => keeper.on('close', () => resolve()));
  keeper.stdin.on('error', () => {});
  const leave = () => keeper.kill();
  signal?.addEventListener('abort', leave, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      keeper.on('error', reject);
      keeper.stdout.once('data', () => resolve());
      keeper.on('close', (code) => {
        if (signal?.aborted === true) reject(signal.reason as Error);
        reject(
          code === timedOut
            ? new SheafError('lock-timeout', `Cannot lock ${file}: another process held it for ${seconds} s`, {
                hint: 'Wait until that one has ended, then run it again.',
              })
            : new SheafError('lock-unusable', `Cannot lock ${file}: ${said.trim() || `flock ended with ${code}`}`, {
                kind: 'environment',
                hint: 'Its folder may be of another user, such as root: give it back, or remove it.',
              }),
        );
      });
    });
    signal?.removeEventListener('abort', leave);
    return await work();
  } finally {
    signal?.removeEventListener('abort', leave);
    keeper.stdin.end();
    await ended;
  }
}
