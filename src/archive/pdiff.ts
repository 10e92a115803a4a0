/**
 * The patches that lead from past versions of an index to the newest: one for each publication that changed it, named by
 * the snapshot it leads to, in `Packages.diff/`. apt fetches the Index by its hash and the patches by their names, of the
 * newest snapshot: so a patch keeps its name, and stays one snapshot longer than the Index speaks of it.
 */
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

import { formatEdScript } from '../formats/deb/ed-script-write.ts';
import { formatPdiffIndex, parsePdiffIndex, type NewPdiffPatch } from '../formats/deb/pdiff.ts';
import type { ReleaseFile } from '../formats/deb/release.ts';
import { sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import { all } from './all.ts';
import { byHashTarget, type SuitePaths } from './layout.ts';
import { indexChanges } from './pdiff-changes.ts';
import type { ArchiveDeps } from './ports.ts';
import type { NewTree } from './tree.ts';
import { linkByHash, placeByHash, type IndexChange } from './write-index.ts';

const pack = promisify(gzip);

/**
 * The Index that Release is to list for the index with these forms; none when no past version leads there. `change` is
 * undefined when it is that of the snapshot before, or when nothing is known of that; `known` is what the Release before
 * lists.
 */
export async function writePdiffs(
  deps: ArchiveDeps,
  { paths, suite, time }: NewTree,
  forms: readonly ReleaseFile[],
  change: IndexChange | undefined,
  known: ReadonlyMap<string, ReleaseFile>,
): Promise<ReleaseFile[]> {
  const plain = forms.find(({ path }) => /\/(?:Packages|Sources)$/.test(path));
  const xz = forms.find(({ path }) => path.endsWith('.xz'));
  if (plain === undefined || xz === undefined || suite.pdiffs === undefined || suite.pdiffs === 0) return [];
  const name = `${plain.path}.diff`;
  const directory = join(paths.staged(time.id), 'dists', suite.name, name);
  const script = change && scriptOf(change, plain);
  const fresh = script && (await newPatch(time.id, script, change.from));
  const before = await previousPatches(deps, paths, known.get(`${name}/Index`), change?.from ?? plain);
  if (before.length === 0 && fresh === undefined) return [];
  await deps.files.makeDirectory(directory);
  const linked = await all(before, (patch) => linkPatch(deps, paths, directory, patch));
  if (change !== undefined && fresh === undefined) return [];
  // What is lost breaks the way of all that are older.
  const there = [...before.slice(linked.lastIndexOf(false) + 1), ...(fresh === undefined ? [] : [fresh.patch])];
  const patches = worthwhile(there, suite.pdiffs, xz);
  if (patches.length === 0) return [];
  const written: (readonly [string, Uint8Array])[] = [['Index', Buffer.from(formatPdiffIndex(plain, patches))]];
  if (fresh !== undefined) written.push([`${fresh.patch.name}.gz`, fresh.packed]);
  const [index] = await all(written, async ([file, bytes]) => {
    const placed = await placeByHash(deps, paths, `${name}/${file}`, bytes);
    await linkByHash(deps, join(paths.byHash, placed.sha256), join(directory, file));
    return placed;
  });
  await deps.files.symlink(byHashTarget(name), join(directory, 'by-hash'));
  return [index!];
}

/** Undefined where it would not pay, or apt could not read it. */
function scriptOf({ from, edits }: IndexChange, to: ReleaseFile): Uint8Array | undefined {
  // apt fetches nothing for an empty index, and so has nothing to patch.
  if (edits === undefined || from.size === 0 || to.size === 0) return undefined;
  const changes = indexChanges(edits);
  const pays = changes.reduce((sum, { added }) => sum + added.length, 0) < to.size;
  return pays ? formatEdScript(changes) : undefined;
}

/** The patches that lead to an index, from the oldest on; none when what is there does not say so. */
async function previousPatches(
  deps: ArchiveDeps,
  paths: SuitePaths,
  listed: ReleaseFile | undefined,
  to: ReleaseFile,
): Promise<readonly NewPdiffPatch[]> {
  const text = listed && (await deps.files.readBytes(join(paths.byHash, listed.sha256)));
  if (text === undefined || sha256(text) !== listed!.sha256) return [];
  try {
    const { current, merged, patches } = parsePdiffIndex(text.toString(), listed!.path);
    if (merged || current.sha256 !== to.sha256) return [];
    const ours = patches.flatMap(({ download, ...patch }) => (download === undefined ? [] : [{ ...patch, download }]));
    return ours.length === patches.length ? ours : [];
  } catch (error) {
    if (error instanceof SheafError) return [];
    throw error;
  }
}

async function newPatch(name: string, script: Uint8Array, from: ReleaseFile) {
  const packed = await pack(script, { level: 9 });
  const hashed = (bytes: Uint8Array) => ({ sha256: sha256(bytes), size: bytes.length });
  const patch: NewPdiffPatch = { name, ...hashed(script), from, download: hashed(packed) };
  return { patch, packed };
}

/** False when its file is lost. */
async function linkPatch(
  deps: ArchiveDeps,
  paths: SuitePaths,
  directory: string,
  { name, download }: NewPdiffPatch,
): Promise<boolean> {
  try {
    await linkByHash(deps, join(paths.byHash, download.sha256), join(directory, `${name}.gz`));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** As many as wanted, and not more than the whole index costs: then apt would fetch that. */
function worthwhile(patches: readonly NewPdiffPatch[], most: number, whole: ReleaseFile): readonly NewPdiffPatch[] {
  let [first, size] = [patches.length, 0];
  while (first > Math.max(0, patches.length - most)) {
    size += patches[first - 1]!.download.size;
    if (size > whole.size) break;
    first--;
  }
  return patches.slice(first);
}
