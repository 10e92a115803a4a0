/** Trying again: what is worth it, after how long, and when it is enough. */
import { setTimeout as delay } from 'node:timers/promises';

import { SheafError } from '../../kit/error.ts';
import { reasonOf, redact } from './words.ts';

export type Patience = {
  /** Milliseconds before the second, third, … attempt; there are no more attempts than that. */
  readonly pauses: readonly number[];
  /** A mirror that asks for a longer pause, in milliseconds, is left alone. */
  readonly longestWait: number;
};

/** Something that may have passed at the next attempt. */
export class Passing extends Error {
  /** Milliseconds that the mirror asks us to wait. */
  readonly wait: number | undefined;

  constructor(message: string, wait?: number) {
    super(message);
    this.wait = wait;
  }
}

/** Counts failures; an attempt that came further than all before does not count. */
export class Attempts {
  readonly #url: string;
  readonly #patience: Patience;
  readonly #signal: AbortSignal | undefined;
  #failures = 0;
  #furthest = 0;

  constructor(url: string, patience: Patience, signal: AbortSignal | undefined) {
    this.#url = redact(url);
    this.#patience = patience;
    this.#signal = signal;
  }

  /** Throws `aborted` when it was called off. */
  check(): void {
    if (this.#signal?.aborted === true) {
      throw new SheafError('aborted', `Cannot fetch ${this.#url}: it was called off`, { cause: this.#signal.reason });
    }
  }

  /** Returns when it is time to try again. Throws when it is enough, or when another attempt would change nothing. */
  async failed(error: unknown, position = 0): Promise<void> {
    this.check();
    if (error instanceof SheafError) throw error;
    if (!(error instanceof Passing) && !isNetworkError(error)) throw error;
    if (position > this.#furthest) {
      this.#furthest = position;
      this.#failures = 0;
    }
    const pause = this.#patience.pauses[this.#failures++];
    const asked = error instanceof Passing ? (error.wait ?? 0) : 0;
    if (asked > this.#patience.longestWait) {
      throw this.#error('mirror-busy', `it asks us to come back in ${Math.ceil(asked / 1000)} s`, error);
    }
    if (pause === undefined) {
      throw this.#error(asked > 0 ? 'mirror-busy' : 'mirror-unreachable', reasonOf(error), error);
    }
    await delay(Math.max(pause, asked), undefined, { signal: this.#signal }).catch(() => this.check());
  }

  #error(code: string, state: string, cause: unknown): SheafError {
    return new SheafError(code, `Cannot fetch ${this.#url}: ${state}`, {
      kind: 'environment',
      hint: 'Try again later, or name another mirror of the archive in sheaf.toml.',
      cause,
    });
  }
}

/** Everything else is a fault of ours or of this machine's, such as a full disk. */
function isNetworkError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined) return error.name === 'AbortError' || error.message.startsWith('it sent less');
  return (
    /^(?:ECONN|EHOST|ENET|EPIPE|ETIMEDOUT|EAI_|ENOTFOUND|EPROTO|HPE_|ERR_|ABORT|CERT_|DEPTH_|SELF_|UNABLE_)/.test(
      code,
    ) || ['connect', 'getaddrinfo', 'read'].includes(syscall ?? '')
  );
}

/** Of statuses that may pass. RFC 9110, section 10.2.3: seconds, or a date. */
export function retryAfter(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime());
}
