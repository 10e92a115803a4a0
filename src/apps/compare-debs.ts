/** The structural comparison over files of this machine. */
import { createReadStream } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';

import type { Cause } from '../model/rebuild.ts';
import { decompressBlock } from '../plumbing/decompress-block.ts';
import { decompressStream } from '../plumbing/decompress.ts';
import { compareDebs, hints, type DebComparison } from '../rebuild/compare/mod.ts';

export type FileComparison = DebComparison & { readonly hints: readonly Cause[] };

/** `name` is what the comparison calls both; without it, their paths. Throws what `compareDebs` throws. */
export async function compareDebFiles(left: string, right: string, name?: string): Promise<FileComparison> {
  const input = (path: string) => ({
    name: name ?? path,
    open: (from: number, to: number) =>
      to > from ? createReadStream(path, { start: from, end: to - 1, highWaterMark: 2 ** 18 }) : Readable.from([]),
  });
  const comparison = await compareDebs(input(left), input(right), {
    decompress: decompressStream,
    decompressBlock,
    processors: availableParallelism(),
  });
  return { ...comparison, hints: hints(comparison) };
}
