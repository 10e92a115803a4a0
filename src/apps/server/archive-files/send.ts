/** An answer on its way to the client, straight to the connection: as fast as the client takes it, and no faster. */
import { close, read } from 'node:fs';
import type { ServerResponse } from 'node:http';

import type { Answer, Piece } from './answer.ts';

/** What is in memory of a file for one client. Larger ones save no more calls to speak of. */
const chunkBytes = 256 * 1024;

/** A fresh buffer costs as much as filling it, so those that are not used are kept, up to this many. */
const mostSpare = 64;
const spare: Buffer[] = [];

/** `file`: the open file that the pieces are of; it is closed when the client has had it, or has gone. */
export function send({ status, headers, pieces }: Answer, file: number | undefined, response: ServerResponse): void {
  response.writeHead(status, headers as string[]);
  if (file !== undefined && pieces.length > 0) {
    new Sending(file, pieces, response).start();
    return;
  }
  if (file !== undefined) closeQuietly(file);
  if (pieces.length === 1) response.end(pieces[0]);
  else {
    for (const piece of pieces) response.write(piece);
    response.end();
  }
}

class Sending {
  readonly #file: number;
  readonly #pieces: readonly Piece[];
  readonly #response: ServerResponse;
  readonly #buffer = spare.pop() ?? Buffer.allocUnsafeSlow(chunkBytes);
  #index = 0;
  /** Bytes of the present piece that have been read. */
  #done = 0;
  #reading = false;
  #over = false;

  constructor(file: number, pieces: readonly Piece[], response: ServerResponse) {
    this.#file = file;
    this.#pieces = pieces;
    this.#response = response;
  }

  start(): void {
    // The request ends with the connection also while the answer still waits for an earlier one's end (pipelining).
    this.#response.once('close', this.#stop);
    this.#response.req.once('close', this.#stop);
    this.#step();
  }

  /** Called when everything until now is out of our hands: the buffer is free again. */
  readonly #step = (error?: Error | null): void => {
    if (this.#over) return;
    if (error) {
      this.#stop();
      return;
    }
    const piece = this.#pieces[this.#index];
    if (piece === undefined) {
      this.#stop();
      if (spare.length < mostSpare) spare.push(this.#buffer);
      this.#response.end();
    } else if (piece instanceof Uint8Array) {
      this.#index += 1;
      this.#response.write(piece, this.#step);
    } else {
      const start = piece.start + this.#done;
      this.#reading = true;
      read(this.#file, this.#buffer, 0, Math.min(chunkBytes, piece.end - start + 1), start, this.#got);
    }
  };

  readonly #got = (error: Error | null, count: number): void => {
    this.#reading = false;
    if (this.#over) {
      closeQuietly(this.#file);
      return;
    }
    if (error !== null || count === 0) {
      // A file that cannot be read, or has become shorter, cuts the answer short, and it shows.
      this.#stop();
      this.#response.destroy();
      return;
    }
    const piece = this.#pieces[this.#index] as Exclude<Piece, Uint8Array>;
    this.#done += count;
    if (piece.start + this.#done > piece.end) {
      this.#index += 1;
      this.#done = 0;
    }
    this.#response.write(this.#buffer.subarray(0, count), this.#step);
  };

  readonly #stop = (): void => {
    if (this.#over) return;
    this.#over = true;
    if (!this.#reading) closeQuietly(this.#file);
  };
}

/** Nothing was written, so nothing can be lost. */
export function closeQuietly(file: number): void {
  close(file, () => {});
}
