/** One file as a commit of its own in the git repository that it is in. */
import { basename, dirname } from 'node:path';

import { SheafError } from '../../../kit/error.ts';
import { run, type RunResult } from '../../../plumbing/process.ts';

/** Throws `no-git-repository`, or `uncommitted` when the file has changes that are not ours, or was never committed. */
export async function checkCommitted(file: string): Promise<void> {
  const status = await git(file, ['status', '--porcelain', '--ignored', '--', basename(file)]);
  if (status.code !== 0) {
    throw new SheafError('no-git-repository', `Cannot commit ${file}: ${status.stderr.trim().split('\n').at(-1)}`, {
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

/** Of this file alone, whatever else is staged. Returns the commit's id. Throws `git-failed`. */
export async function commitFile(file: string, message: string): Promise<string> {
  // A message from a file keeps lines that begin with "#".
  const argv = ['commit', '--quiet', '--cleanup=whitespace', '--file=-', '--', basename(file)];
  const done = await git(file, argv, message);
  if (done.code !== 0) {
    throw new SheafError(
      'git-failed',
      `Cannot commit ${file}: ${done.stderr.trim() || done.stdout.toString().trim()}`,
      {
        hint: 'The lock is written. Commit it by git yourself.',
      },
    );
  }
  return (await git(file, ['rev-parse', 'HEAD'])).stdout.toString().trim();
}

/** With the user's own environment: names, keys and hooks are the user's. */
async function git(file: string, argv: readonly string[], input?: string): Promise<RunResult> {
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  return run(['git', '-C', dirname(file), ...argv], { env, ...(input === undefined ? {} : { input }) });
}
