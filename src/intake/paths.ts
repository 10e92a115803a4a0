/** Which names and links may leave a git tree for a file system. */
import type { TreeFile } from './facts.ts';

const longestName = 255;
const longestPath = 1024;
const mostDepth = 64;

/** What is wrong with a path of the tree, or undefined. */
export function pathProblem({ path, name, exact }: Pick<TreeFile, 'path' | 'name' | 'exact'>): string | undefined {
  if (!exact) return 'is not UTF-8';
  if (name.includes('/')) return 'is one name with "/" in it';
  if (Buffer.byteLength(path) > longestPath) return `is longer than ${longestPath} bytes`;
  const names = path.split('/');
  if (names.length > mostDepth) return `is deeper than ${mostDepth} directories`;
  for (const part of names) {
    if (part === '') return 'is absolute or has an empty part';
    if (part === '.' || part === '..') return 'has a "." or ".." part';
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    if (/[\u0000-\u001f\u007f]/.test(part)) return 'has control characters';
    if (Buffer.byteLength(part) > longestName) return `has a part longer than ${longestName} bytes`;
    if (isDotGit(part)) return 'has a ".git" part, which some file systems and tools take for a repository';
  }
  return undefined;
}

/** Code points that HFS+ ignores in names: git's own list (utf8.c, next_hfs_char). */
const ignored = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/** `.git` as any common file system may see it: whatever its case, trailing dots, short and stream names. */
function isDotGit(name: string): boolean {
  const plain = name
    .replaceAll(ignored, '')
    .toLowerCase()
    .replace(/:.*$/, '')
    .replace(/[ .]+$/, '');
  return plain === '.git' || plain === 'git~1';
}

export type Link = { readonly kind: string; readonly target: string | undefined };

/** As many links as Linux follows (path_resolution(7)). */
const mostLinks = 40;

/** Why a symbolic link of the tree may point out of it, or undefined. Other links of the tree are followed. */
export function linkProblem(path: string, tree: ReadonlyMap<string, Link>): string | undefined {
  const start = tree.get(path);
  if (start?.target === undefined) return 'has a target that is no text of at most 4095 bytes';
  const at = path.split('/').slice(0, -1);
  const todo = start.target.split('/').toReversed();
  if (start.target === '') return 'has an empty target';
  if (start.target.startsWith('/')) return 'points to an absolute path';
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(start.target)) return 'has control characters in its target';
  for (let links = 0; todo.length > 0;) {
    const name = todo.pop()!;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (at.length === 0) return 'points out of the tree';
      at.pop();
      continue;
    }
    at.push(name);
    const next = tree.get(at.join('/'));
    if (next?.kind !== 'symlink' || next.target === undefined) continue;
    // A circle leads nowhere, not even out.
    if (++links > mostLinks) return undefined;
    if (next.target.startsWith('/')) return 'points out of the tree by way of another link';
    at.pop();
    todo.push(...next.target.split('/').toReversed());
  }
  return undefined;
}
