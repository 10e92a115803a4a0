/** What a rebuild left beside its result, kept as blobs: its log, its difference and diffoscope's text. */
import { createReadStream } from 'node:fs';

import type { Rebuilt } from '../../flows/rebuild.ts';
import type { RebuildResult } from '../../model/rebuild.ts';
import type { Blobs } from '../../plumbing/blobs.ts';

/** The result that names them. */
export async function keepDocuments(
  blobs: Blobs,
  { result, logs, difference }: Rebuilt,
  depth?: string,
): Promise<RebuildResult> {
  const log = logs.length === 0 ? undefined : (await blobs.put(joined(logs))).sha256;
  const differs = difference && (await blobs.putBytes(JSON.stringify(difference))).sha256;
  return {
    ...result,
    ...(log === undefined ? {} : { log }),
    ...(differs === undefined ? {} : { difference: differs }),
    ...(depth === undefined ? {} : { diffoscope: (await blobs.putBytes(depth)).sha256 }),
  };
}

/** The bytes of files one after the other. */
export async function* joined(paths: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const path of paths) yield* createReadStream(path) as AsyncIterable<Uint8Array>;
}
