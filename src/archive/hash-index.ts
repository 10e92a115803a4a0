/**
 * The SHA-256 of a changed index. A hash goes from the first byte to the last, so a change in the middle would have half of
 * a large index hashed again that is as before. How far it had come is therefore remembered now and then, in memory, by
 * the hash of the whole: the next version goes on from the last place before its first change.
 */
import { createHash, type Hash } from 'node:crypto';

import type { Sha256 } from '../kit/digest.ts';
import type { BlockEdit } from './change-blocks.ts';
import type { PlainIndex } from './plain-copy.ts';

/** The state of a hash after so many bytes, at the end of a block. */
type Milestone = { readonly size: number; readonly hash: Hash };

/** Of the indexes hashed last, by their SHA-256. Each has some hundred bytes for every few megabytes of its index. */
const milestones = new Map<Sha256, readonly Milestone[]>();
const mostIndexes = 200;
/** Bytes from one to the next. */
const stride = 2 * 2 ** 20;

/** Of the index whose content is `plain` with `edits`; `before` is the SHA-256 of `plain`. Throws `damaged-copy`. */
export async function hashChanged(
  plain: PlainIndex,
  before: Sha256,
  edits: readonly BlockEdit[],
): Promise<{ readonly size: number; readonly sha256: Sha256 }> {
  const ends = endsOfBlocks(plain, edits[0]?.first ?? plain.blocks.length);
  const passed = (milestones.get(before) ?? []).filter(({ size }) => ends.has(size));
  const last = passed.at(-1);
  const hash = last === undefined ? createHash('sha256') : last.hash.copy();
  let size = last?.size ?? 0;
  const add = (bytes: Uint8Array) => {
    hash.update(bytes);
    size += bytes.length;
    if (size >= (passed.at(-1)?.size ?? 0) + stride) passed.push({ size, hash: hash.copy() });
  };
  let next = last === undefined ? 0 : ends.get(last.size)!;
  for (const { first, end, blocks } of edits) {
    for await (const piece of plain.pieces(next, first)) add(piece);
    for (const bytes of blocks) add(bytes);
    next = end;
  }
  for await (const piece of plain.pieces(next, plain.blocks.length)) add(piece);
  const sha256 = hash.digest('hex') as Sha256;
  remember(sha256, passed);
  return { size, sha256 };
}

/** The number of the block after each place where a block ends, up to block `last`. */
function endsOfBlocks(plain: PlainIndex, last: number): Map<number, number> {
  const ends = new Map<number, number>();
  let size = 0;
  for (const [number, block] of plain.blocks.slice(0, last).entries()) ends.set((size += block.size), number + 1);
  return ends;
}

function remember(sha256: Sha256, passed: readonly Milestone[]): void {
  milestones.delete(sha256);
  milestones.set(sha256, passed);
  for (const oldest of milestones.keys()) {
    if (milestones.size <= mostIndexes) break;
    milestones.delete(oldest);
  }
}
