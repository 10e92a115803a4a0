/**
 * Files of the archive's folder, opened under their real names: a link may lead anywhere inside the folder and nowhere
 * else. Small ones are kept in memory, and of larger ones where they are; whether a file is still the one that is known,
 * the disk is asked each time.
 */
import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { sep } from 'node:path';

export type FileFacts = {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
  readonly dev: number;
};

export type FoundFile =
  /** `path`: its real name. The taker closes `file`, a descriptor. */
  | { readonly kind: 'file'; readonly path: string; readonly facts: FileFacts; readonly file: number }
  | { readonly kind: 'kept'; readonly path: string; readonly facts: FileFacts; readonly bytes: Uint8Array };

export type Found = FoundFile | { readonly kind: 'folder'; readonly path: string };

/** Files up to this size are kept. */
const smallFile = 128 * 1024;

/** `path`: its real name. Without bytes it is opened for each request. */
type Kept = {
  readonly path: string;
  readonly facts: FileFacts;
  readonly found: Extract<FoundFile, { kind: 'kept' }> | undefined;
};

export class ArchiveFolder {
  readonly #directory: string;
  /** By the path asked for; the one used last is the last. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;
  readonly #limit: number;

  /** `limit`: bytes that are kept in memory. */
  constructor(directory: string, limit = 64 * 1024 * 1024) {
    this.#directory = directory;
    this.#limit = limit;
  }

  /** Undefined when there is nothing, nothing finished, or nothing of the archive. */
  async find(path: string): Promise<Found | undefined> {
    try {
      return this.findKept(path) ?? (await this.#open(path));
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  }

  /**
   * A file that was found before and is the same now. Asking the disk follows links: a pointer that has moved leads to
   * another file. It does not wait in the queue of other work, since the kernel knows the answers for what was asked for
   * lately.
   */
  findKept(path: string): FoundFile | undefined {
    const kept = this.#kept.get(path);
    if (kept === undefined) return undefined;
    const facts = factsOf(path);
    if (facts === undefined || !isSame(facts, kept.facts)) {
      this.#forget(path);
      return undefined;
    }
    this.#kept.delete(path);
    this.#kept.set(path, kept);
    return kept.found ?? reopen(kept);
  }

  async #open(asked: string): Promise<Found | undefined> {
    const root = await realpath(this.#directory);
    const path = await realpath(asked);
    if (!path.startsWith(root + sep) || path.split(sep).some(isUnfinished)) return undefined;
    const file = await open(path, 'r');
    try {
      const facts = await file.stat();
      if (facts.isDirectory()) return { kind: 'folder', path };
      if (!facts.isFile()) return undefined;
      if (facts.size > smallFile) {
        const found = openLarge(path);
        this.#keep(asked, { path, facts: found.facts, found: undefined });
        return found;
      }
      const found = { kind: 'kept', path, facts, bytes: Uint8Array.from(await file.readFile()) } as const;
      // Half of a file that somebody replaces in place is never kept.
      if (found.bytes.length !== facts.size) return undefined;
      this.#keep(asked, { path, facts, found });
      return found;
    } finally {
      await file.close();
    }
  }

  #keep(path: string, kept: Kept): void {
    this.#forget(path);
    this.#kept.set(path, kept);
    this.#bytes += cost(kept);
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#limit) break;
      this.#forget(oldest);
    }
  }

  #forget(path: string): void {
    const kept = this.#kept.get(path);
    if (kept === undefined) return;
    this.#kept.delete(path);
    this.#bytes -= cost(kept);
  }
}

function factsOf(path: string): FileFacts | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** Opening what was just asked after does not wait. */
function openLarge(path: string): Extract<FoundFile, { kind: 'file' }> {
  const file = openSync(path, 'r');
  try {
    return { kind: 'file', path, facts: fstatSync(file), file };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Undefined when another file has come there in the meantime. */
function reopen({ path, facts }: Kept): FoundFile | undefined {
  try {
    const found = openLarge(path);
    if (isSame(found.facts, facts)) return { ...found, facts };
    closeSync(found.file);
    return undefined;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

function isAbsence(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG' || code === 'ELOOP';
}

/** The entry itself takes memory too. */
function cost({ found }: Kept): number {
  return (found?.bytes.length ?? 0) + 1024;
}

function isSame(a: FileFacts, b: FileFacts): boolean {
  return a.ino === b.ino && a.dev === b.dev && a.size === b.size && a.mtimeMs === b.mtimeMs;
}

/** Names under which something is still being written. */
export function isUnfinished(name: string): boolean {
  return name.endsWith('.tmp');
}
