/**
 * What a bisection has tried, in a directory: of each lock, by its key, the outcome, what the test wrote and the lock itself.
 * A file has its name when it is whole, so that a bisection can be ended at any time and goes on the next time.
 */
import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { z } from 'zod';

import type { RunMemory } from '../../../flows/bisect-tries.ts';
import type { RootTest } from '../../../flows/test-in-root.ts';
import { sha256, type Sha256 } from '../../../kit/digest.ts';
import { SheafError } from '../../../kit/error.ts';
import { formatLock } from '../../../lock/mod.ts';
import { cacheDirectory } from '../../roots.ts';
import { replaceFile } from '../../../plumbing/replace-file.ts';

export type BisectState = RunMemory & {
  readonly directory: string;
  /** Where the output of the test in a lock goes. */
  readonly logOf: (lock: Sha256) => string;
};

export type StateFlags = { readonly state?: string | undefined; readonly again?: true | undefined };

const runSchema = z.strictObject({
  verdict: z.enum(['good', 'bad', 'skip']),
  reason: z.string().exactOptional(),
  code: z.number().exactOptional(),
  duration: z.number(),
  log: z.string().exactOptional(),
});

/** `request` is what the outcomes depend on, beside the locks. Throws `other-request`. */
export async function openState(request: object, { state, again }: StateFlags): Promise<BisectState> {
  const key = sha256(JSON.stringify(request));
  const directory = state === undefined ? join(cacheDirectory(), 'bisect', key.slice(0, 24)) : resolve(state);
  const runs = join(directory, 'runs');
  await mkdir(directory, { recursive: true });
  const known = (await readFile(join(directory, 'request'), 'utf8').catch(() => '')).trim();
  if (again === true) await rm(runs, { recursive: true, force: true });
  else if (known !== '' && known !== key) {
    throw new SheafError(
      'other-request',
      `Cannot go on from ${directory}: it is of another bisection or another test`,
      {
        kind: 'usage',
        hint: 'Name another directory, or try everything again with --again.',
      },
    );
  }
  await mkdir(runs, { recursive: true });
  await replaceFile(join(directory, 'request'), `${key}\n`);
  return {
    directory,
    logOf: (lock) => join(runs, `${lock}.log`),
    read: async (lock) => {
      const text = await readFile(join(runs, `${lock}.json`), 'utf8').catch(() => undefined);
      return text === undefined ? undefined : runSchema.parse(JSON.parse(text));
    },
    write: async (lock, run, content) => {
      await replaceFile(join(runs, `${lock}.lock`), formatLock(content));
      // A root that could not be made may be made the next time.
      if (run.verdict !== 'skip' || run.code !== undefined)
        await replaceFile(join(runs, `${lock}.json`), JSON.stringify(run));
    },
  };
}

/** What of a test can change its outcome; of folders that it sees only their names. */
export async function testFacts(test: RootTest): Promise<object> {
  const binds = await Promise.all(
    test.binds.map(async (bind) => {
      const isFile = (await stat(bind.source).catch(() => undefined))?.isFile() ?? false;
      return [bind, isFile ? sha256(await readFile(bind.source)) : null];
    }),
  );
  return { ...test, binds };
}
