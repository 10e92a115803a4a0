/** Rules on the files of the commit, and of the upstream tag where its files become the tarball. */
import type { FactRule, Facts, TreeFacts, TreeFile } from '../facts.ts';
import { linkProblem, pathProblem } from '../paths.ts';
import { quote, quoteSome, refuse } from '../refusal.ts';

export const overLimit: FactRule = (facts) =>
  trees(facts).flatMap(({ what, tree }) =>
    tree.overLimit === undefined
      ? []
      : [
          refuse(
            'over-limit',
            `${what} is too large. ${tree.overLimit}`,
            'Remove what need not be in the source package, or have the limit raised: "max-…" below [git] in sheaf.toml.',
          ),
        ],
  );

export const submodule: FactRule = (facts) =>
  trees(facts).flatMap(({ what, tree }) => {
    const found = tree.files.filter((file) => file.kind === 'submodule').map((file) => file.path);
    return found.length === 0
      ? []
      : [
          refuse(
            'submodule',
            `${what} has submodules: ${quoteSome(found)}.`,
            'Put the files themselves into the repository; submodules are never fetched.',
          ),
        ];
  });

export const unsafePath: FactRule = (facts) =>
  trees(facts).flatMap(({ what, tree }) =>
    firstOf(tree.files, pathProblem, (shown) =>
      refuse('unsafe-path', `${what} has unsafe paths: ${shown}.`, 'Rename or remove these files.'),
    ),
  );

export const unsafeSymlink: FactRule = (facts) =>
  trees(facts).flatMap(({ what, tree }) => {
    const byPath = new Map(tree.files.map((file) => [file.path, file]));
    const links = tree.files.filter((file) => file.kind === 'symlink');
    return firstOf(
      links,
      (file) => linkProblem(file.path, byPath),
      (shown) =>
        refuse(
          'unsafe-symlink',
          `${what} has unsafe links: ${shown}.`,
          'Let links point to files of the tree by relative paths; make others at build time.',
        ),
    );
  });

/**
 * The upstream tag carries no signature of ours, but its files become the tarball that is built. dpkg-source refuses
 * changed files and overlooks missing ones: those are refused here, or they would be built without having been signed.
 */
export const upstreamMismatch: FactRule = ({ upstream, files }) => {
  if (upstream?.kind !== 'found' || files === undefined || files.overLimit !== undefined) return undefined;
  const signed = new Set(files.files.map((file) => file.path));
  const foreign = upstream.files.files
    .filter((file) => file.path !== 'debian' && !file.path.startsWith('debian/') && !signed.has(file.path))
    .map((file) => file.path);
  if (foreign.length === 0) return undefined;
  return refuse(
    'upstream-mismatch',
    `The upstream tag ${quote(upstream.tag)} has files that the signed commit lacks: ${quoteSome(foreign)}.`,
    'Let the upstream tag point at the upstream part of this commit; remove files by a patch in debian/patches.',
  );
};

function trees({ files, upstream }: Facts): { readonly what: string; readonly tree: TreeFacts }[] {
  return [
    ...(files === undefined ? [] : [{ what: 'The tree', tree: files }]),
    ...(upstream?.kind === 'found' ? [{ what: `The upstream tag ${quote(upstream.tag)}`, tree: upstream.files }] : []),
  ];
}

/** One refusal that shows the first few files with a problem and counts the others. */
function firstOf<T>(
  files: readonly TreeFile[],
  problemOf: (file: TreeFile) => string | undefined,
  make: (shown: string) => T,
): T[] {
  const shown: string[] = [];
  let more = 0;
  for (const file of files) {
    const problem = problemOf(file);
    if (problem === undefined) continue;
    if (shown.length < 3) shown.push(`${quote(file.path)} ${problem}`);
    else more++;
  }
  if (shown.length === 0) return [];
  return [make(`${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`)];
}
