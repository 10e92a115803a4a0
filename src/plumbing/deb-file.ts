/** A `.deb` on this machine's disk, opened as a stream. */
import { createReadStream } from 'node:fs';

import { openDeb, type DebLimits, type OpenDeb } from '../formats/deb/deb-stream.ts';
import { decompressStream } from './decompress.ts';

/** More than the largest packages of any archive unpack to. */
const ample: DebLimits = { bytes: 64 * 2 ** 30, entries: 1_000_000 };

/** As `openDeb`, for a file; whoever does not read the entries to their end closes it. */
export async function openDebFile(path: string, limits = ample, name = path): Promise<OpenDeb> {
  return openDeb(createReadStream(path, { highWaterMark: 2 ** 18 }), decompressStream, limits, name);
}
