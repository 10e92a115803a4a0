/**
 * Builds for rebuilds, each kept in a directory of its own under the hash of all that it was made of: a rebuild that was
 * ended goes on with what it has. `result.json` comes last; without it a directory is the rest of a build that failed or
 * was killed, which is built again. The time of `result.json` is that of its last use. Files that are blobs, as those are
 * that have the bytes of the published ones, are not kept twice.
 */
import { constants, createWriteStream } from 'node:fs';
import { access, chown, copyFile, mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';

import { executeBuild, type Execution, type RootPort } from '../../build/mod.ts';
import { keyOfBuild, type Built, type BuiltFile, type RunBuild } from '../../flows/rebuild.ts';
import type { Clock } from '../../kit/clock.ts';
import { SheafError } from '../../kit/error.ts';
import { parseLock } from '../../lock/mod.ts';
import type { BuildSpec } from '../../model/job.ts';
import type { Blobs } from '../../plumbing/blobs.ts';
import { withFileLock } from '../../plumbing/file-lock.ts';
import type { Sandbox } from '../../plumbing/sandbox/port.ts';
import { replaceFile } from '../../plumbing/replace-file.ts';

export type RunnerDeps = {
  /** Where builds are kept. */
  readonly directory: string;
  readonly sandbox: Sandbox;
  readonly root: RootPort;
  readonly blobs: Pick<Blobs, 'bring' | 'info'>;
  readonly clock: Clock;
  readonly parallel: number;
  /** A new path for what a build writes while it runs. */
  readonly newScratch: () => Promise<string>;
  /** Builds again what was built before. */
  readonly again: boolean;
  readonly onLog?: ((text: Uint8Array | string) => void) | undefined;
  readonly signal: AbortSignal;
};

/** Throws `aborted`, and nothing is kept of that build. */
export function createRunner(deps: RunnerDeps): RunBuild {
  const made = new Set<string>();
  return async (spec, round) => {
    const key = keyOfBuild(spec, round, spec.conditions?.parallel ?? deps.parallel);
    const directory = join(deps.directory, key.slice(0, 2), key);
    await mkdir(directory, { recursive: true });
    return withFileLock(join(directory, 'lock'), async () => {
      const known = deps.again && !made.has(key) ? undefined : await readBuilt(deps, directory);
      const built = known ?? (await build(deps, spec, directory));
      made.add(key);
      return built;
    });
  };
}

type Kept = Extract<Built, { outcome: 'built' }>;

async function build(deps: RunnerDeps, spec: BuildSpec, directory: string): Promise<Built> {
  for (const name of ['result.json', 'files']) await rm(join(directory, name), { recursive: true, force: true });
  await mkdir(join(directory, 'files'));
  await writeFile(join(directory, 'spec.json'), `${JSON.stringify(spec, null, 2)}\n`);
  const scratch = await deps.newScratch();
  await mkdir(scratch, { recursive: true, mode: 0o711 });
  const log = createWriteStream(join(directory, 'log'));
  try {
    const began = performance.now();
    const execution = await executeBuild(
      {
        ...deps,
        directory: scratch,
        parseLock,
        fetchBlob: async (digest, path) => copyFile(await deps.blobs.bring(digest), path, constants.COPYFILE_FICLONE),
        log: (text) => {
          log.write(text);
          deps.onLog?.(text);
        },
      },
      spec,
    );
    const built = await keep(deps, execution, directory, Math.round((performance.now() - began) / 100) / 10);
    if (built.outcome === 'failed') return { ...built, log: join(directory, built.log) };
    await replaceFile(join(directory, 'result.json'), JSON.stringify(built));
    return await inside(deps, built, directory);
  } finally {
    log.end();
    await finished(log);
    await deps.sandbox.remove(scratch);
  }
}

async function keep({ blobs }: RunnerDeps, execution: Execution, directory: string, seconds: number): Promise<Built> {
  switch (execution.outcome) {
    case 'aborted':
      throw new SheafError('aborted', 'Cannot go on with the rebuild: it was called off');
    case 'failed': {
      return { outcome: 'failed', reason: execution.reason, seconds, log: 'log' };
    }
    case 'built': {
      const files: BuiltFile[] = [];
      for (const { name, sha256: digest, size, path } of execution.files) {
        const target = join('files', name);
        if ((await blobs.info(digest)) === undefined) {
          await copyFile(path, join(directory, target), constants.COPYFILE_FICLONE);
          // Not of the sandbox's ids.
          await chown(join(directory, target), process.getuid!(), process.getgid!());
        }
        files.push({ name, sha256: digest, size, path: target });
      }
      return { outcome: 'built', files, seconds, log: 'log' };
    }
  }
}

/** Paths are kept relative, so that the folder may be moved. Throws `blob-missing`. */
async function inside({ blobs }: RunnerDeps, built: Kept, directory: string): Promise<Built> {
  const files: BuiltFile[] = [];
  for (const each of built.files) {
    const path = join(directory, each.path);
    files.push({ ...each, path: (await isThere(path)) ? path : await blobs.bring(each.sha256) });
  }
  return { ...built, log: join(directory, built.log), files };
}

/** Undefined too where a power cut left half of it, or the files are neither here nor blobs any more. */
async function readBuilt(deps: RunnerDeps, directory: string): Promise<Built | undefined> {
  const file = join(directory, 'result.json');
  const text = await readFile(file, 'utf8').catch(() => '');
  const built = parseKept(text);
  if (built === undefined) return undefined;
  const now = new Date();
  await utimes(file, now, now);
  try {
    return await inside(deps, built, directory);
  } catch (error) {
    if (!(error instanceof SheafError) || error.code !== 'blob-missing') throw error;
    return undefined;
  }
}

function parseKept(text: string): Kept | undefined {
  try {
    const built = JSON.parse(text) as Built;
    return built.outcome === 'built' ? built : undefined;
  } catch {
    return undefined;
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
