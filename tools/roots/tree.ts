/** What lies in a tar archive of a root, and the contents of some of its files. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

import { streamTar, type StreamedTarEntry } from '../../src/formats/container/tar.ts';
import type { TarType } from '../../src/formats/container/tar-header.ts';

export type TreeEntry = {
  /** Two names of one file are both a file. */
  readonly type: TarType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  /** Of a symbolic link. */
  readonly target: string;
  /** SHA-256 of a file. */
  readonly content: string;
};

/** By their paths without `./` and without the slash at the end; the root itself is the empty one. */
export type Tree = ReadonlyMap<string, TreeEntry>;

const limits = { entries: 10 ** 7, bytes: 2 ** 40, path: 2 ** 14 };

export async function readTree(file: string): Promise<Tree> {
  const tree = new Map<string, TreeEntry>();
  for await (const entry of open(file)) {
    const path = pathOf(entry.path);
    if (entry.type === 'hardlink') {
      const first = tree.get(pathOf(entry.link));
      if (first === undefined) throw new Error(`${file}: ${path} is a link to what is not there`);
      tree.set(path, first);
      continue;
    }
    const hash = createHash('sha256');
    if (entry.type === 'file') for await (const piece of entry.content) hash.update(piece);
    const { type, mode, uid, gid, mtime, link } = entry;
    const content = type === 'file' ? hash.digest('hex') : '';
    tree.set(path, { type, mode, uid, gid, mtime, target: link, content });
  }
  return tree;
}

/** The contents of files whose paths are wanted; those of larger ones are cut off. */
export async function readContents(
  file: string,
  wanted: ReadonlySet<string>,
  most = 2 ** 24,
): Promise<Map<string, Buffer>> {
  const contents = new Map<string, Buffer>();
  for await (const entry of open(file)) {
    const path = pathOf(entry.path);
    if (!wanted.has(path)) continue;
    if (entry.type === 'hardlink') {
      const first = contents.get(pathOf(entry.link));
      if (first !== undefined) contents.set(path, first);
    }
    if (entry.type !== 'file') continue;
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of entry.content) {
      size += piece.length;
      if (size <= most) pieces.push(Buffer.from(piece));
    }
    contents.set(path, Buffer.concat(pieces));
  }
  return contents;
}

function open(file: string): AsyncGenerator<StreamedTarEntry> {
  return streamTar(createReadStream(file, { highWaterMark: 2 ** 20 }), limits, file);
}

function pathOf(path: string): string {
  return path.replace(/^\.\//, '').replace(/\/$/, '');
}
