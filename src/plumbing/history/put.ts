/** Stores an index: finds the pieces that are there, writes those that are not, then the recipe that makes it true. */
import { formatPiecesHead, parsePiecesHead } from '../../formats/history/pieces-head.ts';
import {
  changesOf,
  formatChangedList,
  formatRecipeHead,
  formatWholeList,
  parseChangedList,
  parseWholeList,
} from '../../formats/history/recipe.ts';
import type { Sha256 } from '../../kit/digest.ts';
import { SheafError } from '../../kit/error.ts';
import type { Appender, NewFrame } from './append.ts';
import type { Recipe } from './catalog.ts';
import { cutIndex } from './cut.ts';
import type { Generation } from './generation.ts';
import { matchPieces, pieceAt, startOf, sumPieces, type CutIndex } from './match.ts';
import type { PieceTable } from './piece-table.ts';
import { findPredecessors } from './predecessors.ts';
import type { PutOptions } from './types.ts';
import { compress, decompress } from './zstd.ts';

/** Bytes of pieces in one frame: small enough to be decoded in a millisecond, large enough to compress well. */
const frameSize = 2 ** 20;
/** Recipes that change each other in a row, before a whole one is written. */
const longestChain = 128;
const largestNumber = 2 ** 31 - 1;

export type Target = { readonly generation: Generation; readonly table: PieceTable; readonly appender: Appender };

/**
 * Writes everything but does not say yet that it is true: `commit` writes the recipe. The bytes of every piece of it
 * have been compared with the store's when this returns.
 */
export async function preparePut(
  { generation, table, appender }: Target,
  bytes: Buffer,
  options: PutOptions,
): Promise<NewFrame> {
  const { catalog } = generation;
  const cut = sumPieces(bytes, cutIndex(bytes, options.split));
  const previous = options.successorOf === undefined ? undefined : catalog.recipe(options.successorOf);
  const before = previous === undefined ? undefined : await listOrNothing(generation, previous);
  const numbers = await matchPieces(generation, table, cut, before ?? new Uint32Array());
  const twins = findTwins(cut, numbers);
  const predecessors =
    before === undefined
      ? new Map<number, number>()
      : await findPredecessors(generation, { cut, numbers, before, split: options.split });
  const helps = await readHelps(generation, new Set(predecessors.values()));
  for (const [index, piece] of predecessors) if (!helps.has(piece)) predecessors.delete(index);
  const written = await writePieces({ generation, appender, cut, numbers, predecessors, helps, twins });
  for (const [index, twin] of twins) numbers[index] = numbers[twin]!;
  const recipe = { sha256: options.sha256, size: bytes.length, split: options.split, ...written };
  return recipeFrame(
    generation,
    recipe,
    numbers,
    before === undefined ? undefined : { recipe: previous!, list: before },
  );
}

async function listOrNothing(generation: Generation, recipe: Recipe): Promise<Uint32Array | undefined> {
  try {
    return await generation.list(recipe);
  } catch (error) {
    if (error instanceof SheafError) return undefined;
    throw error;
  }
}

/** New pieces that the index holds more than once: place of the later → place of the first. */
function findTwins(cut: CutIndex, numbers: Uint32Array): Map<number, number> {
  const twins = new Map<number, number>();
  const firsts = new Map<number, number>();
  for (let index = 0; index < numbers.length; index++) {
    if (numbers[index] !== 0) continue;
    const first = firsts.get(cut.sums[index]!);
    if (first === undefined) firsts.set(cut.sums[index]!, index);
    else if (pieceAt(cut, index).equals(pieceAt(cut, first))) twins.set(index, first);
  }
  return twins;
}

/** The bytes of pieces, without those that cannot be read. */
async function readHelps(generation: Generation, pieces: ReadonlySet<number>): Promise<Map<number, Buffer>> {
  const byFrame = Map.groupBy(pieces, (piece) => generation.catalog.frameOf(piece)!);
  const helps = new Map<number, Buffer>();
  await generation.visit(
    byFrame.keys(),
    (frame, bytes) => {
      for (const piece of byFrame.get(frame)!) helps.set(piece, Buffer.from(generation.cutOut(bytes, piece)));
    },
    () => {},
  );
  return helps;
}

type Work = {
  readonly generation: Generation;
  readonly appender: Appender;
  readonly cut: CutIndex;
  /** By place in the index; new pieces get theirs here. */
  readonly numbers: Uint32Array;
  readonly predecessors: ReadonlyMap<number, number>;
  readonly helps: ReadonlyMap<number, Buffer>;
  readonly twins: ReadonlyMap<number, number>;
};

/** Says how many pieces were new, and the next number after theirs. */
async function writePieces(work: Work): Promise<{ readonly newPieces: number; readonly next: number }> {
  const { generation, appender, cut, numbers, predecessors, twins } = work;
  const helped: number[] = [];
  const alone: number[] = [];
  let bytes = 0;
  for (let index = 0; index < numbers.length; index++) {
    if (numbers[index] !== 0 || twins.has(index)) continue;
    (predecessors.has(index) ? helped : alone).push(index);
    bytes += pieceAt(cut, index).length;
  }
  const level = levelFor(bytes);
  const groups = [...groupBySize(cut, helped), ...groupBySize(cut, alone)];
  let next = generation.catalog.next;
  if (next + helped.length + alone.length > largestNumber) {
    throw new SheafError('over-limit', 'Cannot store an index: the store has no piece numbers left');
  }
  const drafts = groups.map((places) => {
    const first = next;
    next += places.length;
    for (const [index, place] of places.entries()) numbers[place] = first + index;
    return () => draftFrame(work, places, level);
  });
  const written: { readonly offset: number; readonly draft: Draft }[] = [];
  // Two are compressed at a time, by other threads; they are written in order.
  const begun: Promise<Draft>[] = [];
  for (let index = 0; index < drafts.length; index++) {
    while (begun.length < Math.min(index + 2, drafts.length)) {
      const draft = drafts[begun.length]!();
      // Awaited in its turn; until then its failure is not unhandled.
      draft.catch(() => {});
      begun.push(draft);
    }
    const draft = await begun[index]!;
    written.push({ offset: await appender.add(draft.frame), draft });
  }
  if (written.length > 0) await appender.sync();
  for (const { offset, draft } of written) await checkFrame(work, appender, offset, draft);
  return { newPieces: helped.length + alone.length, next };
}

/** The more there is, the less time for each byte: a first load takes seconds, a further version a tenth of one. */
function levelFor(bytes: number): number {
  if (bytes <= 2 * 2 ** 20) return 19;
  return bytes <= 16 * 2 ** 20 ? 12 : 9;
}

function groupBySize(cut: CutIndex, places: readonly number[]): number[][] {
  const groups: number[][] = [];
  let size = frameSize;
  for (const place of places) {
    const { length } = pieceAt(cut, place);
    if (size + length > frameSize) {
      groups.push([]);
      size = 0;
    }
    groups.at(-1)!.push(place);
    size += length;
  }
  return groups;
}

type Draft = { readonly frame: NewFrame; readonly places: readonly number[]; readonly dictionary: Buffer | undefined };

async function draftFrame(work: Work, places: readonly number[], level: number): Promise<Draft> {
  const { generation, cut, numbers, predecessors, helps } = work;
  const raw = joined(cut, places);
  const isHelped = predecessors.has(places[0]!);
  const helpers = isHelped ? Uint32Array.from(places, (place) => predecessors.get(place)!) : undefined;
  const dictionary =
    helpers === undefined ? undefined : Buffer.concat([...new Set(helpers)].map((piece) => helps.get(piece)!));
  const packed = await compress(raw, { level, dictionary });
  // A frame with a dictionary is always compressed: it says so by having one.
  const codec = packed.length < raw.length || isHelped ? 'zstd' : 'stored';
  const head = formatPiecesHead(
    {
      numbers: Uint32Array.from(places, (place) => numbers[place]!),
      lengths: Uint32Array.from(places, (place) => pieceAt(cut, place).length),
      sums: Uint32Array.from(places, (place) => cut.sums[place]!),
      predecessors: helpers,
    },
    generation.catalog.lengthOf,
  );
  return { frame: { kind: 'pieces', codec, head, body: codec === 'zstd' ? packed : raw }, places, dictionary };
}

/** Pieces that follow each other need no copy: a first load would make one of the whole index. */
function joined(cut: CutIndex, places: readonly number[]): Buffer {
  const [first, last] = [places[0]!, places.at(-1)!];
  if (last - first === places.length - 1) return cut.bytes.subarray(startOf(cut, first), cut.ends[last]);
  return Buffer.concat(places.map((place) => pieceAt(cut, place)));
}

/** Throws `index-corrupt` unless the disk holds the frame, and it decodes to the pieces. */
async function checkFrame(
  { generation, cut }: Work,
  appender: Appender,
  offset: number,
  { frame, places, dictionary }: Draft,
): Promise<void> {
  await appender.check(offset, frame);
  const { lengths } = parsePiecesHead(frame.head, generation.catalog.lengthOf);
  const length = lengths.reduce((sum, one) => sum + one, 0);
  const raw = frame.codec === 'stored' ? frame.body : await decompress(frame.body, length, dictionary);
  let at = 0;
  for (const place of places) {
    const piece = pieceAt(cut, place);
    if (piece.compare(raw, at, at + piece.length) !== 0) throw misread();
    at += piece.length;
  }
  if (at !== raw.length) throw misread();
}

function misread(): SheafError {
  return new SheafError('index-corrupt', 'Cannot store an index: a frame does not decode to what it was made of', {
    kind: 'environment',
    hint: 'Check the memory of this machine.',
  });
}

type RecipeAbout = {
  readonly sha256: Sha256;
  readonly size: number;
  readonly split: 'stanzas' | 'lines';
  readonly newPieces: number;
  readonly next: number;
};

/** The shorter of a whole list and the changes to the one before. Throws `index-corrupt` unless it reads as it should. */
async function recipeFrame(
  generation: Generation,
  about: RecipeAbout,
  numbers: Uint32Array,
  before: { readonly recipe: Recipe; readonly list: Uint32Array } | undefined,
): Promise<NewFrame> {
  const changed =
    before === undefined || chainOf(generation, before.recipe) >= longestChain
      ? undefined
      : formatChangedList(numbers, changesOf(before.list, numbers));
  const whole = formatWholeList(numbers);
  const isWhole = changed === undefined || whole.length <= changed.length;
  const raw = isWhole ? whole : changed;
  const again = isWhole ? parseWholeList(raw, numbers.length) : parseChangedList(before!.list, raw, numbers.length);
  if (Buffer.compare(bytesOf(again), bytesOf(numbers)) !== 0) throw misread();
  const packed = await compress(raw, { level: 19 });
  const isPacked = packed.length < raw.length;
  const head = formatRecipeHead({
    ...about,
    place: generation.catalog.recipes.length,
    pieces: numbers.length,
    base: isWhole ? undefined : before!.recipe.place,
    listLength: raw.length,
  });
  return { kind: 'recipe', codec: isPacked ? 'zstd' : 'stored', head, body: isPacked ? packed : raw };
}

function chainOf({ catalog }: Generation, recipe: Recipe): number {
  let length = 1;
  for (let at: Recipe | undefined = recipe; at?.base !== undefined; at = catalog.recipes[at.base]) length++;
  return length;
}

function bytesOf(numbers: Uint32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
