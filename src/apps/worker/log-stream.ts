/** A build's log on its way to the server: gathered for a moment, sent in order, sent again until it arrived. */
import { createHash } from 'node:crypto';

import { parseSha256, type Sha256 } from '../../kit/digest.ts';
import { persist } from './retry.ts';

type Answer = { readonly kind: 'ok' | 'gap' | 'full' | 'lost' | 'cancelled'; readonly position?: number | undefined };

export type LogStreamOptions = {
  readonly send: (position: number, bytes: Uint8Array) => Promise<Answer>;
  /** The server does not want to hear about this attempt any more. */
  readonly onEnd: (why: 'lost' | 'cancelled') => void;
  readonly signal: AbortSignal;
};

const gatherMs = 200;
const mostBytes = 512 * 1024;

export class LogStream {
  readonly #options: LogStreamOptions;
  readonly #hash = createHash('sha256');
  #waiting: Uint8Array[] = [];
  #position = 0;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: LogStreamOptions) {
    this.#options = options;
  }

  write(text: Uint8Array | string): void {
    if (this.#closed) return;
    this.#waiting.push(typeof text === 'string' ? Buffer.from(text) : text);
    this.#timer ??= setTimeout(() => this.#flush(), gatherMs);
  }

  /** Sends the rest. Returns the SHA-256 of all that the server has. */
  async close(): Promise<Sha256> {
    this.#flush();
    await this.#sending;
    this.#closed = true;
    return parseSha256(this.#hash.copy().digest('hex'));
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending = this.#sending.then(() => this.#sendWaiting());
  }

  async #sendWaiting(): Promise<void> {
    let bytes: Uint8Array = Buffer.concat(this.#waiting);
    this.#waiting = [];
    try {
      while (bytes.length > 0 && !this.#closed) {
        const part = bytes.subarray(0, mostBytes);
        const answer = await persist(() => this.#options.send(this.#position, part), this.#options.signal);
        if (answer.kind !== 'ok') {
          // `full`: the build goes on without more log; the sandbox has its own limit on output.
          this.#closed = true;
          if (answer.kind === 'lost' || answer.kind === 'cancelled') this.#options.onEnd(answer.kind);
          return;
        }
        this.#hash.update(part);
        this.#position += part.length;
        bytes = bytes.subarray(part.length);
      }
    } catch {
      // The attempt ended, or the server refuses this worker: its heartbeat says so too.
      this.#closed = true;
    }
  }
}
