/**
 * A disk that forgets what was not flushed. From one step on every call fails, as if the power had gone; `restart` then
 * makes the folder what a file system may give back: names as of the last flush of the folder plus some of the later
 * changes, and of each file the flushed bytes plus any of the blocks written later.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { logFiles, type LogFile, type LogFiles } from '../files.ts';

const block = 512;

type Names = Map<string, number>;

export class PowerCut {
  count = 0;
  readonly #step: number;
  readonly #random: () => number;
  /** What is in each file, and what of it was flushed. Files have numbers: names may move. */
  readonly #now = new Map<number, Buffer>();
  readonly #flushed = new Map<number, Buffer>();
  readonly #names: Names = new Map();
  #flushedNames: Names = new Map();
  #changes: ((names: Names) => void)[] = [];

  constructor(step: number, random: () => number) {
    this.#step = step;
    this.#random = random;
  }

  files(): LogFiles {
    const wrap = (file: LogFile, number: number): LogFile => ({
      ...file,
      write: async (bytes, position) => {
        this.#count();
        await file.write(bytes, position);
        const before = this.#now.get(number)!;
        const after = Buffer.alloc(Math.max(before.length, position + bytes.length));
        before.copy(after);
        after.set(bytes, position);
        this.#now.set(number, after);
      },
      truncate: async (size) => {
        this.#count();
        await file.truncate(size);
        this.#now.set(number, Buffer.from(this.#now.get(number)!.subarray(0, size)));
      },
      sync: async () => {
        this.#count();
        this.#flushed.set(number, this.#now.get(number)!);
      },
    });
    return {
      ...logFiles,
      open: async (path, mode) => {
        const file = await logFiles.open(path, mode);
        if (file === undefined) return undefined;
        return wrap(file, this.#names.get(basename(path)) ?? this.#adopt(path));
      },
      create: async (path) => {
        this.#count();
        const number = this.#now.size + 1;
        this.#now.set(number, Buffer.alloc(0));
        this.#flushed.set(number, Buffer.alloc(0));
        this.#change((names) => names.set(basename(path), number));
        return wrap(await logFiles.create(path), number);
      },
      rename: async (from, to) => {
        this.#count();
        await logFiles.rename(from, to);
        const number = this.#names.get(basename(from))!;
        this.#change((names) => {
          names.delete(basename(from));
          names.set(basename(to), number);
        });
      },
      remove: async (path) => {
        this.#count();
        await logFiles.remove(path);
        this.#change((names) => names.delete(basename(path)));
      },
      syncDirectory: async () => {
        this.#count();
        this.#flushedNames = new Map(this.#names);
        this.#changes = [];
      },
    };
  }

  /** The folder as it may be found afterwards. */
  async restart(directory: string): Promise<void> {
    await mkdir(directory, { recursive: true });
    const names = new Map(this.#flushedNames);
    // Changes of names reach the disk in their order.
    for (const change of this.#changes.slice(0, Math.floor(this.#random() * (this.#changes.length + 1)))) change(names);
    for (const [name, number] of names) writeFileSync(join(directory, name), this.#mixed(number));
  }

  #mixed(number: number): Buffer {
    const [flushed, now] = [this.#flushed.get(number)!, this.#now.get(number)!];
    const share = this.#random();
    const size = this.#random() < 0.5 ? now.length : flushed.length;
    const mixed = Buffer.alloc(size);
    flushed.copy(mixed);
    for (let at = 0; at < Math.min(size, now.length); at += block) {
      if (this.#random() < share) now.copy(mixed, at, at, Math.min(at + block, size));
    }
    return mixed;
  }

  /** A file that was there before: all of it is on the disk. */
  #adopt(path: string): number {
    const number = this.#now.size + 1;
    const bytes = readFileSync(path);
    this.#now.set(number, bytes);
    this.#flushed.set(number, bytes);
    this.#names.set(basename(path), number);
    this.#flushedNames.set(basename(path), number);
    return number;
  }

  #change(change: (names: Names) => void): void {
    change(this.#names);
    this.#changes.push(change);
  }

  #count(): void {
    if (++this.count >= this.#step) throw new Error(`the power went at step ${this.#step}`);
  }
}
