/**
 * The log files of a store: `log-00000001` and so on. The highest number counts: compaction writes the next one under
 * another name and renames it, which makes the earlier ones leftovers.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import type { LogFiles } from './files.ts';
import { Appender } from './append.ts';

const pattern = /^log-([0-9]{8})$/;
const unfinished = /^log-[0-9]{8}\.tmp$/;

export type Log = { readonly path: string; readonly number: number };

export function logAt(directory: string, number: number): Log {
  return { path: join(directory, `log-${String(number).padStart(8, '0')}`), number };
}

/** The log that counts, or undefined in a directory without a store. */
export async function newestLog(files: LogFiles, directory: string): Promise<Log | undefined> {
  const numbers = (await files.list(directory)).map((name) => Number(pattern.exec(name)?.[1] ?? 0));
  const highest = Math.max(0, ...numbers);
  return highest === 0 ? undefined : logAt(directory, highest);
}

/** Removes what an unfinished or finished compaction left. Under the store's lock. */
export async function removeLeftovers(files: LogFiles, directory: string, newest: Log): Promise<void> {
  for (const name of await files.list(directory)) {
    const number = Number(pattern.exec(name)?.[1] ?? 0);
    if (unfinished.test(name) || (number > 0 && number < newest.number)) await files.remove(join(directory, name));
  }
}

/**
 * Makes a log under its temporary name that holds nothing but the store's id. `publish` gives it its name, once all of
 * it is on the disk.
 */
export async function startLog(
  files: LogFiles,
  { path }: Log,
  id: string = randomUUID(),
): Promise<{ readonly appender: Appender; readonly temporary: string; readonly publish: () => Promise<void> }> {
  const temporary = `${path}.tmp`;
  await (await files.create(temporary)).close();
  const appender = await Appender.open(files, temporary, 0);
  try {
    await appender.add({ kind: 'store', codec: 'stored', head: Buffer.from(id, 'latin1'), body: new Uint8Array() });
  } catch (error) {
    await appender.close();
    throw error;
  }
  return {
    appender,
    temporary,
    async publish() {
      try {
        await appender.sync();
      } finally {
        await appender.close();
      }
      await files.rename(temporary, path);
      await files.syncDirectory(join(path, '..'));
    },
  };
}
