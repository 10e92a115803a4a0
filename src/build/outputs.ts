/**
 * The files that a build left behind. What wrote them is not trusted: only plain files in the build directory itself
 * are taken, no link is followed, and only what a .dsc or .changes lists is looked at.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { parseChanges } from '../formats/deb/changes.ts';
import { parseDsc } from '../formats/deb/dsc.ts';
import type { ListedFile } from '../formats/deb/files.ts';
import { parseSha256, type Sha256 } from '../kit/digest.ts';
import { describeError } from '../kit/error.ts';
import type { BuildSpec, InputFile } from '../model/job.ts';
import { mostControlBytes } from './check-files.ts';
import { buildPlace } from './conditions.ts';

export type OutputFile = InputFile & { readonly path: string };

export type Outputs =
  | { readonly kind: 'complete'; readonly files: readonly OutputFile[] }
  /** The build said that it went well and did not leave what it had to. */
  | { readonly kind: 'incomplete'; readonly reason: string };

/**
 * Collects the .dsc or .changes and all it lists from the build directory of a sandbox that has ended. `inputs` are the files
 * that went in, by their paths: an upstream tarball is not copied, only named again.
 */
export async function collectOutputs(
  spec: BuildSpec,
  upper: string,
  inputs: ReadonlyMap<string, string>,
): Promise<Outputs> {
  const parts = buildPlace(spec).directory.split('/').slice(1);
  const directory = join(upper, ...parts);
  for (const path of [upper, ...parts.map((_, depth) => join(upper, ...parts.slice(0, depth + 1)))]) {
    const info = await lstat(path).catch(() => undefined);
    if (info?.isDirectory() !== true) return { kind: 'incomplete', reason: 'The build directory is gone' };
  }
  const ending = spec.kind === 'source' ? '.dsc' : '.changes';
  const heads = (await readdir(directory)).filter((name) => name.endsWith(ending));
  if (heads.length !== 1)
    return { kind: 'incomplete', reason: `The build left ${heads.length} ${ending} files, not one` };
  try {
    const head = await readPlainFile(directory, heads[0]!, mostControlBytes);
    const text = head.bytes.toString('utf8');
    const listed = spec.kind === 'source' ? parseDsc(text, head.file.name) : parseChanges(text, head.file.name);
    const files: OutputFile[] = [head.file];
    for (const file of listed.files) files.push(await takeFile(directory, file, inputs));
    return { kind: 'complete', files };
  } catch (error) {
    return { kind: 'incomplete', reason: describeError(error) };
  }
}

async function takeFile(directory: string, file: ListedFile, inputs: ReadonlyMap<string, string>): Promise<OutputFile> {
  const input = inputs.get(file.name);
  if (input !== undefined) return { name: file.name, sha256: file.sha256, size: file.size, path: input };
  const found = await hashPlainFile(directory, file.name);
  if (found.sha256 !== file.sha256 || found.size !== file.size) {
    throw new Error(`${file.name} has another hash or size than the build itself says`);
  }
  return found;
}

async function openPlainFile(directory: string, name: string) {
  const path = join(directory, name);
  // Not blocking: a pipe in place of a file would wait for a writer for ever.
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      throw new Error(error.code === 'ENOENT' ? `${name} is missing` : `${name} is not a plain file`);
    },
  );
  const info = await handle.stat();
  if (info.isFile()) return { handle, path, size: info.size };
  await handle.close();
  throw new Error(`${name} is not a plain file`);
}

async function readPlainFile(
  directory: string,
  name: string,
  limit: number,
): Promise<{ file: OutputFile; bytes: Buffer }> {
  const { handle, path, size } = await openPlainFile(directory, name);
  try {
    if (size > limit) throw new Error(`${name} is larger than ${limit} bytes`);
    const bytes = await handle.readFile();
    const sha256 = parseSha256(createHash('sha256').update(bytes).digest('hex'));
    return { file: { name, sha256, size: bytes.length, path }, bytes };
  } finally {
    await handle.close();
  }
}

async function hashPlainFile(directory: string, name: string): Promise<OutputFile> {
  const { handle, path } = await openPlainFile(directory, name);
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(1024 * 1024);
    let size = 0;
    while (true) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      size += bytesRead;
    }
    return { name, sha256: hash.digest('hex') as Sha256, size, path };
  } finally {
    await handle.close();
  }
}
