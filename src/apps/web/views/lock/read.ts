/** A lock that jobs name, out of the blobs. */
import { isSha256 } from '../../../../kit/digest.ts';
import { parseLock } from '../../../../lock/mod.ts';
import type { Lock } from '../../../../model/lock.ts';
import type { WebDeps } from '../../ports.ts';

const largest = 64 * 2 ** 20;

/** Undefined when its file is not kept here. Throws `bad-lock` for a file that is none. */
export async function readLock({ blobs }: Pick<WebDeps, 'blobs'>, sha256: string): Promise<Lock | undefined> {
  const info = isSha256(sha256) ? await blobs.info(sha256) : undefined;
  if (info === undefined || info.size > largest || !isSha256(sha256)) return undefined;
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of blobs.stream(sha256)) text += decoder.decode(bytes, { stream: true });
  return parseLock(text + decoder.decode(), sha256);
}

/** In bytes, of all its packages together. */
export function downloadSize({ packages }: Lock): number {
  return packages.reduce((sum, { size }) => sum + size, 0);
}
