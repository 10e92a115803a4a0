/** By which way this program makes roots, as a hash: one that was made in another way is not found in the cache. */
import { readdir } from 'node:fs/promises';

import { sha256 } from '../kit/digest.ts';
import { environment, readScript, scripts } from './inside.ts';

/** Raised by hand where roots become others by a change in this folder's modules; changes in its scripts are seen. */
const number = 5;

let hash: Promise<string> | undefined;

/** Hexadecimal; the same as long as the same program runs. */
export async function rootFormat(): Promise<string> {
  return (hash ??= hashFormat());
}

async function hashFormat(): Promise<string> {
  const names = (await readdir(scripts)).toSorted();
  const texts = await Promise.all(names.map(async (name) => [name, await readScript(name)]));
  return sha256(JSON.stringify([number, environment, texts]));
}
