/** What was seen in a mirror, and how the last push ended: plain files in the state folder, for one mirror each. */
import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { isSha256 } from '../../kit/digest.ts';
import type { Remembered } from '../../model/mirror.ts';
import { unlessMissing } from './read-tree.ts';

const batch = 200;

/**
 * A manifest that is written while it grows, a line for each file. What a crash leaves out is looked up in the mirror
 * again. `address`: a memory of another place is worth nothing.
 */
export async function openManifest(file: string, address: string) {
  const known = await load(file, address);
  mkdirSync(dirname(file), { recursive: true });
  const lines = [...known].map(([path, { sha256, tag }]) => lineOf([path, sha256, tag]));
  // Written anew each time: old lines of a file that was brought twice go.
  writeFileSync(file, [lineOf([address]), ...lines].join(''), { mode: 0o600 });
  let waiting: string[] = [];
  const flush = () => {
    if (waiting.length > 0) appendFileSync(file, waiting.join(''));
    waiting = [];
  };
  const note = (line: readonly string[]) => {
    waiting.push(lineOf(line));
    if (waiting.length >= batch) flush();
  };
  return {
    get: (path: string) => known.get(path),
    set: (path: string, remembered: Remembered) => {
      known.set(path, remembered);
      note([path, remembered.sha256, remembered.tag]);
    },
    delete: (path: string) => {
      known.delete(path);
      note([path]);
    },
    flush,
  };
}

async function load(file: string, address: string): Promise<Map<string, Remembered>> {
  const known = new Map<string, Remembered>();
  const [first, ...rest] = ((await unlessMissing(readFile(file, 'utf8'))) ?? '').split('\n').map(fieldsOf);
  if (first?.length !== 1 || first[0] !== address) return known;
  for (const [path, sha256, tag] of rest) {
    if (path === undefined) continue;
    if (sha256 !== undefined && tag !== undefined && isSha256(sha256)) known.set(path, { sha256, tag });
    else known.delete(path);
  }
  return known;
}

function lineOf(fields: readonly string[]): string {
  return `${JSON.stringify(fields)}\n`;
}

/** The last line may be half a line. */
function fieldsOf(line: string): string[] {
  try {
    const value: unknown = JSON.parse(line);
    return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : [];
  } catch {
    return [];
  }
}

/** Undefined when there is none, or none that can be read. */
export async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse((await unlessMissing(readFile(file, 'utf8'))) ?? 'null') ?? undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** In one step, so that a reader never sees half of it. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const temporary = join(dirname(file), `.${randomUUID()}.tmp`);
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(value, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}
