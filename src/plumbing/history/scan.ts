/**
 * Reads the heads of a log into a catalog. A recipe makes the frames before it valid: frames that no recipe follows are
 * the rest of a write that was cut short.
 */
import { crc32 } from 'node:zlib';

import {
  frameHeaderSize,
  frameMagic,
  isHeadIntact,
  parseFrameHeader,
  type FrameHeader,
} from '../../formats/history/frame.ts';
import { parsePiecesHead } from '../../formats/history/pieces-head.ts';
import { parseRecipeHead } from '../../formats/history/recipe.ts';
import { SheafError } from '../../kit/error.ts';
import type { Body, Catalog, Recipe } from './catalog.ts';
import type { LogFile } from './files.ts';

/** Bytes that are read at once: enough for most heads, so that a frame costs one read at the most. */
const windowSize = 256 * 1024;
const magic = Uint8Array.from(frameMagic);

type Found = { readonly header: FrameHeader; readonly body: Body; readonly head: Uint8Array; readonly end: number };

export type Scanned = {
  /** Where the valid frames end: the next frame belongs here. */
  readonly end: number;
  /** What is wrong between valid frames; whatever is wrong behind the last of them is only a write cut short. */
  readonly damages: readonly string[];
};

/** The id that the first frame gives the store, and where that frame ends. Throws `index-store-damaged`. */
export async function scanStore(file: LogFile, path: string): Promise<{ readonly id: string; readonly end: number }> {
  const window = new Window(file, (await file.stat()).size);
  const found = await frameAt(window, 0);
  if (found?.header.kind !== 'store') {
    throw new SheafError('index-store-damaged', `Cannot open the index store ${path}: it does not begin with its id`, {
      place: { file: path, offset: 0 },
      hint: 'Put the file back from a copy; the store cannot be read without it.',
    });
  }
  return { id: Buffer.from(found.head).toString('latin1'), end: found.end };
}

/** Adds what stands from `start` on to the catalog, up to the last recipe that is whole. */
export async function scanLog(file: LogFile, catalog: Catalog, start: number): Promise<Scanned> {
  const window = new Window(file, (await file.stat()).size);
  const damages: string[] = [];
  let waiting: (() => void)[] = [];
  let doubts: string[] = [];
  let end = start;
  for (let offset = start; offset < window.size;) {
    const found = await frameAt(window, offset);
    if (found === undefined) {
      doubts.push(`there is no frame at byte ${offset}`);
      offset = await nextMagic(window, offset + 1);
      continue;
    }
    offset = found.end;
    if (found.header.kind !== 'recipe') {
      waiting.push(() => addPieces(catalog, found, damages));
      continue;
    }
    const recipe = await readRecipe(window, found);
    if (recipe === undefined || recipe.damaged) {
      doubts.push(`the recipe at byte ${found.body.offset} is damaged`);
      if (recipe !== undefined) waiting.push(() => catalog.addRecipe(recipe));
      continue;
    }
    damages.push(...doubts);
    for (const add of waiting) add();
    catalog.addRecipe(recipe);
    end = offset;
    waiting = [];
    doubts = [];
  }
  return { end, damages };
}

function addPieces(catalog: Catalog, { body, head, header }: Found, damages: string[]): void {
  if (header.kind !== 'pieces') return;
  try {
    catalog.addFrame(body, parsePiecesHead(head, catalog.lengthOf));
  } catch (error) {
    if (!(error instanceof SheafError)) throw error;
    damages.push(`the frame at byte ${body.offset}: ${error.message}`);
  }
}

async function readRecipe(window: Window, { head, body }: Found): Promise<Recipe | undefined> {
  try {
    const bytes = await window.at(body.bodyOffset, body.bodyLength);
    return { ...parseRecipeHead(head), ...body, damaged: crc32(bytes) !== body.bodySum };
  } catch (error) {
    if (error instanceof SheafError) return undefined;
    throw error;
  }
}

/** A frame whose head is as it was written and whose body is not cut off, or undefined. */
async function frameAt(window: Window, offset: number): Promise<Found | undefined> {
  const header = parseFrameHeader(await window.at(offset, frameHeaderSize));
  if (header === undefined) return undefined;
  const bodyOffset = offset + frameHeaderSize + header.headLength;
  const end = bodyOffset + header.bodyLength;
  if (end > window.size) return undefined;
  const bytes = await window.at(offset, bodyOffset - offset);
  if (!isHeadIntact(bytes, header, crc32)) return undefined;
  const { codec, bodyLength, bodySum } = header;
  return {
    header,
    body: { offset, bodyOffset, bodyLength, bodySum, codec },
    head: bytes.subarray(frameHeaderSize),
    end,
  };
}

/** The next place where a frame may begin, or the end of the file. */
async function nextMagic(window: Window, start: number): Promise<number> {
  for (let offset = start; offset < window.size; offset += windowSize - magic.length) {
    const found = (await window.at(offset, windowSize)).indexOf(magic);
    if (found !== -1) return offset + found;
  }
  return window.size;
}

/** A file read by large parts. What it has given stays as it is when it reads on. */
class Window {
  readonly #file: LogFile;
  readonly size: number;
  #start = 0;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(file: LogFile, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** Up to `length` bytes from `offset` on: fewer at the end of the file. */
  async at(offset: number, length: number): Promise<Buffer> {
    const wanted = Math.min(length, this.size - offset);
    if (offset < this.#start || offset + wanted > this.#start + this.#bytes.length) {
      const bytes = Buffer.allocUnsafe(Math.min(Math.max(wanted, windowSize), this.size - offset));
      this.#bytes = bytes.subarray(0, await this.#file.read(bytes, offset));
      this.#start = offset;
    }
    return this.#bytes.subarray(offset - this.#start, offset - this.#start + wanted);
  }
}
