/**
 * Writes a store's log anew: the many small frames of single versions become few large ones, in which the successive
 * forms of a stanza lie together. Large frames and recipes are copied as they are; no piece and no index changes its
 * number or is left out. The new log is read in full before it takes the place of the old.
 */
import { formatPiecesHead } from '../../formats/history/pieces-head.ts';
import { formatRecipeHead } from '../../formats/history/recipe.ts';
import { SheafError } from '../../kit/error.ts';
import type { Appender } from './append.ts';
import type { Catalog, PieceFrame, Recipe } from './catalog.ts';
import type { Generation } from './generation.ts';
import { compress } from './zstd.ts';

/** Frames with as many bytes of pieces stay as they are. */
const largeFrame = 384 * 1024;
const frameSize = 2 ** 20;
/** Bytes of pieces that are held at a time. */
const batchSize = 64 * 2 ** 20;
const level = 19;

/** Whether there is nothing to gain: at most the two frames are small that the last compaction ended with. */
export function isCompact({ catalog, damages }: Generation): boolean {
  return damages.length === 0 && catalog.frames.filter((frame) => !isLarge(frame)).length <= 2;
}

function isLarge(frame: PieceFrame): boolean {
  return frame.level <= 1 && frame.rawLength >= largeFrame;
}

/** Writes all of the generation behind the id of the new log. Throws `index-corrupt` when a piece cannot be read. */
export async function copyCompacted(generation: Generation, appender: Appender): Promise<void> {
  const { catalog } = generation;
  const recipes = catalog.recipesInUse();
  const used = await usedPieces(generation, recipes);
  const plain: number[] = [];
  const helped: number[] = [];
  const kept: number[] = [];
  for (const [index, frame] of catalog.frames.entries()) {
    if (isLarge(frame)) kept.push(index);
    else for (const piece of frame.numbers) if (used[piece] === 1) (frame.level === 0 ? plain : helped).push(piece);
  }
  // Frames may only build on frames before them, and only on those that stand for themselves.
  for (const index of kept) if (catalog.frames[index]!.level === 0) await copyFrame(generation, appender, index);
  await writeMerged(generation, appender, plain, () => undefined);
  for (const index of kept) if (catalog.frames[index]!.level > 0) await copyFrame(generation, appender, index);
  const roots = new Map(helped.map((piece) => [piece, rootOf(catalog, piece)]));
  helped.sort((a, b) => roots.get(a)! - roots.get(b)! || a - b);
  await writeMerged(generation, appender, helped, (piece) => roots.get(piece)!);
  for (const recipe of recipes) await copyRecipe(generation, appender, recipe);
}

/** By piece number, 1 for those that an index has. */
async function usedPieces(generation: Generation, recipes: readonly Recipe[]): Promise<Uint8Array> {
  const used = new Uint8Array(generation.catalog.next);
  for (const recipe of recipes) for (const piece of await generation.list(recipe)) used[piece] = 1;
  return used;
}

/** The piece that stands for itself at the end of the row of predecessors. */
function rootOf(catalog: Catalog, piece: number): number {
  let root = piece;
  for (let next = catalog.predecessorOf(root); next !== undefined; next = catalog.predecessorOf(root)) root = next;
  return root;
}

async function copyFrame(generation: Generation, appender: Appender, index: number): Promise<void> {
  const frame = generation.catalog.frames[index]!;
  await appender.add({
    kind: 'pieces',
    codec: frame.codec,
    head: headOf(generation.catalog, frame.numbers, (piece) => generation.catalog.predecessorOf(piece)),
    body: await generation.readBody(frame),
  });
}

async function copyRecipe(generation: Generation, appender: Appender, recipe: Recipe): Promise<void> {
  const body = await generation.readBody(recipe);
  await appender.add({ kind: 'recipe', codec: recipe.codec, head: formatRecipeHead(recipe), body });
}

/** All of the pieces of a frame have predecessors, or none has. */
function headOf(
  catalog: Catalog,
  numbers: Uint32Array,
  predecessorOf: (piece: number) => number | undefined,
): Uint8Array {
  const isHelped = predecessorOf(numbers[0]!) !== undefined;
  return formatPiecesHead(
    {
      numbers,
      lengths: numbers.map(catalog.lengthOf),
      sums: numbers.map((piece) => catalog.sumOf(piece)),
      predecessors: isHelped ? numbers.map((piece) => predecessorOf(piece)!) : undefined,
    },
    catalog.lengthOf,
  );
}

/** Frames of these pieces, in this order. */
async function writeMerged(
  generation: Generation,
  appender: Appender,
  pieces: readonly number[],
  predecessorOf: (piece: number) => number | undefined,
): Promise<void> {
  const { catalog } = generation;
  for (const batch of batches(catalog, pieces, batchSize)) {
    const wanted = new Set(batch);
    for (const piece of batch) {
      const predecessor = predecessorOf(piece);
      if (predecessor !== undefined) wanted.add(predecessor);
    }
    const bytes = await readAll(generation, wanted);
    for (const group of batches(catalog, batch, frameSize)) {
      const raw = Buffer.concat(group.map((piece) => bytes.get(piece)!));
      const helps = new Set(group.map(predecessorOf).filter((piece) => piece !== undefined));
      const dictionary = helps.size === 0 ? undefined : Buffer.concat([...helps].map((piece) => bytes.get(piece)!));
      const packed = await compress(raw, { level, dictionary });
      const codec = packed.length < raw.length || dictionary !== undefined ? 'zstd' : 'stored';
      const head = headOf(catalog, Uint32Array.from(group), predecessorOf);
      await appender.add({ kind: 'pieces', codec, head, body: codec === 'zstd' ? packed : raw });
    }
  }
}

async function readAll(generation: Generation, pieces: ReadonlySet<number>): Promise<Map<number, Buffer>> {
  const byFrame = Map.groupBy(pieces, (piece) => generation.catalog.frameOf(piece)!);
  const found = new Map<number, Buffer>();
  await generation.visit(byFrame.keys(), (frame, bytes) => {
    for (const piece of byFrame.get(frame)!) found.set(piece, Buffer.from(generation.cutOut(bytes, piece)));
  });
  return found;
}

function* batches(catalog: Catalog, pieces: readonly number[], most: number): Iterable<number[]> {
  let batch: number[] = [];
  let size = 0;
  for (const piece of pieces) {
    const length = catalog.lengthOf(piece);
    if (batch.length > 0 && size + length > most) {
      yield batch;
      batch = [];
      size = 0;
    }
    batch.push(piece);
    size += length;
  }
  if (batch.length > 0) yield batch;
}

/** The recipe as the new log has it. Throws `index-corrupt` unless it is made of the same pieces. */
export async function checkSameIndex(before: Generation, after: Generation, recipe: Recipe): Promise<Recipe> {
  const found = after.catalog.recipe(recipe.sha256);
  if (found !== undefined) {
    const [old, now] = [await before.list(recipe), await after.list(found)];
    if (old.length === now.length && old.every((piece, index) => piece === now[index])) return found;
  }
  throw new SheafError('index-corrupt', `Cannot compact the index store: index ${recipe.sha256} would change`, {
    place: { file: before.path },
  });
}
