/**
 * The way from an index that is here to the one that is wanted, by the patches that some archives keep for a while
 * (Debian's RepositoryFormat, "PDiffs"). Only a saving: whoever finds no way, or a wrong one, fetches the index whole.
 */
import { applyEdScript } from '../formats/deb/ed-script.ts';
import { parsePdiffIndex, planPatches, type PdiffIndex } from '../formats/deb/pdiff.ts';
import { sha256, type Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { WantedIndex } from './choose-indexes.ts';
import { fetchListed, type FetchedIndex, type IndexSource } from './fetch-index.ts';

export type Patches = {
  /** Undefined when the result is not what was wanted. */
  readonly apply: (previous: Uint8Array) => Promise<FetchedIndex | undefined>;
};

const largestDiffIndex = 16 * 2 ** 20;
const mostPatches = 100;

/** `missing`: the mirror announces patches and does not have them. `none`: there is no way that pays. */
export async function fetchPatches(
  source: IndexSource,
  wanted: WantedIndex,
  from: Sha256,
): Promise<Patches | 'missing' | 'none'> {
  const { diffIndex, plain } = wanted;
  if (diffIndex === undefined || plain === undefined || diffIndex.size > largestDiffIndex) return 'none';
  try {
    const file = await fetchListed(source, diffIndex);
    if (file === undefined) return 'missing';
    const index = parsePdiffIndex(new TextDecoder().decode(await file.bytes()), diffIndex.path);
    await file.discard();
    const files = index.current.sha256 === plain.sha256 ? listDownloads(index, from) : undefined;
    const whole = wanted.candidates[0]!.file.size;
    if (files === undefined || files.reduce((sum, { size }) => sum + size, 0) > whole / 2) return 'none';
    const scripts = await fetchAll(source, diffIndex.path.replace(/Index$/, ''), files);
    return scripts === undefined ? 'missing' : { apply: (previous) => apply(previous, scripts, plain.sha256) };
  } catch (error) {
    if (error instanceof SheafError && error.code !== 'aborted') return 'none';
    throw error;
  }
}

/** A patch file, the bytes of the patch inside, and of the index that it leads to. */
type Download = {
  readonly name: string;
  readonly sha256: Sha256;
  readonly size: number;
  readonly inside: number;
  readonly result: number;
};
type Script = { readonly bytes: Uint8Array; readonly result: number };

/** The patch files in order; undefined when there is no way, too long a one, or files without a hash. */
function listDownloads(index: PdiffIndex, from: Sha256): Download[] | undefined {
  const steps = planPatches(index, from);
  if (steps === undefined || steps.length > mostPatches) return undefined;
  const files = steps.map(({ downloadName: name, downloadSha256: digest, downloadSize, ...step }) =>
    digest === undefined || downloadSize === undefined
      ? undefined
      : { name, sha256: digest, size: downloadSize, inside: step.size, result: step.result.size },
  );
  return files.every((file) => file !== undefined) ? files : undefined;
}

async function fetchAll(source: IndexSource, directory: string, files: readonly Download[]) {
  const scripts: Script[] = [];
  for (const { name, inside, result, ...expect } of files) {
    const path = `${directory}${name}`;
    const file = await fetchListed({ ...source, byHash: false }, { ...expect, path });
    if (file === undefined) return undefined;
    scripts.push({ bytes: await source.decompress(await file.bytes(), inside, path), result });
    await file.discard();
  }
  return scripts;
}

async function apply(
  previous: Uint8Array,
  scripts: readonly Script[],
  wanted: Sha256,
): Promise<FetchedIndex | undefined> {
  let bytes = previous;
  try {
    for (const script of scripts) bytes = applyEdScript(bytes, script.bytes, { bytes: script.result });
  } catch (error) {
    if (error instanceof SheafError) return undefined;
    throw error;
  }
  if (sha256(bytes) !== wanted) return undefined;
  return { sha256: wanted, bytes, compressed: undefined, discard: async () => {} };
}
