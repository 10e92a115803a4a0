/**
 * Builds for rebuilds, each kept in a directory of its own under the hash of all that it was made of: a rebuild that was
 * ended goes on with what it has. `result.json` comes last; without it a directory is the rest of a build that was killed.
 */
import { constants, createWriteStream } from 'node:fs';
import { chown, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';

import { executeBuild, type Execution, type RootPort } from '../../build/mod.ts';
import type { Built, BuiltFile, RunBuild } from '../../flows/rebuild.ts';
import type { Clock } from '../../kit/clock.ts';
import { sha256 } from '../../kit/digest.ts';
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
  readonly blobs: Pick<Blobs, 'bring'>;
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
    const { limits: _, ...facts } = spec;
    const key = sha256(JSON.stringify([format, facts, spec.conditions?.parallel ?? deps.parallel, round]));
    const directory = join(deps.directory, key.slice(0, 2), key);
    await mkdir(directory, { recursive: true });
    return withFileLock(join(directory, 'lock'), async () => {
      const known = deps.again && !made.has(key) ? undefined : await readBuilt(directory);
      const built = known ?? (await build(deps, spec, directory));
      made.add(key);
      return built;
    });
  };
}

/** Changes whenever the same document would be built another way. */
const format = 1;

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
    const built = await keep(execution, directory, Math.round((performance.now() - began) / 100) / 10);
    // What passes may be tried again.
    if (built.outcome === 'built' || !built.passing)
      await replaceFile(join(directory, 'result.json'), JSON.stringify(built));
    return inside(built, directory);
  } finally {
    log.end();
    await finished(log);
    await deps.sandbox.remove(scratch);
  }
}

async function keep(execution: Execution, directory: string, seconds: number): Promise<Built> {
  switch (execution.outcome) {
    case 'aborted':
      throw new SheafError('aborted', 'Cannot go on with the rebuild: it was called off');
    case 'failed': {
      const { fault, reason } = execution;
      return { outcome: 'failed', reason, passing: fault !== 'package', seconds, log: 'log' };
    }
    case 'built': {
      const files: BuiltFile[] = [];
      for (const { name, sha256: digest, size, path } of execution.files) {
        const target = join('files', name);
        await copyFile(path, join(directory, target), constants.COPYFILE_FICLONE);
        // Not of the sandbox's ids.
        await chown(join(directory, target), process.getuid!(), process.getgid!());
        files.push({ name, sha256: digest, size, path: target });
      }
      return { outcome: 'built', files, seconds, log: 'log' };
    }
  }
}

/** Paths are kept relative, so that the folder may be moved. */
function inside(built: Built, directory: string): Built {
  const log = join(directory, built.log);
  if (built.outcome === 'failed') return { ...built, log };
  return { ...built, log, files: built.files.map((each) => ({ ...each, path: join(directory, each.path) })) };
}

async function readBuilt(directory: string): Promise<Built | undefined> {
  const text = await readFile(join(directory, 'result.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : inside(JSON.parse(text) as Built, directory);
}
