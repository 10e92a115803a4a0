/** Writes behind the last valid frame of a log. The caller holds the store's lock. */
import { crc32 } from 'node:zlib';

import { formatFrame, type FrameCodec, type FrameKind } from '../../formats/history/frame.ts';
import { SheafError } from '../../kit/error.ts';
import type { LogFile, LogFiles } from './files.ts';

export type NewFrame = {
  readonly kind: FrameKind;
  readonly codec: FrameCodec;
  readonly head: Uint8Array;
  readonly body: Uint8Array;
};

export class Appender {
  readonly #file: LogFile;
  readonly #path: string;
  readonly #start: number;
  #end: number;
  #closed = false;

  private constructor(file: LogFile, path: string, start: number) {
    this.#file = file;
    this.#path = path;
    this.#start = start;
    this.#end = start;
  }

  /**
   * Cuts off what a write that was cut short left behind `end`, and makes sure that what stands before it is on the
   * disk: whoever wrote it may have been killed before that. Bytes from `doubtful` on are written once more: after a
   * failed fsync the system may have dropped them.
   */
  static async open(files: LogFiles, path: string, end: number, doubtful = end): Promise<Appender> {
    const file = await files.open(path, 'write');
    if (file === undefined) {
      throw new SheafError('index-store-damaged', `Cannot write to the index store ${path}: the file is gone`);
    }
    try {
      if ((await file.stat()).size > end) await file.truncate(end);
      if (doubtful < end) {
        const bytes = Buffer.allocUnsafe(end - doubtful);
        await file.read(bytes, doubtful);
        await file.write(bytes, doubtful);
      }
      await file.sync();
      return new Appender(file, path, end);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get end(): number {
    return this.#end;
  }

  /** Returns where the frame begins. */
  async add(frame: NewFrame): Promise<number> {
    const bytes = formatFrame(frame, crc32);
    const offset = this.#end;
    await this.#file.write(bytes, offset);
    this.#end += bytes.length;
    return offset;
  }

  /** Throws `index-corrupt` unless the disk holds these frames. */
  async check(offset: number, frame: NewFrame): Promise<void> {
    const bytes = formatFrame(frame, crc32);
    const stored = Buffer.allocUnsafe(bytes.length);
    if ((await this.#file.read(stored, offset)) === bytes.length && stored.equals(bytes)) return;
    throw new SheafError('index-corrupt', 'Cannot write to the index store: what was written reads differently', {
      place: { file: this.#path, offset },
      kind: 'environment',
      hint: 'Check the disk and the memory of this machine.',
    });
  }

  async sync(): Promise<void> {
    await this.#file.sync();
  }

  /** Takes back what was added. When that fails too, the next writer does it. */
  async undo(): Promise<void> {
    try {
      await this.#file.truncate(this.#start);
    } catch {
      // Readers ignore frames that no recipe follows.
    }
  }

  /** A second time it does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#file.close();
  }
}
