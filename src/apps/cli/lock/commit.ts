/** One file as a commit of its own in the git repository that it is in. */
import { readFile, realpath } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';

import { SheafError } from '../../../kit/error.ts';
import { run, type RunResult } from '../../../plumbing/process.ts';
import { writeOutputFile } from '../output-file.ts';

/** Throws `no-git-repository`, or `uncommitted` when the file has changes that are not ours, or was never committed. */
export async function checkCommitted(file: string): Promise<void> {
  const path = await realpath(file).catch(() => resolve(file));
  const status = await git(path, ['status', '--porcelain', '--ignored', '--', basename(path)]);
  if (status.code !== 0) {
    throw new SheafError('no-git-repository', `Cannot commit ${file}: ${status.stderr.trim()}`, {
      kind: 'usage',
      hint: 'Leave out --commit, or put the lock into a git repository.',
    });
  }
  const state = status.stdout.toString().slice(0, 2);
  if (state === '') return;
  const why = state === '??' || state === '!!' ? 'it was never committed' : 'it has changes that are not committed';
  throw new SheafError('uncommitted', `Cannot commit ${file}: ${why}`, {
    hint: 'Commit it as it is first, then update it.',
  });
}

/**
 * Writes the file and commits it alone, whatever else is staged. Returns the commit's id. Throws `git-failed`: then the
 * file is as it was, so that the same can be done again.
 */
export async function commitFile(file: string, content: string, message: string): Promise<string> {
  // Of a link, what it points to.
  const path = await realpath(file);
  const before = await readFile(path);
  await writeOutputFile(path, content);
  try {
    // A message from a file keeps lines that begin with "#".
    const argv = ['commit', '--quiet', '--cleanup=whitespace', '--file=-', '--', basename(path)];
    const done = await git(path, argv, message);
    if (done.code !== 0) {
      const reason = done.stderr.trim() || done.stdout.toString().trim();
      throw new SheafError('git-failed', `Cannot commit ${file}, which stays as it was: ${reason}`, {
        hint: 'Do what git says, then run it again; or leave out --commit.',
      });
    }
  } catch (error) {
    await writeOutputFile(path, before);
    throw error;
  }
  return (await git(path, ['rev-parse', 'HEAD'])).stdout.toString().trim();
}

/** With the user's own environment: names, keys and hooks are the user's. */
async function git(file: string, argv: readonly string[], input?: string): Promise<RunResult> {
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  return run(['git', '--literal-pathspecs', '-C', dirname(file), ...argv], {
    env,
    ...(input === undefined ? {} : { input }),
  });
}
