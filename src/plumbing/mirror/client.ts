/**
 * A client of mirrors, over http, https and from the disk. Polite: two connections to a server, a name that can be
 * asked about, pauses that grow, and no attempt before the server wants one. Nothing that comes is believed before its
 * hash was computed.
 */
import type { Sha256 } from '../../kit/digest.ts';
import { SheafError } from '../../kit/error.ts';
import { Attempts, Passing, retryAfter, type Patience } from './attempts.ts';
import { getHttp, makeAgents, type HttpAnswer } from './http.ts';
import { fetchLocal, readLocal } from './local.ts';
import { fetchedFile, PartialFile, removeOldPartials } from './partial.ts';
import { conditions, remember } from './validators.ts';
import { formatBytes, redact } from './words.ts';
import { join } from 'node:path';

export type MirrorClientOptions = Partial<Patience> & {
  /** Where begun downloads and the servers' validators lie. */
  readonly directory: string;
  /** Of this program, for the User-Agent. */
  readonly version: string;
  /** Connections to one server; default 2. */
  readonly connections?: number;
  /** Milliseconds without a KiB before a connection counts as broken; default 30 s. */
  readonly stall?: number;
  /** An environment that may name proxies. */
  readonly proxies?: NodeJS.ProcessEnv;
  readonly now?: () => Date;
};

type Options = {
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: ((count: number) => void) | undefined;
  readonly fresh?: boolean | undefined;
};
type ReadOptions = Options & { readonly limit: number; readonly known?: Sha256 | undefined };
type Expected = { readonly sha256: Sha256; readonly size: number };

export type MirrorClient = ReturnType<typeof createMirrorClient>;

export function createMirrorClient(options: MirrorClientOptions) {
  const { directory, stall = 30_000, now = () => new Date() } = options;
  const patience: Patience = {
    pauses: options.pauses ?? [1000, 4000, 15_000],
    longestWait: options.longestWait ?? 5 * 60_000,
  };
  const agents = makeAgents(options.connections ?? 2, options.proxies);
  let swept: Promise<void> | undefined;

  function get<T>(url: string, headers: Record<string, string>, use: (answer: HttpAnswer) => Promise<T>, ask: Options) {
    const all = {
      'user-agent': `sheaf/${options.version}`,
      accept: '*/*',
      ...(ask.fresh === true ? { 'cache-control': 'no-cache' } : {}),
      ...headers,
    };
    return getHttp(url, { agents, headers: all, patience: stall, signal: ask.signal }, async (answer) => {
      refusePassing(answer, now());
      return use(answer);
    });
  }

  /** The whole of a small file. */
  async function read(url: string, ask: ReadOptions) {
    if (isLocal(url)) return readLocal(url, ask.limit);
    const attempts = new Attempts(url, patience, ask.signal);
    const headers = ask.known === undefined ? {} : await conditions(directory, url, ask.known);
    for (;;) {
      attempts.check();
      try {
        return await get(url, headers, (answer) => readAnswer(url, answer, ask), ask);
      } catch (error) {
        await attempts.failed(error);
      }
    }
  }

  async function readAnswer(url: string, answer: HttpAnswer, ask: ReadOptions) {
    const { status } = answer;
    if (status === 304 && ask.known !== undefined) return { kind: 'same' } as const;
    if (isMissing(status)) return { kind: 'missing', status } as const;
    if (status !== 200) throw unexpected(url, status);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of answer.body) {
      size += chunk.length;
      ask.onBytes?.(chunk.length);
      if (size > ask.limit) throw tooLarge(url, ask.limit);
      chunks.push(chunk);
    }
    const length = contentLength(answer);
    if (length !== undefined && length !== size) throw new Passing(`it sent ${size} of ${formatBytes(length)}`);
    const bytes = Buffer.concat(chunks);
    await remember(directory, url, answer.headers, bytes);
    return { kind: 'file', bytes } as const;
  }

  /** A file by its hash, in a file of its own below the directory. */
  async function fetch(url: string, expect: Expected, ask: Options = {}) {
    if (isLocal(url)) return fetchLocal(url, expect);
    await (swept ??= removeOldPartials(directory, now()));
    const partial = await PartialFile.open(directory, expect.sha256);
    try {
      const found = await download(url, expect, partial, ask);
      return found ? fetchedFile(join(directory, expect.sha256), expect.sha256, true) : undefined;
    } finally {
      await partial.close();
    }
  }

  /** False when the mirror does not have the file. */
  async function download(url: string, expect: Expected, partial: PartialFile, ask: Options): Promise<boolean> {
    const attempts = new Attempts(url, patience, ask.signal);
    const state: DownloadState = { url, expect, partial, ask, ranges: true, etag: undefined, wrong: undefined };
    if (partial.size > expect.size) await partial.clear();
    for (;;) {
      attempts.check();
      try {
        if (partial.size < expect.size && !(await getMore(state))) return false;
        if (partial.size < expect.size) {
          throw new Passing(`it sent ${partial.size} of ${formatBytes(expect.size)}`);
        }
        const digest = await partial.hash();
        if (digest === expect.sha256) return true;
        await startAnew(state, `its SHA-256 is ${digest}, expected ${expect.sha256}`);
      } catch (error) {
        await attempts.failed(error, partial.size);
      }
    }
  }

  async function getMore(state: DownloadState): Promise<boolean> {
    const { url, ask, partial } = state;
    if (!state.ranges) await partial.clear();
    const headers: Record<string, string> = {};
    if (partial.size > 0) headers['range'] = `bytes=${partial.size}-`;
    if (partial.size > 0 && state.etag !== undefined) headers['if-range'] = state.etag;
    const fresh = ask.fresh === true || state.wrong !== undefined;
    return get(url, headers, (answer) => takeAnswer(state, answer), { ...ask, fresh });
  }

  return { read, fetch };
}

type DownloadState = {
  readonly url: string;
  readonly expect: Expected;
  readonly partial: PartialFile;
  readonly ask: Options;
  /** False once the mirror answered a range with something else. */
  ranges: boolean;
  etag: string | undefined;
  /** What was wrong with the whole file that came before. */
  wrong: string | undefined;
};

async function takeAnswer(state: DownloadState, answer: HttpAnswer): Promise<boolean> {
  const { url, expect, partial, ask } = state;
  if (isMissing(answer.status)) return false;
  const { etag } = answer.headers;
  // RFC 9110, section 13.1.5: a weak validator cannot stand in If-Range.
  state.etag = etag?.startsWith('"') === true ? etag : undefined;
  if (answer.status === 206 && partial.size > 0) {
    if (!isAskedRange(answer.headers['content-range'], partial.size, expect.size)) {
      state.ranges = false;
      throw new Passing('it answers with another part of the file than was asked for');
    }
  } else if (answer.status === 416) {
    state.ranges = false;
    throw new Passing('it does not know the part of the file that was asked for');
  } else if (answer.status === 200) {
    await partial.clear();
    const length = contentLength(answer);
    if (length !== undefined && length !== expect.size) {
      await startAnew(state, `it has ${formatBytes(length)}, expected ${expect.size}`);
      return true;
    }
  } else {
    throw unexpected(url, answer.status);
  }
  for await (const chunk of answer.body) {
    ask.onBytes?.(chunk.length);
    if (partial.size + chunk.length > expect.size) {
      await startAnew(state, `it has more than ${formatBytes(expect.size)}`);
      return true;
    }
    await partial.append(chunk);
  }
  return true;
}

/** Other bytes than expected: once more from the beginning, past all caches; then the mirror really has other bytes. */
async function startAnew(state: DownloadState, wrong: string): Promise<void> {
  await state.partial.clear();
  state.ranges = false;
  if (state.wrong !== undefined) {
    throw new SheafError('mirror-mismatch', `Cannot take ${redact(state.url)}: ${wrong}`, {
      kind: 'environment',
      hint: 'The mirror may be in the middle of an update: try again later, or name another one in sheaf.toml.',
    });
  }
  state.wrong = wrong;
}

function isLocal(url: string): boolean {
  return url.startsWith('file:');
}

/** 403: stores of objects answer so for what is not there. */
function isMissing(status: number): boolean {
  return status === 403 || status === 404 || status === 410;
}

function refusePassing({ status, headers }: HttpAnswer, now: Date): void {
  if (status !== 408 && status !== 425 && status !== 429 && status < 500) return;
  throw new Passing(`it answers with status ${status}`, retryAfter(headers['retry-after'], now));
}

function isAskedRange(header: string | undefined, start: number, size: number): boolean {
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(header ?? '');
  if (match === null) return false;
  return Number(match[1]) === start && Number(match[2]) < size && (match[3] === '*' || Number(match[3]) === size);
}

function contentLength({ headers }: HttpAnswer): number | undefined {
  const text = headers['content-length'];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function unexpected(url: string, status: number): SheafError {
  return new SheafError('mirror-refused', `Cannot fetch ${redact(url)}: the mirror answers with status ${status}`, {
    kind: 'environment',
    hint: 'Check the address of the upstream in sheaf.toml.',
  });
}

function tooLarge(url: string, limit: number): SheafError {
  const message = `Cannot fetch ${redact(url)}: it is larger than ${formatBytes(limit)}`;
  return new SheafError('mirror-too-large', message, { kind: 'environment' });
}
