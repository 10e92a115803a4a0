/** What every command starts with: the global options, the distribution's folder, the opened house. */
import { stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { diskFull, isDiskFull } from '../../kit/disk-full.ts';
import { SheafError } from '../../kit/error.ts';
import type { House, HouseOptions } from '../house.ts';
import { closedAtEnd, endedBySignals } from './ending.ts';
import { exitCodes } from './exit.ts';
import { createOutput, type Output } from './output.ts';

export type GlobalOptions = { readonly dir?: string | undefined; readonly json?: true | undefined };

/** Anything that knows its options and those of the commands around it. */
export type HasOptions = { readonly optsWithGlobals: () => GlobalOptions };

export function outputOf(command: HasOptions): Output {
  return createOutput(command.optsWithGlobals().json === true);
}

/** Runs something in the opened distribution and closes it whatever happens. */
export async function withHouse<T>(
  command: HasOptions,
  use: (house: House) => Promise<T>,
  options?: HouseOptions,
): Promise<T> {
  const directory = await findDirectory(command.optsWithGlobals().dir);
  const { openHouse } = await import('../house.ts');
  return endedBySignals(exitCodes.stopped, async () => {
    const opening = openHouse(directory, options);
    const close = closedAtEnd(() =>
      opening.then(
        (house) => house.close(),
        () => {},
      ),
    );
    const house = await opening;
    try {
      return await use(house);
    } catch (error) {
      throw await namingFullDisk(error, [house.paths.state, tmpdir()]);
    } finally {
      await close();
    }
  });
}

/** The system says of a full disk neither which nor how full; the folders are those that a command writes to. */
export async function namingFullDisk(error: unknown, folders: readonly string[]): Promise<unknown> {
  if (error instanceof SheafError || !isDiskFull(error)) return error;
  const free = await Promise.all(
    folders.map(async (directory) => ({ directory, blocks: (await statfs(directory)).bavail })),
  );
  const { directory } = free.toSorted((a, b) => a.blocks - b.blocks)[0]!;
  return diskFull('go on', { directory, needs: 'what was published before stays as it was' }, error);
}

/**
 * `--dir`, else the nearest folder upwards with a sheaf.toml, else SHEAF_DIR. Throws `no-distribution`.
 */
export async function findDirectory(named: string | undefined, from = process.cwd()): Promise<string> {
  if (named !== undefined) return resolve(named);
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (await isFile(join(folder, 'sheaf.toml'))) return folder;
    if (folder === dirname(folder)) break;
  }
  const environment = process.env['SHEAF_DIR'];
  if (environment !== undefined && environment !== '') return resolve(environment);
  throw new SheafError('no-distribution', 'Cannot find a distribution: no folder from here upwards has a sheaf.toml', {
    kind: 'usage',
    hint: 'Name its folder by -C DIR or SHEAF_DIR, or make a distribution with: sheaf init DIR',
  });
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
