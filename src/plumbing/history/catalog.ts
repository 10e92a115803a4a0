/**
 * What the heads of a log say, in memory: where each piece is, and which recipes there are. About 24 bytes a piece, so
 * that a million of them need 24 MB.
 */
import type { PiecesHead } from '../../formats/history/pieces-head.ts';
import type { RecipeHead } from '../../formats/history/recipe.ts';

/** Where a frame's body is in the log. */
export type Body = {
  /** Of the frame's header. */
  readonly offset: number;
  readonly bodyOffset: number;
  readonly bodyLength: number;
  readonly bodySum: number;
  readonly codec: 'stored' | 'zstd';
};

export type PieceFrame = Body & {
  readonly numbers: Uint32Array;
  /** Bytes of all its pieces together. */
  readonly rawLength: number;
  /** 0: stands for itself; otherwise one more than the highest of the frames with its predecessors. */
  readonly level: number;
};

/** `damaged`: its body is not what was written. */
export type Recipe = Body & RecipeHead & { readonly damaged: boolean };

export class Catalog {
  readonly frames: PieceFrame[] = [];
  /** By place. A hole is a recipe that was lost to damage. */
  readonly recipes: (Recipe | undefined)[] = [];
  readonly #byHash = new Map<string, Recipe>();
  /** By piece number: its frame plus 1, its place in the decoded frame, its length, its CRC-32, its predecessor. */
  #frame = new Uint32Array(1024);
  #offset = new Uint32Array(1024);
  #length = new Uint32Array(1024);
  #sum = new Uint32Array(1024);
  #predecessor = new Uint32Array(1024);
  /** The next piece number that was never given. */
  next = 1;

  /** Bytes of all indexes. */
  get rawBytes(): number {
    let bytes = 0;
    for (const recipe of this.#byHash.values()) bytes += recipe.size;
    return bytes;
  }

  get indexes(): number {
    return this.#byHash.size;
  }

  /** One recipe for each index, in the order in which they were stored. */
  current(): Recipe[] {
    return [...this.#byHash.values()].toSorted((a, b) => a.place - b.place);
  }

  /** The recipes of all indexes, and those that they build on. */
  recipesInUse(): Recipe[] {
    const places = new Set<number>();
    for (const recipe of this.#byHash.values()) {
      for (let at: Recipe | undefined = recipe; at !== undefined && !places.has(at.place);) {
        places.add(at.place);
        at = at.base === undefined ? undefined : this.recipes[at.base];
      }
    }
    return this.recipes.filter((recipe) => recipe !== undefined && places.has(recipe.place)) as Recipe[];
  }

  addFrame(body: Body, head: PiecesHead): void {
    const { numbers, lengths, sums, predecessors } = head;
    const frame = this.frames.length + 1;
    let rawLength = 0;
    let level = 0;
    for (let index = 0; index < numbers.length; index++) {
      const number = numbers[index]!;
      if (number >= this.#frame.length) this.#grow(number);
      if (number >= this.next) this.next = number + 1;
      this.#frame[number] = frame;
      this.#offset[number] = rawLength;
      this.#length[number] = lengths[index]!;
      this.#sum[number] = sums[index]!;
      if (predecessors !== undefined) {
        const predecessor = predecessors[index]!;
        this.#predecessor[number] = predecessor;
        const below = this.frames[this.frameOf(predecessor) ?? -1];
        level = Math.max(level, 1 + (below?.level ?? 0));
      }
      rawLength += lengths[index]!;
    }
    this.frames.push({ ...body, numbers, rawLength, level });
  }

  addRecipe(recipe: Recipe): void {
    this.recipes[recipe.place] = recipe;
    // Numbers of pieces that were lost are not given again either.
    this.next = Math.max(this.next, recipe.next);
    // Of two for the same index the later is good: it was written because the earlier was not.
    if (!recipe.damaged || !this.#byHash.has(recipe.sha256)) this.#byHash.set(recipe.sha256, recipe);
  }

  recipe(sha256: string): Recipe | undefined {
    return this.#byHash.get(sha256);
  }

  /** Undefined when there is no such piece. */
  frameOf(piece: number): number | undefined {
    const frame = this.#frame[piece] ?? 0;
    return frame === 0 ? undefined : frame - 1;
  }

  offsetOf(piece: number): number {
    return this.#offset[piece]!;
  }

  lengthOf = (piece: number): number => this.#length[piece] ?? 0;

  sumOf(piece: number): number {
    return this.#sum[piece]!;
  }

  /** The piece that this one was compressed with, or undefined. */
  predecessorOf(piece: number): number | undefined {
    const predecessor = this.#predecessor[piece]!;
    return predecessor === 0 ? undefined : predecessor;
  }

  #grow(number: number): void {
    const size = Math.max(2 * this.#frame.length, number + 1);
    this.#frame = grown(this.#frame, size);
    this.#offset = grown(this.#offset, size);
    this.#length = grown(this.#length, size);
    this.#sum = grown(this.#sum, size);
    this.#predecessor = grown(this.#predecessor, size);
  }
}

function grown(list: Uint32Array, size: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(size);
  larger.set(list);
  return larger;
}
