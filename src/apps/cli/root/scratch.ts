/** Directories of the cache that commands write to while they run. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { OpenedRoot } from './open.ts';

/** A new path. What is named after a process that has gone was left by one that was killed, and goes now. */
export async function newScratch({ cache, sandbox }: Pick<OpenedRoot, 'cache' | 'sandbox'>): Promise<string> {
  const directory = join(cache, 'scratch');
  await mkdir(directory, { recursive: true });
  for (const name of await readdir(directory)) {
    const pid = /^(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await sandbox.remove(join(directory, name));
  }
  return join(directory, `${process.pid}-${randomUUID()}`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
