/**
 * Changing a few packages of a large index. An index of ours is sorted by the bytes of the packages' names, and each of
 * its stanzas begins with `Package` and ends with a blank line: so the run of stanzas of one name is found by bisection,
 * and everything else is taken over as it is.
 */
import { endOfStanza } from '../formats/deb/index-scan.ts';
import { order } from '../kit/order.ts';

/** What is to stand in the index for each name: its stanzas, or an empty text for none. */
export type Runs = ReadonlyMap<string, string>;

/** The parts of the new index, one behind the other. */
export function replaceRuns(index: Uint8Array, runs: Runs): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const encoder = new TextEncoder();
  let position = 0;
  for (const name of [...runs.keys()].toSorted(order)) {
    const run = findRun(index, name, position);
    parts.push(index.subarray(position, run.start), encoder.encode(runs.get(name)));
    position = run.end;
  }
  parts.push(index.subarray(position));
  return parts.filter((part) => part.length > 0);
}

/**
 * Where blocks of an index end that are compressed by themselves: before each anchor, and before the first of many other
 * names once a block has `target` bytes. So no block is much larger than that, which a change has to compress again, and
 * what a change moves ends at the next anchor. Blocks have `target` bytes on average.
 */
export function blockEnds(index: Uint8Array, target: number): number[] {
  const ends: number[] = [];
  let start = 0;
  let last = '';
  for (let at = 0; at < index.length; at = endOfStanza(index, at)) {
    const name = nameAt(index, at);
    if (name === last) continue;
    last = name;
    if (at > start && beginsBlock(name, at - start, target)) {
      ends.push(at);
      start = at;
    }
  }
  if (index.length > start) ends.push(index.length);
  return ends;
}

/**
 * The same cuts for an index that comes run by run, sorted by name: gives block after block. Each lasts until `lasting`
 * others have been taken; then its memory holds another.
 */
export async function* cutRuns(
  runs: AsyncIterable<readonly [string, string]> | Iterable<readonly [string, string]>,
  target: number,
  lasting: number,
): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  // Neither joined as a text nor in memory of its own: both would stay until everything is cleaned up.
  const buffers = Array.from({ length: lasting + 1 }, () => new Uint8Array(2 * target));
  let [turn, size] = [0, 0];
  for await (const [name, text] of runs) {
    if (text === '') continue;
    if (size > 0 && beginsBlock(name, size, target)) {
      yield buffers[turn]!.subarray(0, size);
      turn = (turn + 1) % buffers.length;
      size = 0;
    }
    const most = size + 3 * text.length;
    if (most > buffers[turn]!.length) {
      const larger = new Uint8Array(2 * most);
      larger.set(buffers[turn]!.subarray(0, size));
      buffers[turn] = larger;
    }
    size += encoder.encodeInto(text, buffers[turn]!.subarray(size)).written;
  }
  if (size > 0) yield buffers[turn]!.subarray(0, size);
}

/** Whether a block begins with this name whatever stands before it. One in some four times `target` bytes. */
export function isAnchor(name: string, target: number): boolean {
  return hash(name) % (4 * stanzasOf(target)) === 0;
}

/** Of a name behind a block of `size` bytes. */
function beginsBlock(name: string, size: number, target: number): boolean {
  const closes = size >= target && hash(name) % stanzasOf(target / 8) === 0;
  return closes || isAnchor(name, target);
}

/** A stanza is some 800 bytes long. */
function stanzasOf(size: number): number {
  return Math.max(1, Math.round(size / 800));
}

function findRun(index: Uint8Array, name: string, from: number): { readonly start: number; readonly end: number } {
  // Between `low` and `high`: both are beginnings of stanzas; those before `low` have smaller names.
  let low = from;
  let high = index.length;
  while (low < high) {
    const middle = startOfStanza(index, low + Math.floor((high - low) / 2), low);
    if (order(nameAt(index, middle), name) < 0) low = endOfStanza(index, middle);
    else high = middle;
  }
  let end = low;
  while (end < index.length && nameAt(index, end) === name) end = endOfStanza(index, end);
  return { start: low, end };
}

/** The beginning of the stanza that holds `position`, not before `least`. */
function startOfStanza(index: Uint8Array, position: number, least: number): number {
  for (let at = position; at > least + 1; at--) {
    if (index[at - 1] === lf && index[at - 2] === lf) return at;
  }
  return least;
}

const lf = 0x0a;
const field = 'Package: ';

/** Of the package whose stanza begins there. Package names are ASCII. */
export function nameAt(index: Uint8Array, position: number): string {
  const start = position + field.length;
  const end = index.indexOf(lf, start);
  return String.fromCharCode(...index.subarray(start, end === -1 ? index.length : end));
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
