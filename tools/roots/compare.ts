/** Where two trees differ. Pure. */
import { canonical } from './canonical.ts';
import type { Tree, TreeEntry } from './tree.ts';

export type Aspect =
  | 'only here'
  | 'only there'
  | 'type'
  | 'mode'
  | 'owner'
  | 'number'
  | 'target'
  | 'time'
  | 'content'
  | 'order';

export type Difference = {
  readonly path: string;
  /** `number`: the owner has the same name and another number; `order`: the contents differ in their arrangement only. */
  readonly aspect: Aspect;
  readonly here: string;
  readonly there: string;
};

export type Side = {
  readonly tree: Tree;
  /** Contents of files that say more than their hash: at least the lists of users and groups. */
  readonly contents: ReadonlyMap<string, Buffer>;
  /** Times of files by path, where the archive has them cut. */
  readonly times?: ReadonlyMap<string, number>;
};

/** `timed` are the paths whose times are compared: those of packages' files. */
export function compareTrees(here: Side, there: Side, timed: ReadonlySet<string>): Difference[] {
  const [ours, theirs] = [names(here), names(there)];
  const found: Difference[] = [];
  const paths = [...new Set([...here.tree.keys(), ...there.tree.keys()])].toSorted();
  for (const path of paths) {
    const [a, b] = [here.tree.get(path), there.tree.get(path)];
    const add = (aspect: Aspect, left: string | number, right: string | number) => {
      if (left !== right) found.push({ path, aspect, here: String(left), there: String(right) });
    };
    if (a === undefined || b === undefined) {
      add(a === undefined ? 'only there' : 'only here', describe(a), describe(b));
      continue;
    }
    add('type', a.type, b.type);
    if (a.type !== b.type) continue;
    if (a.type !== 'symlink') add('mode', a.mode.toString(8), b.mode.toString(8));
    const [owner, other] = [ours(a), theirs(b)];
    add('owner', owner, other);
    if (owner === other) add('number', `${a.uid}:${a.gid}`, `${b.uid}:${b.gid}`);
    add('target', a.target, b.target);
    if (a.content !== b.content) {
      const same = isRearranged(path, here.contents.get(path), there.contents.get(path));
      add(same ? 'order' : 'content', a.content, b.content);
    } else if (a.type === 'file' && timed.has(path)) {
      add('time', a.mtime, there.times?.get(path) ?? b.mtime);
    }
  }
  return found;
}

/** Files whose contents `compareTrees` has to look at. */
export function wantedContents(here: Tree, there: Tree): Set<string> {
  const wanted = new Set(['etc/passwd', 'etc/group']);
  for (const [path, { content }] of here) {
    if (content !== (there.get(path)?.content ?? content)) wanted.add(path);
  }
  return wanted;
}

function describe(entry: TreeEntry | undefined): string {
  return entry === undefined ? '' : `${entry.type} ${entry.target}`.trim();
}

function isRearranged(path: string, a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a !== undefined && b !== undefined && canonical(path, a) === canonical(path, b);
}

/** The owner and group of an entry by the names that the root itself gives them. */
function names({ contents }: Side): (entry: TreeEntry) => string {
  const read = (path: string) => {
    const lines = (contents.get(path) ?? '').toString().split('\n');
    return new Map(lines.map((line) => line.split(':')).map(([name, , number]) => [number, name]));
  };
  const [users, groups] = [read('etc/passwd'), read('etc/group')];
  return ({ uid, gid }) => `${users.get(String(uid)) ?? uid}:${groups.get(String(gid)) ?? gid}`;
}
