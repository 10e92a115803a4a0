/** Finds pieces by their checksum: an open table over the numbers of a catalog, half empty at least. */
import { randomBytes } from 'node:crypto';

import type { Catalog } from './catalog.ts';

/** Pieces with the same checksum that are kept apart: whoever makes more gets them stored again, not long searches. */
const mostAlike = 64;

export class PieceTable {
  readonly #catalog: Catalog;
  #slots = new Uint32Array(1024);
  #count = 0;
  /** Pieces below this are in the table. */
  #known = 1;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** Takes in the pieces that the catalog has got since. */
  update(): void {
    const { next } = this.#catalog;
    const needed = 2 * (this.#count + next - this.#known);
    if (needed > this.#slots.length) {
      this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(2 * needed)));
      this.#count = 0;
      this.#known = 1;
    }
    for (; this.#known < next; this.#known++) {
      if (this.#catalog.frameOf(this.#known) !== undefined) this.#add(this.#known);
    }
  }

  /**
   * A piece with this checksum and length, or 0: one that `preferred` says yes to, or else the newest. Whether its bytes
   * are the same is not known yet.
   */
  find(sum: number, length: number, preferred: (piece: number) => boolean): number {
    const mask = this.#slots.length - 1;
    let found = 0;
    for (let slot = slotOf(sum) & mask, same = 0; same < mostAlike; slot = (slot + 1) & mask) {
      const piece = this.#slots[slot]!;
      if (piece === 0) break;
      if (this.#catalog.sumOf(piece) !== sum) continue;
      same++;
      if (this.#catalog.lengthOf(piece) !== length) continue;
      if (preferred(piece)) return piece;
      found = Math.max(found, piece);
    }
    return found;
  }

  #add(piece: number): void {
    const mask = this.#slots.length - 1;
    const sum = this.#catalog.sumOf(piece);
    let slot = slotOf(sum) & mask;
    for (let same = 0; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.#catalog.sumOf(this.#slots[slot]!) === sum && ++same === mostAlike) return;
    }
    this.#slots[slot] = piece;
    this.#count++;
  }
}

/** Not to be foreseen, so that nobody can make pieces that crowd in one place. */
const seed = randomBytes(4).readUInt32LE();

function slotOf(sum: number): number {
  const mixed = Math.imul(sum ^ seed, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}
