/** A worker's side of the protocol: one signed request after another, over connections that stay open. */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';

import type { z } from 'zod';

import type { Clock } from '../kit/clock.ts';
import { sha256, type Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { AttemptResult, JobId } from '../model/job.ts';
import { emptyBody, signRequest, type RequestSigner } from './http-signature.ts';
import {
  completeAnswer,
  enrolAnswer,
  errorAnswer,
  heartbeatAnswer,
  jobSpec,
  leaseAnswer,
  leasedAttempt,
  limits,
  logAnswer,
  protocolPath,
  type CompleteAnswer,
  type EnrolRequest,
  type LeaseAnswer,
} from './worker-protocol.ts';

export type WorkerClientOptions = {
  /** Base URL of the server. */
  readonly server: string;
  readonly signer: RequestSigner;
  readonly clock: Clock;
};

export type AttemptRef = { readonly job: JobId; readonly attempt: number };

/** Longest silence of a server, in milliseconds, beyond what it was asked to wait. */
const patience = 30_000;

export class WorkerClient {
  readonly #base: URL;
  readonly #signer: RequestSigner;
  readonly #clock: Clock;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(options: WorkerClientOptions) {
    this.#base = new URL(options.server);
    this.#signer = options.signer;
    this.#clock = options.clock;
    const keep = { keepAlive: true, maxSockets: 64 };
    this.#agent = this.#base.protocol === 'https:' ? new HttpsAgent(keep) : new HttpAgent(keep);
  }

  close(): void {
    this.#agent.destroy();
  }

  async enrol(request: EnrolRequest): Promise<z.infer<typeof enrolAnswer>> {
    return this.#json('/enrol', request, enrolAnswer);
  }

  /**
   * Waits at most `wait` milliseconds for a lease. `running`: the attempts that this worker knows of. Throws `unknown-job`
   * for one that it cannot build, and has told the server so.
   */
  async lease(running: readonly AttemptRef[], wait: number, signal?: AbortSignal): Promise<LeaseAnswer | undefined> {
    const response = await this.#send('POST', '/lease', toBody({ running, wait }), { wait, signal });
    if (response.statusCode === 204) {
      response.resume();
      return undefined;
    }
    const text = await readAll(response, limits.answer);
    await this.#refuseUnknown(text);
    return parse(leaseAnswer, text);
  }

  /** A server of a later version may have jobs that this one knows nothing of: it hears why, and gives them to others. */
  async #refuseUnknown(text: string): Promise<void> {
    const { lease } = parse(leasedAttempt, text);
    const known = jobSpec.safeParse(lease.spec);
    if (known.success) return;
    const reason = `The worker's version of Sheaf does not know this kind of job (${describeIssue(known.error)})`;
    await this.complete(lease, { outcome: 'failed', fault: 'worker', reason, timings: {} });
    throw new SheafError('unknown-job', `Cannot build job ${lease.job}, attempt ${lease.attempt}: ${reason}`, {
      hint: 'Start the worker with the version of Sheaf that the server has.',
    });
  }

  /** Renews a lease and waits at most `wait` milliseconds for it to be cancelled. */
  async heartbeat(ref: AttemptRef, wait: number, signal?: AbortSignal): Promise<'ok' | 'lost' | 'cancelled'> {
    return (await this.#json(`${pathOf(ref)}/heartbeat`, { wait }, heartbeatAnswer, { wait, signal })).answer;
  }

  async appendLog(ref: AttemptRef, position: number, bytes: Uint8Array): Promise<z.infer<typeof logAnswer>> {
    const response = await this.#send('POST', `${pathOf(ref)}/log?position=${position}`, bytes);
    return parse(logAnswer, await readAll(response, limits.answer));
  }

  /** Brings a blob of the lease to a file. Throws `blob-mismatch` or `blob-too-large`. */
  async fetchBlob(ref: AttemptRef, digest: Sha256, path: string, limit: number, signal?: AbortSignal): Promise<void> {
    const response = await this.#send('GET', `${pathOf(ref)}/blobs/${digest}`, undefined, { signal });
    const hash = createHash('sha256');
    let size = 0;
    const file = await open(path, 'w', 0o644);
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > limit) {
          throw new SheafError('blob-too-large', `Cannot fetch ${digest}: it is larger than ${limit} bytes`);
        }
        hash.update(chunk);
        await file.appendFile(chunk);
      }
    } catch (error) {
      throw error instanceof SheafError || (error as NodeJS.ErrnoException).syscall === 'write'
        ? error
        : unreachable(this.#base, error as Error);
    } finally {
      await file.close();
    }
    if (hash.digest('hex') !== digest) {
      throw new SheafError('blob-mismatch', `Cannot fetch ${digest}: the server sent other bytes`);
    }
  }

  async putFile(
    ref: AttemptRef,
    file: { readonly sha256: Sha256; readonly size: number; readonly path: string },
  ): Promise<void> {
    const body = { sha256: file.sha256, size: file.size, stream: () => createReadStream(file.path) };
    const response = await this.#send('PUT', `${pathOf(ref)}/files/${file.sha256}`, body);
    await readAll(response, limits.answer);
  }

  async complete(ref: AttemptRef, result: AttemptResult): Promise<CompleteAnswer> {
    return this.#json(`${pathOf(ref)}/complete`, result, completeAnswer);
  }

  /** Hands the lease back. */
  async release(ref: AttemptRef): Promise<void> {
    await readAll(await this.#send('POST', `${pathOf(ref)}/release`, toBody({})), limits.answer);
  }

  async #json<T extends z.ZodType>(
    path: string,
    value: unknown,
    shape: T,
    options: SendOptions = {},
  ): Promise<z.infer<T>> {
    return parse(shape, await readAll(await this.#send('POST', path, toBody(value), options), limits.answer));
  }

  /** The answer to one request, its body unread. Throws the server's own refusals, and `server-unreachable`. */
  async #send(
    method: string,
    path: string,
    body: Uint8Array | FileBody | undefined,
    options: SendOptions = {},
  ): Promise<IncomingMessage> {
    const url = new URL(this.#base.pathname.replace(/\/$/, '') + protocolPath + path, this.#base);
    const digest = body === undefined ? emptyBody : 'stream' in body ? body.sha256 : sha256(body);
    const size = body === undefined ? 0 : 'stream' in body ? body.size : body.length;
    const headers = {
      ...signRequest({ method, path: url.pathname, query: url.search, body: digest }, this.#signer, {
        created: this.#clock.now(),
        nonce: randomBytes(18).toString('base64url'),
      }),
      ...(body === undefined ? {} : { 'content-length': String(size), 'content-type': 'application/octet-stream' }),
    };
    const response = await exchange(url, method, headers, this.#agent, body, options);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    throw await toError(response, status);
  }
}

type FileBody = { readonly sha256: Sha256; readonly size: number; readonly stream: () => Readable };
type SendOptions = { readonly wait?: number; readonly signal?: AbortSignal | undefined };

async function exchange(
  url: URL,
  method: string,
  headers: Record<string, string>,
  agent: HttpAgent,
  body: Uint8Array | FileBody | undefined,
  options: SendOptions,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const outgoing = send(url, {
      method,
      headers,
      agent,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    outgoing.setTimeout(patience + (options.wait ?? 0), () => outgoing.destroy(new Error('it does not answer')));
    outgoing.on('response', resolve);
    outgoing.on('error', (error) => {
      if (options.signal?.aborted === true) reject(options.signal.reason);
      else reject(unreachable(url, error));
    });
    if (body === undefined) outgoing.end();
    else if ('stream' in body) pipeline(body.stream(), outgoing).catch((error: Error) => outgoing.destroy(error));
    else outgoing.end(body);
  });
}

function unreachable(url: URL, error: Error): SheafError {
  return new SheafError('server-unreachable', `Cannot reach ${url.origin}: ${error.message}`, {
    kind: 'environment',
    hint: 'Is the server running, and is this its address?',
    cause: error,
  });
}

async function toError(response: IncomingMessage, status: number): Promise<SheafError> {
  const text = await readAll(response, 64 * 1024).catch(() => '');
  let parsed;
  try {
    parsed = errorAnswer.safeParse(JSON.parse(text));
  } catch {
    parsed = undefined;
  }
  if (parsed?.success !== true || status >= 500) {
    return new SheafError('server-failed', `Cannot use the server's answer: status ${status}`, { kind: 'environment' });
  }
  const { code, message, hint } = parsed.data.error;
  return new SheafError(code, `The server refuses: ${message}`, hint === undefined ? {} : { hint });
}

/** True for what may go away by itself: the same request, made again, may be answered. */
export function isPassing(error: unknown): boolean {
  return error instanceof SheafError && (error.code === 'server-unreachable' || error.code === 'server-failed');
}

async function readAll(response: IncomingMessage, limit: number): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > limit) {
        response.destroy();
        throw new SheafError('bad-answer', `Cannot use the server's answer: it is larger than ${limit} bytes`);
      }
      parts.push(part);
    }
  } catch (error) {
    if (error instanceof SheafError) throw error;
    throw new SheafError('server-unreachable', `Cannot read the server's answer: ${(error as Error).message}`, {
      kind: 'environment',
      cause: error,
    });
  }
  return Buffer.concat(parts).toString('utf8');
}

function parse<T extends z.ZodType>(shape: T, text: string): z.infer<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SheafError('bad-answer', "Cannot use the server's answer: it is not JSON", { cause: error });
  }
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SheafError('bad-answer', `Cannot use the server's answer: ${describeIssue(parsed.error)}`);
}

function describeIssue({ issues: [issue] }: z.ZodError): string {
  return [...(issue?.path.length ? [issue.path.join('.')] : []), issue?.message].join(': ');
}

const toBody = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const pathOf = ({ job, attempt }: AttemptRef): string => `/jobs/${job}/attempts/${attempt}`;
