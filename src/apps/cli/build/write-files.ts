/** From the scratch directory of a build to where its user wants the files. */
import { chmod, chown, copyFile, readFile, rename, rm, stat } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { sha256, type Sha256 } from '../../../kit/digest.ts';
import { SheafError } from '../../../kit/error.ts';

export type BuiltFile = {
  readonly name: string;
  readonly sha256: Sha256;
  readonly size: number;
  readonly path: string;
};

export type WrittenFile = Omit<BuiltFile, 'path'> & {
  /** False when the same bytes were there. */
  readonly isNew: boolean;
};

type WriteOptions = {
  readonly force: boolean;
  /** The caller's. */
  readonly umask: number;
};

/** Written by every build anew, with its time in it: the newest is kept. */
const isRecord = (name: string) => /\.(?:changes|buildinfo)$/.test(name);

/** Throws `would-replace` when the directory has one of the packages with other bytes, before anything is written. */
export async function refuseOthers(directory: string, files: readonly BuiltFile[], force: boolean): Promise<void> {
  if (force) return;
  const others: string[] = [];
  for (const file of files) {
    if (!isRecord(file.name) && (await compare(directory, file)) === 'other') others.push(file.name);
  }
  if (others.length === 0) return;
  throw new SheafError('would-replace', `Cannot write to ${directory}: it has other files ${others.join(', ')}`, {
    hint: 'Name another folder with --output, replace them with --force, or raise the version in debian/changelog.',
  });
}

/** `records` are always written. Throws `would-replace`. */
export async function writeFiles(
  directory: string,
  files: readonly BuiltFile[],
  records: readonly Pick<BuiltFile, 'name' | 'path'>[],
  { force, umask }: WriteOptions,
): Promise<WrittenFile[]> {
  await refuseOthers(directory, files, force);
  const described = await Promise.all(
    records.map(async ({ name, path }) => {
      const bytes = await readFile(path);
      return { name, path, sha256: sha256(bytes), size: bytes.length };
    }),
  );
  const written: WrittenFile[] = [];
  for (const file of [...files, ...described]) {
    const { name, sha256: digest, size } = file;
    const isNew = (await compare(directory, file)) !== 'same';
    if (isNew) await bring(file, directory, umask);
    written.push({ name, sha256: digest, size, isNew });
  }
  return written;
}

async function compare(directory: string, file: BuiltFile): Promise<'missing' | 'same' | 'other'> {
  const path = join(directory, file.name);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return 'missing';
  if (!found.isFile() || found.size !== file.size) return 'other';
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex') === file.sha256 ? 'same' : 'other';
}

/** Under another name first: nobody sees half a file. */
async function bring({ name, path }: BuiltFile, directory: string, umask: number): Promise<void> {
  const temporary = join(directory, `.${name}.${process.pid}`);
  try {
    await copyFile(path, temporary);
    // Not of the sandbox's ids.
    await chown(temporary, process.getuid!(), process.getgid!());
    await chmod(temporary, 0o666 & ~umask);
    await rename(temporary, join(directory, name));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
