/** What packages and source packages tell of headers and of the patches to them. */
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { buffer } from 'node:stream/consumers';

import type { HeaderDeps } from '../../flows/rebuild-headers.ts';
import { streamTar } from '../../formats/container/tar.ts';
import type { LockedPackage } from '../../model/lock.ts';
import { openDebFile } from '../../plumbing/deb-file.ts';
import { decompressStream } from '../../plumbing/decompress.ts';
import type { DebStore } from '../../root/mod.ts';

const limits = { entries: 100_000, bytes: 2 ** 29, path: 4096 };
const largestFile = 2 ** 22;

/** Of a `.debian.tar`: the changelog and the patches, by their paths in debian/. Larger ones are passed over. */
async function readDebian(path: string, name: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  const packed = decompressStream(createReadStream(path), { limit: limits.bytes, file: name });
  for await (const entry of streamTar(packed, limits, name)) {
    const file = /^(?:\.\/)?debian\/(changelog|patches\/.*)$/.exec(entry.path)?.[1];
    if (file === undefined || entry.type !== 'file' || entry.size > largestFile) continue;
    files.set(file, (await buffer(entry.content)).toString());
  }
  return files;
}

/** By their paths, as `usr/include/stdio.h`. Larger ones are passed over. */
async function readHeaders(
  debs: DebStore,
  packages: readonly LockedPackage[],
  names: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string>> {
  const headers = new Map<string, string>();
  for (const path of await debs.fetch(packages, {})) {
    for await (const entry of (await openDebFile(path)).entries()) {
      const isHeader = entry.type === 'file' && entry.path.startsWith('usr/include/') && entry.size <= largestFile;
      if (!isHeader || !names.has(basename(entry.path))) continue;
      headers.set(entry.path, (await buffer(entry.content)).toString());
    }
  }
  return headers;
}

/** What `findHeaderPatches` asks of files. */
export function headerFiles(debs: DebStore): Pick<HeaderDeps, 'readDebian' | 'readHeaders'> {
  return { readDebian, readHeaders: (packages, names) => readHeaders(debs, packages, names) };
}
