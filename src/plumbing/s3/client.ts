/**
 * The few calls of S3 that a mirror needs, each bounded in time and size, and tried again where the answer says that it
 * may be better later (500, 502, 503, 504, 429, a broken connection).
 */
import { createHash } from 'node:crypto';

import { SheafError } from '../../kit/error.ts';
import { escape, signRequest, type Credentials } from './sign.ts';

export type S3Settings = {
  /** `https://HOST/BUCKET` or `https://HOST/BUCKET/PREFIX`: the bucket is the first part of the path. */
  readonly url: string;
  readonly region: string;
  readonly credentials: Credentials;
  readonly now: () => Date;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds before the second try, doubled for each further one; tests shorten it. */
  readonly pause?: number;
};

export type S3Request = {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Below the prefix; the empty text is the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** With its SHA-256 in hexadecimal digits. */
  readonly body?: { readonly blob: Blob; readonly sha256: string };
};

export type S3Answer = { readonly status: number; readonly headers: Headers; readonly text: string };

/** Waited for before the next chunk comes. */
type Taker = (chunk: Uint8Array) => unknown;

const attempts = 6;
const largestText = 32 * 2 ** 20;
const emptyHash = createHash('sha256').digest('hex');

export class S3Client {
  readonly prefix: string;
  readonly #settings: S3Settings;
  readonly #bucket: string;

  constructor(settings: S3Settings) {
    const { origin, pathname } = new URL(settings.url);
    const [bucket = '', ...prefix] = pathname
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent);
    this.#settings = settings;
    this.#bucket = `${origin}/${escape(bucket)}`;
    this.prefix = prefix.map((part) => `${part}/`).join('');
  }

  /** The answer with its text; 404 and 412 are answers too. Throws `mirror-full`, `mirror-denied`, `mirror-failed`, `aborted`. */
  async call(request: S3Request): Promise<S3Answer> {
    return this.#send(request, async (response) => ({
      status: response.status,
      headers: response.headers,
      text: request.method === 'HEAD' ? '' : await readText(response),
    }));
  }

  /** An object's bytes, given to `take` one after the other; false when it is not there. Tried again from its beginning. */
  async download(key: string, start: () => Taker | Promise<Taker>): Promise<boolean> {
    return this.#send({ method: 'GET', key }, async (response) => {
      if (response.status === 404) return false;
      const take = await start();
      for await (const chunk of response.body ?? []) await take(chunk);
      return true;
    });
  }

  async #send<T>(request: S3Request, use: (response: Response) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      let failure: SheafError;
      try {
        const response = await this.#fetch(request);
        if (response.ok || response.status === 404 || response.status === 412) return await use(response);
        const text = await readText(response);
        failure = this.#refusal(request, response.status, text);
        const passing = [429, 500, 502, 503, 504].includes(response.status) || /RequestTimeout|SlowDown/.test(text);
        if (!passing || failure.code === 'mirror-full') throw failure;
      } catch (error) {
        if (error instanceof SheafError) throw error;
        this.#checkCalledOff();
        failure = this.#failure(request, describeCause(error), error);
      }
      if (attempt >= attempts) throw failure;
      await this.#wait(attempt);
    }
  }

  async #fetch({ method, key, query = {}, headers = {}, body }: S3Request): Promise<Response> {
    this.#checkCalledOff();
    const path = key === '' ? '/' : `/${`${this.prefix}${key}`.split('/').map(escape).join('/')}`;
    const search = Object.entries(query).map(([name, value]) => `${escape(name)}=${escape(value)}`);
    const url = new URL(`${this.#bucket}${path}${search.length === 0 ? '' : `?${search.join('&')}`}`);
    const { credentials, region, now, signal } = this.#settings;
    const signed = signRequest(
      { method, url, headers, bodyHash: body?.sha256 ?? emptyHash },
      credentials,
      region,
      now(),
    );
    // A slow line still gets 64 MiB through: 64 KiB a second.
    const time = AbortSignal.timeout(60_000 + Math.ceil((body?.blob.size ?? 2 ** 26) / 64));
    return fetch(url, {
      method,
      headers: signed,
      redirect: 'manual',
      signal: signal === undefined ? time : AbortSignal.any([time, signal]),
      ...(body === undefined ? {} : { body: body.blob }),
    });
  }

  async #wait(attempt: number): Promise<void> {
    const longest = (this.#settings.pause ?? 500) * 2 ** (attempt - 1);
    await new Promise((resolve) => setTimeout(resolve, longest * (0.5 + Math.random() / 2)));
  }

  #checkCalledOff(): void {
    if (this.#settings.signal?.aborted === true) {
      throw new SheafError('aborted', 'Cannot push: it was called off; the next push goes on');
    }
  }

  #refusal(request: S3Request, status: number, text: string): SheafError {
    const code = /<Code>([\w.-]{1,80})<\/Code>/.exec(text)?.[1];
    const said = `HTTP ${status}${code === undefined ? '' : ` ${code}`}`;
    if (status === 507 || /StorageFull|QuotaExceeded|InsufficientCapacity/.test(code ?? '')) {
      return new SheafError('mirror-full', `Cannot push to ${this.#settings.url}: the bucket is full (${said})`, {
        kind: 'environment',
        hint: 'Make room there; the next push goes on where this one ended.',
      });
    }
    if (status === 401 || status === 403) {
      return new SheafError(
        'mirror-denied',
        `Cannot ${request.method} ${this.#settings.url}: the bucket refuses (${said})`,
        {
          kind: 'environment',
          hint: 'Look at the access key, its secret, its rights on the bucket, the region, and the clock of this machine.',
        },
      );
    }
    return this.#failure(request, said);
  }

  #failure({ method, key }: S3Request, said: string, cause?: unknown): SheafError {
    return new SheafError(
      'mirror-failed',
      `Cannot ${method} ${key === '' ? 'the bucket' : key} at ${this.#settings.url}: ${said}`,
      {
        kind: 'environment',
        hint: 'The next push goes on where this one ended.',
        cause,
      },
    );
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > largestText) throw new Error('its answer is far too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function describeCause(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  return cause.message === '' ? ((cause as NodeJS.ErrnoException).code ?? cause.name) : cause.message;
}
