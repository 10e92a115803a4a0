/** `--keep DIR`: what was written over a root, which means nothing over another. */
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { sha256 } from '../../../kit/digest.ts';
import { SheafError } from '../../../kit/error.ts';
import { replaceFile } from '../../../plumbing/replace-file.ts';
import type { OpenedRoot } from './open.ts';

/** Throws `usage` for what is there and no folder. */
export async function checkKeep(keep: string | undefined): Promise<void> {
  const there = keep === undefined ? undefined : await stat(keep).catch(() => undefined);
  if (there?.isDirectory() !== false) return;
  throw new SheafError('usage', `Cannot keep what is written in ${keep}: it is no folder`, { kind: 'usage' });
}

/**
 * The folder as a path, marked as being over the root of this lock; one without a mark is believed. Locks of the same
 * packages have one root. Throws `other-root`.
 */
export async function keepOver(keep: string, { lock }: Pick<OpenedRoot, 'lock'>, file: string): Promise<string> {
  const directory = resolve(keep);
  const key = sha256(JSON.stringify([lock.architecture, lock.packages.map((each) => each.sha256)]));
  const mark = join(directory, 'over');
  const [known, before] = (await readFile(mark, 'utf8').catch(absent))?.split('\n') ?? [];
  if (known === key) return directory;
  if (known !== undefined) {
    throw new SheafError('other-root', `Cannot go on in ${keep} with ${file}: it is over another root`, {
      kind: 'usage',
      hint: `It was begun with ${before} as that was then: use that lock, or name another folder with --keep.`,
    });
  }
  await mkdir(directory, { recursive: true, mode: 0o711 });
  await replaceFile(mark, `${key}\n${resolve(file)}\n`);
  return directory;
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
