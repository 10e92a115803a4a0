/** One try: the root of a lock is made, the test runs in it, and what it changes is thrown away. */
import { createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';

import { judge, type RootTest, type RunTest } from '../../../flows/test-in-root.ts';
import type { Sha256 } from '../../../kit/digest.ts';
import { SheafError } from '../../../kit/error.ts';
import { isGone } from '../../../plumbing/deb-cache.ts';
import type { Sandbox, SandboxSpec } from '../../../plumbing/sandbox/port.ts';
import { materialise, type RootDeps } from '../../../root/mod.ts';
import { findAccount } from '../root/account.ts';
import { newScratch } from '../root/scratch.ts';

export type TryLockDeps = {
  readonly roots: RootDeps;
  readonly sandbox: Sandbox;
  readonly test: RootTest;
  /** Of the root, by name or number. */
  readonly user: string;
  readonly logOf: (lock: Sha256) => string;
};

/**
 * A root that cannot be made, or of which a package is gone from the archives, is no answer of the test: it is skipped.
 * Throws `aborted`, and what else making roots throws: an archive that cannot be reached may be there the next time.
 */
export function lockTester(deps: TryLockDeps): RunTest {
  return async (lock, key, signal) => {
    const log = deps.logOf(key);
    let root: TriedRoot;
    try {
      const { layers } = await materialise(deps.roots, lock, undefined, { signal });
      root = { layers, architecture: lock.architecture };
    } catch (error) {
      if (!isGone(error) && !isFailedRoot(error)) throw error;
      await writeFile(log, `${error.message}\n${error.hint === undefined ? '' : `${error.hint}\n`}`);
      // Its last output stands in the log.
      const reason = error.message.split('\n', 1)[0]!.replace(/\. Its last output:$/, '');
      return { verdict: 'skip', reason, duration: 0, log };
    }
    return { ...(await runTest(deps, root, log, signal)), log };
  };
}

function isFailedRoot(error: unknown): error is SheafError {
  return error instanceof SheafError && error.code === 'root-failed';
}

type TriedRoot = Pick<SandboxSpec, 'layers' | 'architecture'>;

async function runTest(deps: TryLockDeps, root: TriedRoot, log: string, signal: AbortSignal) {
  const { roots, sandbox, test, user } = deps;
  const account = await findAccount(root.layers, user);
  const scratch = await newScratch({ cache: roots.directory, sandbox });
  const stream = createWriteStream(log);
  try {
    const outcome = await sandbox.run({
      ...test,
      ...{ ...root, scratch, signal, hostname: 'localhost' },
      env: { HOME: account.home, ...test.env },
      user: { uid: account.uid, gid: account.gid },
      onOutput: (chunk) => writeTo(stream, chunk),
    });
    if (outcome.kind === 'aborted') throw new SheafError('aborted', 'Cannot go on: it was called off');
    return judge(outcome);
  } finally {
    stream.end();
    await finished(stream);
    await sandbox.remove(scratch);
  }
}

/** A slow disk holds the command up, and memory stays as it is. */
async function writeTo(stream: NodeJS.WritableStream, chunk: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.write(chunk, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

/** The end of what a test wrote. */
export async function lastLines(log: string, most = 15): Promise<string[]> {
  const text = (await readFile(log, 'utf8').catch(() => '')).trimEnd();
  return text === '' ? [] : text.split('\n').slice(-most);
}
