/** What a `.deb` on this disk unpacks: the SHA-256 of every file. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

import { parseConffiles } from '../formats/deb/control-lists.ts';
import { openDebFile } from './deb-file.ts';

export type PackagedFile = { readonly path: string; readonly sha256: string };

/**
 * By absolute path, without conffiles; undefined when the file is not there, or is another one than `sha256` says. Throws
 * as `openDeb` does.
 */
export async function packagedFiles(path: string, sha256: string): Promise<PackagedFile[] | undefined> {
  if ((await hashOf(path)) !== sha256) return undefined;
  const deb = await openDebFile(path);
  const conffiles = new Set(parseConffiles(deb.conffiles ?? '').map((each) => each.path));
  const found = new Map<string, string>();
  for await (const entry of deb.entries()) {
    const absolute = `/${entry.path}`;
    if (entry.type === 'hardlink') found.set(absolute, found.get(`/${entry.link}`) ?? '');
    if (entry.type !== 'file') continue;
    const hash = createHash('sha256');
    for await (const chunk of entry.content) hash.update(chunk);
    found.set(absolute, hash.digest('hex'));
  }
  return [...found].flatMap(([name, digest]) => (conffiles.has(name) ? [] : [{ path: name, sha256: digest }]));
}

async function hashOf(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Buffer);
    return hash.digest('hex');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
