/**
 * What a server said of a file's version (RFC 9110, section 8.8), remembered with the hash of the bytes that came with
 * it: a conditional request is made only by who still has those bytes. Losing a memory costs one download.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { sha256, type Sha256 } from '../../kit/digest.ts';

type Memory = { readonly sha256: string; readonly etag?: string; readonly lastModified?: string };

/** The headers of a conditional request, or none. */
export async function conditions(directory: string, url: string, known: Sha256): Promise<Record<string, string>> {
  const memory = await recall(fileOf(directory, url));
  if (memory?.sha256 !== known) return {};
  return {
    ...(memory.etag === undefined ? {} : { 'if-none-match': memory.etag }),
    ...(memory.lastModified === undefined ? {} : { 'if-modified-since': memory.lastModified }),
  };
}

export async function remember(
  directory: string,
  url: string,
  headers: { readonly etag?: string | undefined; readonly 'last-modified'?: string | undefined },
  bytes: Uint8Array,
): Promise<void> {
  const { etag, 'last-modified': lastModified } = headers;
  if (!isShort(etag) && !isShort(lastModified)) return;
  const file = fileOf(directory, url);
  const memory: Memory = {
    sha256: sha256(bytes),
    ...(isShort(etag) ? { etag } : {}),
    ...(isShort(lastModified) ? { lastModified } : {}),
  };
  await mkdir(join(directory, 'validators'), { recursive: true });
  const temporary = `${file}.${randomUUID()}`;
  await writeFile(temporary, JSON.stringify(memory));
  await rename(temporary, file);
}

function isShort(text: string | undefined): text is string {
  return text !== undefined && text !== '' && text.length <= 300;
}

function fileOf(directory: string, url: string): string {
  return join(directory, 'validators', sha256(url));
}

async function recall(file: string): Promise<Memory | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Memory;
  } catch {
    return undefined;
  }
}
