/** Files of the namespace's ids, seen from the host: made, handed over and removed. */
import { chmod, chown, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { SheafError } from '../../kit/error.ts';
import type { IdMap } from './ids.ts';
import { runSession } from './session.ts';

/** Makes `upper/`, `work/` (the namespace's) and `root/` in a scratch directory, unless they are there. */
export async function prepareScratch(map: IdMap, scratch: string): Promise<void> {
  // Others may pass through on a path they know, but not list it.
  if ((await mkdir(scratch, { recursive: true, mode: 0o711 })) !== undefined) await chmod(scratch, 0o711);
  await mkdir(join(scratch, 'root'), { recursive: true });
  const missing: string[] = [];
  for (const name of ['upper', 'work']) {
    const path = join(scratch, name);
    const made = await mkdir(path, { recursive: true, mode: 0o755 });
    // The root's own permissions are those of `upper`: whatever the caller's umask is.
    if (made !== undefined) await chmod(path, 0o755);
    if ((await stat(path)).uid !== map.uid.start) missing.push(path);
  }
  if (missing.length > 0) await handOver(map, missing);
}

/** Gives directories and files to root of the namespace. */
export async function handOver(map: IdMap, paths: readonly string[]): Promise<void> {
  if (map.privileged) {
    for (const path of paths) await chown(path, map.uid.start, map.gid.start);
  } else await asOwner(map, ['chown', '--no-dereference', '1:1', '--', ...paths]);
}

/** Removes a directory whatever the namespace left in it. */
export async function removeOwned(map: IdMap, directory: string): Promise<void> {
  if (map.privileged) await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  else await asOwner(map, ['rm', '--recursive', '--force', '--one-file-system', '--', directory]);
}

/** A program of the host as owner of the caller's and of the namespace's files. */
async function asOwner(map: IdMap, argv: readonly [string, ...string[]]): Promise<void> {
  const said: Uint8Array[] = [];
  const limit = 60 * 60_000;
  const outcome = await runSession({
    mode: 'owner',
    map,
    words: argv.flatMap((argument) => ['arg', argument]),
    limits: { wall: limit, silence: limit, memory: 2 ** 40, disk: 2 ** 50, log: 2 ** 20, processes: 100 },
    onOutput: (chunk) => said.push(chunk),
  });
  if (outcome.kind !== 'exited' || outcome.code !== 0) {
    throw new SheafError('sandbox-files', `Cannot ${argv[0]} files of the sandbox: ${Buffer.concat(said).toString()}`);
  }
}
