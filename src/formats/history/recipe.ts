/**
 * A recipe: the pieces that make an index, in order. Its head says of which index; its body is the list of piece
 * numbers, either whole, as runs of numbers that follow each other, or as changes to the list of an earlier recipe.
 *
 * Head: SHA-256 of the index (32 bytes), then numbers: its place among the recipes, bytes of the index, how it was cut
 * (0 stanzas, 1 lines), pieces, pieces that were new, the first piece number that was not given yet, place of the recipe
 * it changes plus 1 (0: none), bytes of the body when it is not compressed.
 *
 * Body, whole: for each run its first number less the end of the run before, and its length. Body, changes: keep, drop,
 * number of runs to put in and those runs, again and again; what is left of the earlier list is kept.
 */
import { VarintReader, VarintWriter, badFrame } from './varint.ts';

export type RecipeHead = {
  /** 64 hexadecimal digits. */
  readonly sha256: string;
  /** Recipes are counted from 0. */
  readonly place: number;
  readonly size: number;
  readonly split: 'stanzas' | 'lines';
  readonly pieces: number;
  readonly newPieces: number;
  /** No piece of the store has this number or a higher one, when the recipe is written. */
  readonly next: number;
  /** Place of the recipe that the body changes; undefined for a whole list. */
  readonly base: number | undefined;
  /** Bytes of the body before compression. */
  readonly listLength: number;
};

const splits = ['stanzas', 'lines'] as const;

export function formatRecipeHead(head: RecipeHead): Uint8Array {
  const writer = new VarintWriter();
  writer.putBytes(Uint8Array.from({ length: 32 }, (_, i) => Number.parseInt(head.sha256.slice(2 * i, 2 * i + 2), 16)));
  for (const number of [head.place, head.size, splits.indexOf(head.split), head.pieces, head.newPieces, head.next]) {
    writer.put(number);
  }
  writer.put(head.base === undefined ? 0 : head.base + 1);
  writer.put(head.listLength);
  return writer.finish();
}

/** Throws `bad-frame`. */
export function parseRecipeHead(bytes: Uint8Array): RecipeHead {
  const reader = new VarintReader(bytes);
  const sha256 = [...reader.take(32)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const place = reader.next();
  const size = reader.next();
  const split = splits[reader.next()];
  const pieces = reader.next();
  const newPieces = reader.next();
  const next = reader.next();
  const base = reader.next();
  const listLength = reader.next();
  if (split === undefined || base > place || !reader.atEnd) throw badFrame('its head is not one of a recipe');
  return { sha256, place, size, split, pieces, newPieces, next, base: base === 0 ? undefined : base - 1, listLength };
}

export function formatWholeList(numbers: Uint32Array): Uint8Array {
  const writer = new VarintWriter();
  putRuns(writer, runsOf(numbers, 0, numbers.length), 0);
  return writer.finish();
}

/** Throws `bad-frame` unless exactly `count` numbers come out. */
export function parseWholeList(bytes: Uint8Array, count: number): Uint32Array {
  const reader = new VarintReader(bytes);
  const list = new NumberList(count);
  let end = 0;
  while (!reader.atEnd) end = takeRun(reader, list, end);
  return list.finish();
}

/** `changes` are those from the base to `numbers`. */
export function formatChangedList(numbers: Uint32Array, changes: readonly ListChange[]): Uint8Array {
  const writer = new VarintWriter();
  let end = 0;
  for (const { keep, drop, from, to } of changes) {
    const runs = runsOf(numbers, from, to);
    writer.put(keep);
    writer.put(drop);
    writer.put(runs.length);
    end = putRuns(writer, runs, end);
  }
  return writer.finish();
}

/** Throws `bad-frame` unless the changes fit the base and exactly `count` numbers come out. */
export function parseChangedList(base: Uint32Array, bytes: Uint8Array, count: number): Uint32Array {
  const reader = new VarintReader(bytes);
  const list = new NumberList(count);
  let at = 0;
  let end = 0;
  while (!reader.atEnd) {
    const keep = reader.next();
    const drop = reader.next();
    if (at + keep + drop > base.length) throw badFrame('a recipe keeps more than there was');
    list.add(base.subarray(at, at + keep));
    at += keep + drop;
    for (let runs = reader.next(); runs > 0; runs--) end = takeRun(reader, list, end);
  }
  list.add(base.subarray(at));
  return list.finish();
}

/** One difference of two lists: after `keep` common numbers, `drop` go and `to - from` come in their place. */
export type ListChange = { readonly keep: number; readonly drop: number; readonly from: number; readonly to: number };

/**
 * The differences from `base` to `numbers`. Walks both lists once: a number that stands further on in the base ends a
 * difference there. Lists that are sorted alike, as indexes are, give few differences; any two lists give right ones.
 */
export function changesOf(base: Uint32Array, numbers: Uint32Array): ListChange[] {
  const places = placesOf(base);
  const changes: ListChange[] = [];
  let at = 0;
  let kept = 0;
  for (let index = 0; index < numbers.length;) {
    if (at < base.length && base[at] === numbers[index]) {
      at++;
      index++;
      kept++;
      continue;
    }
    const from = index;
    let next = placeAfter(places, numbers[index]!, at);
    while (next === undefined && ++index < numbers.length) next = placeAfter(places, numbers[index]!, at);
    const to = next ?? base.length;
    changes.push({ keep: kept, drop: to - at, from, to: index });
    at = to;
    kept = 0;
  }
  if (at < base.length) changes.push({ keep: kept, drop: base.length - at, from: numbers.length, to: numbers.length });
  return changes;
}

type Places = { get(number: number): number | undefined };

/** The place of each number, plus 1; of one that is there twice, the last. */
function placesOf(list: Uint32Array): Places {
  let most = 0;
  for (const number of list) if (number > most) most = number;
  if (most > 64 * list.length + 2 ** 20) return new Map(Array.from(list, (number, place) => [number, place + 1]));
  // As a rule the numbers lie close together, and then this takes a tenth of the time.
  const places = new Uint32Array(most + 1);
  for (let place = 0; place < list.length; place++) places[list[place]!] = place + 1;
  return { get: (number) => places[number] };
}

function placeAfter(places: Places, number: number, at: number): number | undefined {
  const place = (places.get(number) ?? 0) - 1;
  return place >= at ? place : undefined;
}

type Run = { readonly first: number; readonly length: number };

function runsOf(numbers: Uint32Array, from: number, to: number): Run[] {
  const runs: Run[] = [];
  for (let index = from; index < to;) {
    const first = numbers[index]!;
    let length = 1;
    while (index + length < to && numbers[index + length] === first + length) length++;
    runs.push({ first, length });
    index += length;
  }
  return runs;
}

function putRuns(writer: VarintWriter, runs: readonly Run[], before: number): number {
  let end = before;
  for (const { first, length } of runs) {
    writer.putSigned(first - end);
    writer.put(length);
    end = first + length;
  }
  return end;
}

function takeRun(reader: VarintReader, list: NumberList, before: number): number {
  const first = before + reader.nextSigned();
  const length = reader.next();
  if (first <= 0 || length === 0 || first + length > 2 ** 31) throw badFrame('a recipe names an impossible piece');
  list.addRun(first, length);
  return first + length;
}

/** A list of known length, never longer whatever the bytes say. */
class NumberList {
  readonly #numbers: Uint32Array;
  #length = 0;

  constructor(count: number) {
    this.#numbers = new Uint32Array(count);
  }

  add(numbers: Uint32Array): void {
    this.#check(numbers.length);
    this.#numbers.set(numbers, this.#length);
    this.#length += numbers.length;
  }

  addRun(first: number, length: number): void {
    this.#check(length);
    for (let index = 0; index < length; index++) this.#numbers[this.#length++] = first + index;
  }

  finish(): Uint32Array {
    if (this.#length !== this.#numbers.length) throw badFrame('a recipe has fewer pieces than it says');
    return this.#numbers;
  }

  #check(count: number): void {
    if (this.#length + count > this.#numbers.length) throw badFrame('a recipe has more pieces than it says');
  }
}
