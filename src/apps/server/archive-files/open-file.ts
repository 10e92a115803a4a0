/**
 * Files of the archive's folder, opened under their real names: a link may lead anywhere inside the folder and nowhere
 * else. Small ones are kept in memory; whether a file is still the one that is kept, the disk is asked each time.
 */
import { statSync } from 'node:fs';
import { open, realpath, type FileHandle } from 'node:fs/promises';
import { sep } from 'node:path';

export type FileFacts = {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
  readonly dev: number;
};

export type Found =
  | { readonly kind: 'folder'; readonly path: string }
  /** `path`: its real name. The taker closes `file`. */
  | { readonly kind: 'file'; readonly path: string; readonly facts: FileFacts; readonly file: FileHandle }
  | { readonly kind: 'kept'; readonly path: string; readonly facts: FileFacts; readonly bytes: Uint8Array };

/** Files up to this size are kept. */
const smallFile = 128 * 1024;

type Kept = Found & { readonly kind: 'kept' };

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
      return this.#findKept(path) ?? (await this.#open(path));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG' || code === 'ELOOP') return undefined;
      throw error;
    }
  }

  /**
   * Asking the disk follows links: a pointer that has moved leads to another file. It does not wait in the queue of other
   * work, since the kernel knows the answer for what was asked for lately.
   */
  #findKept(path: string): Found | undefined {
    const kept = this.#kept.get(path);
    if (kept === undefined) return undefined;
    const facts = statSync(path, { throwIfNoEntry: false });
    if (facts === undefined || !isSame(facts, kept.facts)) {
      this.#forget(path);
      return undefined;
    }
    this.#kept.delete(path);
    this.#kept.set(path, kept);
    return kept;
  }

  async #open(asked: string): Promise<Found | undefined> {
    const root = await realpath(this.#directory);
    const path = await realpath(asked);
    if (!path.startsWith(root + sep) || path.split(sep).some(isUnfinished)) return undefined;
    let file: FileHandle | undefined = await open(path, 'r');
    try {
      const facts = await file.stat();
      if (facts.isDirectory()) return { kind: 'folder', path };
      if (!facts.isFile()) return undefined;
      if (facts.size <= smallFile) {
        const kept: Kept = { kind: 'kept', path, facts, bytes: Uint8Array.from(await file.readFile()) };
        // Half of a file that somebody replaces in place is never kept.
        if (kept.bytes.length !== facts.size) return undefined;
        this.#keep(asked, kept);
        return kept;
      }
      const found: Found = { kind: 'file', path, facts, file };
      file = undefined;
      return found;
    } finally {
      await file?.close();
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

/** The entry itself takes memory too. */
function cost({ bytes }: Kept): number {
  return bytes.length + 1024;
}

function isSame(a: FileFacts, b: FileFacts): boolean {
  return a.ino === b.ino && a.dev === b.dev && a.size === b.size && a.mtimeMs === b.mtimeMs;
}

/** Names under which something is still being written. */
export function isUnfinished(name: string): boolean {
  return name.endsWith('.tmp');
}
