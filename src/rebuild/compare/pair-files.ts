/** Which packages of two places go together: those of the same name and architecture, whatever their versions are. */
import { order } from '../../kit/order.ts';

export type PairedFiles = {
  readonly pairs: readonly { readonly left: string; readonly right: string }[];
  readonly onlyLeft: readonly string[];
  readonly onlyRight: readonly string[];
};

/**
 * Paths of `.deb` files. Two single ones go together whatever they are called; of several with the same name, the one
 * of the same version, else the last of each.
 */
export function pairFiles(left: readonly string[], right: readonly string[]): PairedFiles {
  if (left.length === 1 && right.length === 1) {
    return { pairs: [{ left: left[0]!, right: right[0]! }], onlyLeft: [], onlyRight: [] };
  }
  const [mine, theirs] = [left.toSorted(order), right.toSorted(order)];
  const pairs: { left: string; right: string }[] = [];
  for (const same of [fileName, packageOf]) {
    const byName = new Map(theirs.map((path) => [same(path), path]));
    for (const path of [...mine].reverse()) {
      const other = byName.get(same(path));
      if (other === undefined || !theirs.includes(other)) continue;
      pairs.push({ left: path, right: other });
      mine.splice(mine.indexOf(path), 1);
      theirs.splice(theirs.indexOf(other), 1);
      byName.delete(same(path));
    }
  }
  return { pairs: pairs.toSorted((a, b) => order(a.left, b.left)), onlyLeft: mine, onlyRight: theirs };
}

const fileName = (path: string) => path.slice(path.lastIndexOf('/') + 1);

/** `name_version_architecture.deb` without the version. */
function packageOf(path: string): string {
  const [name, , ...rest] = fileName(path).split('_');
  return [name, ...rest].join('_');
}
