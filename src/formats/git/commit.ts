/** Commits: `tree`, any `parent`s, `author`, `committer`, further headers (encoding, gpgsig, mergetag), the message. */
import { badObject } from './error.ts';
import { headerAt, idOf, parseHead } from './headers.ts';
import { parseIdentity, type Identity } from './identity.ts';

export type Commit = {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Identity;
  readonly committer: Identity;
};

/** Throws `bad-git-object` unless the bytes are one well-formed commit. */
export function parseCommit(bytes: Uint8Array): Commit {
  const head = parseHead('commit', bytes);
  const tree = idOf('commit', headerAt('commit', head, 0, 'tree'));
  let next = 1;
  const parents: string[] = [];
  while (head.headers[next]?.name === 'parent') parents.push(idOf('commit', head.headers[next++]!));
  const author = parseIdentity('commit', headerAt('commit', head, next, 'author'));
  const committer = parseIdentity('commit', headerAt('commit', head, next + 1, 'committer'));
  const again = head.headers
    .slice(next + 2)
    .find((header) => ['tree', 'parent', 'author', 'committer'].includes(header.name));
  if (again !== undefined) throw badObject('commit', again.start, `header "${again.name}" comes twice`);
  return { tree, parents, author, committer };
}
