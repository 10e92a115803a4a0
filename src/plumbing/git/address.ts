/** Which addresses may be fetched: the policy's patterns for remote ones, its directories for local ones. */
import { lstat, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';

import { parseGitAddress } from '../../formats/git/mod.ts';
import { matchesAnyGlob } from '../../kit/glob.ts';
import type { GitPolicy } from '../../model/distribution.ts';

export type Source =
  | { readonly kind: 'remote'; readonly address: string }
  /** The repository's own directory (what GIT_DIR would be), without symbolic links in it. */
  | { readonly kind: 'local'; readonly directory: string }
  | { readonly kind: 'bad'; readonly reason: string };

export async function resolveAddress(
  text: string,
  policy: Pick<GitPolicy, 'addresses' | 'directories'>,
): Promise<Source> {
  const address = parseGitAddress(text);
  if (address.kind === 'bad') return address;
  if (address.kind === 'local') return resolveLocal(address.path, policy.directories);
  if (!matchesAnyGlob(policy.addresses, address.text)) {
    return { kind: 'bad', reason: 'it fits none of the patterns in git.addresses' };
  }
  return { kind: 'remote', address: address.text };
}

/**
 * Links are followed first, and the result must lie below an allowed directory. git would guess among DIR/.git, DIR and
 * DIR.git and follow "gitdir:" files; here the directory is decided once, and only a real one counts.
 */
async function resolveLocal(path: string, allowed: readonly string[]): Promise<Source> {
  const outside = { kind: 'bad', reason: 'it is in none of the directories in git.directories' } as const;
  // One that does not exist is not told apart from one outside: nobody may probe for files.
  const real = await realpath(path).catch(() => undefined);
  const roots = await Promise.all(allowed.map((directory) => realpath(directory).catch(() => undefined)));
  if (real === undefined || !roots.some((root) => root !== undefined && isBelow(real, root))) return outside;
  for (const directory of [join(real, '.git'), real]) {
    if (await isRepository(directory)) return { kind: 'local', directory };
  }
  const isWorktree = (await kindOf(join(real, '.git')))?.isFile() === true;
  return {
    kind: 'bad',
    reason: isWorktree
      ? 'it is a worktree of a repository elsewhere: name that one, as "git rev-parse --git-common-dir" tells it'
      : 'there is no git repository in this directory',
  };
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/** HEAD, objects and refs are really there, and nothing points to a repository elsewhere. */
async function isRepository(directory: string): Promise<boolean> {
  if ((await kindOf(directory))?.isDirectory() !== true) return false;
  if ((await kindOf(join(directory, 'HEAD')))?.isFile() !== true) return false;
  for (const name of ['objects', 'refs']) {
    if ((await kindOf(join(directory, name)))?.isDirectory() !== true) return false;
  }
  return (await kindOf(join(directory, 'commondir'))) === undefined;
}

function kindOf(path: string) {
  return lstat(path).catch(() => undefined);
}
