/**
 * Changing a Contents index block by block: each block is a member of its .gz file. Where blocks end depends on the paths
 * alone, so blocks without a changed path are taken over compressed as they are, and the same lines always give the same
 * file, whatever was there before. Writing one anew is changing one that has no blocks.
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw, gunzip, gunzipSync } from 'node:zlib';

import { gzipMember, type GzipMember } from '../formats/container/gzip-members.ts';
import type { Sha256 } from '../kit/digest.ts';
import type { ContentsChange } from './contents-changes.ts';
import type { ByteText } from './package-contents.ts';

const deflate = promisify(deflateRaw);
const inflate = promisify(gunzip);

/** Lines of a block on average: some 64 KiB. */
const blockLines = 700;
/** Blocks that are compressed or decompressed at a time, on other threads. */
const atOnce = 8;

export type ContentsFile = {
  readonly members: readonly GzipMember[];
  /** Of what is in it. apt fetches no index whose uncompressed form Release does not name. */
  readonly size: number;
  readonly sha256: Sha256;
};

/** The new file. `changes` come in the order of their paths' bytes. */
export async function changeContents(
  blocks: readonly GzipMember[],
  changes: Iterable<ContentsChange>,
): Promise<ContentsFile> {
  const index = new OldIndex(blocks);
  const pending = new Pending(changes);
  const writer = new BlockWriter();
  let next = 0;
  while (pending.path !== undefined) {
    const first = Math.max(next, index.blockBefore(pending.path));
    while (next < first) await writer.take(blocks[next++]!);
    // A block whose first line may go is read with the one before, which then reaches further.
    for (let until: ByteText | undefined; ;) {
      const lines = next < blocks.length ? index.lines(next) : [];
      for (const line of changedLines(lines, pending, (until = index.firstPath(++next)))) {
        writer.line(line);
        if (writer.isFull) await writer.flush();
      }
      if (until === undefined || pending.path !== until) break;
    }
    writer.cut();
  }
  while (next < blocks.length) await writer.take(blocks[next++]!);
  return writer.end();
}

type Line = { readonly path: ByteText; readonly names: string };

/** The lines of a block as they are from now on, and new ones that belong before the next block. */
function* changedLines(lines: readonly string[], pending: Pending, until: ByteText | undefined): Generator<Line> {
  for (const line of lines) {
    const path = pathOf(line);
    yield* pending.before(path);
    const names = line.slice(path.length + 1);
    yield { path, names: pending.path === path ? pending.apply(names) : names };
  }
  yield* pending.before(until);
}

class OldIndex {
  readonly #blocks: readonly GzipMember[];
  readonly #firsts = new Map<number, ByteText>();

  constructor(blocks: readonly GzipMember[]) {
    this.#blocks = blocks;
  }

  /** The last block that begins before the path, or the first one of all. */
  blockBefore(path: ByteText): number {
    let [low, high] = [0, this.#blocks.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.firstPath(middle)! < path) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Undefined behind the last block. */
  firstPath(number: number): ByteText | undefined {
    const block = this.#blocks[number];
    const known = this.#firsts.get(number);
    if (known !== undefined || block === undefined) return known;
    // What one finds by the first KiB is nearly always the whole path.
    const start = gunzipSync(block.bytes.subarray(0, 1024), { finishFlush: constants.Z_SYNC_FLUSH }).toString('latin1');
    const path = pathOf(start.includes('\t') ? start : this.#text(number));
    this.#firsts.set(number, path);
    return path;
  }

  lines(number: number): string[] {
    return this.#text(number).slice(0, -1).split('\n');
  }

  #text(number: number): ByteText {
    const { bytes, uncompressedSize } = this.#blocks[number]!;
    return gunzipSync(bytes, oneChunk(uncompressedSize)).toString('latin1');
  }
}

/** The changes, those of one path at a time. */
class Pending {
  readonly #changes: Iterator<ContentsChange>;
  #next: ContentsChange | undefined;

  constructor(changes: Iterable<ContentsChange>) {
    this.#changes = changes[Symbol.iterator]();
    this.#advance();
  }

  get path(): ByteText | undefined {
    return this.#next?.path;
  }

  /** New lines before a path, or all that are left. */
  *before(until: ByteText | undefined): Generator<Line> {
    for (let path = this.path; path !== undefined && (until === undefined || path < until); path = this.path) {
      yield { path, names: this.apply('') };
    }
  }

  /** The packages that have the path from now on, of those that had it. */
  apply(names: string): string {
    const path = this.path;
    const listed = new Set(names === '' ? [] : names.split(','));
    for (; this.#next !== undefined && this.#next.path === path; this.#advance()) {
      if (this.#next.listed) listed.add(this.#next.name);
      else listed.delete(this.#next.name);
    }
    return listed.size === 1 ? [...listed][0]! : [...listed].toSorted().join(',');
  }

  #advance(): void {
    const next = this.#changes.next();
    this.#next = next.done === true ? undefined : next.value;
  }
}

type Block = { readonly member: GzipMember; readonly bytes: Uint8Array };

class BlockWriter {
  readonly #hash = createHash('sha256');
  readonly #members: GzipMember[] = [];
  #size = 0;
  #working: Promise<Block>[] = [];
  #lines: string[] = [];

  /** The next line; none when there are no names. */
  line({ path, names }: Line): void {
    if (names === '') return;
    if (hash(path) % blockLines === 0) this.cut();
    this.#lines.push(`${path}\t${names}\n`);
  }

  /** Ends the block, if one is begun. */
  cut(): void {
    if (this.#lines.length === 0) return;
    this.#working.push(pack(this.#lines.join('')));
    this.#lines = [];
  }

  /** Whether `flush` should be waited for. */
  get isFull(): boolean {
    return this.#working.length >= atOnce;
  }

  async flush(): Promise<void> {
    const blocks = await Promise.all(this.#working);
    this.#working = [];
    for (const { member, bytes } of blocks) {
      this.#hash.update(bytes);
      this.#size += bytes.length;
      this.#members.push(member);
    }
  }

  async take(member: GzipMember): Promise<void> {
    this.#working.push(unpack(member));
    if (this.isFull) await this.flush();
  }

  async end(): Promise<ContentsFile> {
    this.cut();
    await this.flush();
    // A .gz file without any member would be an error to its readers.
    const members = this.#members.length > 0 ? this.#members : [(await pack('')).member];
    return { members, size: this.#size, sha256: this.#hash.digest('hex') as Sha256 };
  }
}

async function pack(text: ByteText): Promise<Block> {
  const bytes = Buffer.from(text, 'latin1');
  const deflated = await deflate(bytes, { level: constants.Z_BEST_COMPRESSION });
  return { member: gzipMember(deflated, crc32(bytes), bytes.length), bytes };
}

async function unpack(member: GzipMember): Promise<Block> {
  const { bytes, uncompressedSize } = member;
  return { member, bytes: await inflate(bytes, oneChunk(uncompressedSize)) };
}

/** Many small chunks take twice as long. */
function oneChunk(size: number) {
  return { maxOutputLength: size, chunkSize: Math.max(64, size) };
}

function pathOf(line: string): ByteText {
  return line.slice(0, line.indexOf('\t'));
}

/** FNV-1a, 32 bits. */
function hash(text: ByteText): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
