/**
 * What workers may ask for, mounted at `/api/worker`. Every request is signed, and the worker approved at that moment.
 * Everything that concerns a job is answered only to the holder of its current lease; results are checked here again,
 * against the job and the stored files, before the queue takes them.
 */
import { Readable } from 'node:stream';

import { Hono, type Context } from 'hono';
import type { z } from 'zod';

import {
  admitRequest,
  appendLog,
  checkFiles,
  checkProvenance,
  completeAttempt,
  currentLease,
  digestLog,
  earlierCompletion,
  enrolWorker,
  findWorker,
  heartbeat,
  isControlFile,
  mostControlBytes,
  noteUpload,
  releaseLease,
  uploadsOf,
  type CheckedResult,
  type Holder,
  type ParseLock,
} from '../../build/mod.ts';
import type { Db } from '../../db/connect.ts';
import type { Clock } from '../../kit/clock.ts';
import { isSha256, sha256, type Sha256 } from '../../kit/digest.ts';
import { SheafError } from '../../kit/error.ts';
import type { Distribution } from '../../model/distribution.ts';
import type { AttemptResult, Lease, Worker } from '../../model/job.ts';
import type { Label } from '../../model/names.ts';
import { provenanceType } from '../../formats/attestation/provenance.ts';
import type { Blobs } from '../../plumbing/blobs.ts';
import {
  mostSkew,
  readSignature,
  verifySignature,
  type HttpMessage,
  type RequestSignature,
  type SignatureRefusal,
} from '../../plumbing/http-signature.ts';
import { verifyEd25519 } from '../../plumbing/keys.ts';
import {
  attemptResult,
  enrolRequest,
  heartbeatRequest,
  leaseRequest,
  limits,
  type CompleteAnswer,
} from '../../plumbing/worker-protocol.ts';
import type { LeaseDesk } from './lease-desk.ts';

export type WorkerApiDeps = {
  readonly db: Db;
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly distribution: Pick<Distribution, 'notifiers' | 'url'>;
  readonly desk: LeaseDesk;
  readonly parseLock: ParseLock;
  /** What went wrong in here, for the server's own log; the worker is told only that something did. */
  readonly onError: (error: unknown) => void;
};

/** The routes, relative to where they are mounted. */
export function workerApi(deps: WorkerApiDeps): Hono {
  const { db, blobs, clock, distribution, desk } = deps;
  const uploads = new UploadBudget();
  const keys = new Map<string, string>();
  const app = new Hono();

  app.post('/enrol', async (c) => {
    const signature = signatureOf(c);
    const body = await readJson(c, signature, limits.request, enrolRequest);
    // The signature proves that whoever enrols holds the key.
    if (signature.keyId !== body.name) throw refusal(401, 'bad-signature', 'the signature names another worker');
    verify(c, signature, body.publicKey);
    const answer = await enrolWorker(db, body, clock.now(), distribution);
    if (answer.kind === 'enrolled') return c.json({ name: body.name, state: answer.state });
    const [message, hint] = enrolmentRefusals[answer.code];
    throw refusal(answer.code === 'bad-token' ? 403 : 409, answer.code, message, hint);
  });

  app.post('/lease', async (c) => {
    const { worker, signature } = await authenticate(c);
    const { running, wait } = await readJson(c, signature, limits.request, leaseRequest);
    const lease = await desk.lease(worker, running, wait, c.req.raw.signal);
    if (lease === undefined) return c.body(null, 204);
    return c.json({ lease, leaseMs: desk.leaseMs, builderId: builderIdOf(worker) });
  });

  app.post('/jobs/:job/attempts/:attempt/heartbeat', async (c) => {
    const { signature, holder } = await authenticate(c);
    const { wait } = await readJson(c, signature, limits.request, heartbeatRequest);
    const first = await heartbeat(db, holder, desk.leaseMs, clock.now());
    if (first !== 'ok' || wait === 0) return c.json({ answer: first });
    await desk.cancelled(holder.job, Math.min(wait, Math.floor(desk.leaseMs / 2)), c.req.raw.signal);
    return c.json({ answer: await heartbeat(db, holder, desk.leaseMs, clock.now()) });
  });

  app.post('/jobs/:job/attempts/:attempt/log', async (c) => {
    const { signature, holder } = await authenticate(c);
    const position = numberOf(c.req.query('position'), 'position');
    const bytes = await readBody(c, signature, limits.chunk);
    return c.json(await appendLog(db, holder, { position, bytes }));
  });

  app.get('/jobs/:job/attempts/:attempt/blobs/:sha256', async (c) => {
    const { holder } = await authenticate(c);
    const lease = await leaseOf(holder);
    const digest = digestOf(c.req.param('sha256'));
    const named = [lease.spec.lock, lease.spec.baseLock, ...lease.spec.inputs.map((input) => input.sha256)];
    const info = named.includes(digest) ? await blobs.info(digest) : undefined;
    if (info === undefined) throw refusal(404, 'no-such-blob', `job ${holder.job} has no input ${digest}`);
    return c.body(Readable.toWeb(blobs.stream(digest)) as ReadableStream, 200, {
      'content-type': 'application/octet-stream',
      'content-length': String(info.size),
    });
  });

  app.put('/jobs/:job/attempts/:attempt/files/:sha256', async (c) => {
    const { signature, holder } = await authenticate(c);
    const lease = await leaseOf(holder);
    const digest = digestOf(c.req.param('sha256'));
    if (signature.body !== digest) throw refusal(400, 'bad-request', 'Content-Digest is not that of the address');
    const size = numberOf(c.req.header('content-length'), 'Content-Length');
    if (!uploads.take(holder, size, lease.spec.limits.disk)) {
      throw refusal(
        413,
        'too-large',
        `the files of job ${holder.job} are larger than ${lease.spec.limits.disk} bytes together`,
      );
    }
    const body = c.req.raw.body ?? new Blob([]).stream();
    await blobs.put(body, { expect: digest, limit: size });
    await noteUpload(db, holder, digest);
    return c.json({ sha256: digest, size });
  });

  app.post('/jobs/:job/attempts/:attempt/complete', async (c) => {
    const { worker, signature, holder } = await authenticate(c);
    const result = await readJson(c, signature, limits.result, attemptResult);
    const lease = await currentLease(db, holder);
    const answer =
      lease === undefined
        ? await earlierCompletion(db, holder)
        : await completeAttempt(db, holder, await check(worker, holder, lease, result), clock.now(), distribution);
    uploads.forget(holder);
    return c.json(answer satisfies CompleteAnswer);
  });

  app.post('/jobs/:job/attempts/:attempt/release', async (c) => {
    const { signature, holder } = await authenticate(c);
    await readBody(c, signature, limits.request);
    const released = await releaseLease(db, holder, clock.now(), distribution);
    uploads.forget(holder);
    return c.json({ released });
  });

  app.all('*', (c) => answerRefusal(c, refusal(404, 'not-found', `there is nothing at ${c.req.path}`)));
  app.onError((error, c) => {
    if (error instanceof Refused) return answerRefusal(c, error);
    if (error instanceof SheafError && error.code.startsWith('blob-')) {
      return answerRefusal(c, refusal(error.code === 'blob-too-large' ? 413 : 422, error.code, error.message));
    }
    if (c.req.raw.signal.aborted) return c.body(null, 499 as 400);
    deps.onError(error);
    return answerRefusal(c, refusal(500, 'internal', 'something went wrong on the server', 'Its own log says what.'));
  });
  return app;

  function signatureOf(c: Context): RequestSignature {
    const signature = readSignature(messageOf(c));
    if ('kind' in signature) throw badSignature(signature);
    return signature;
  }

  function verify(c: Context, signature: RequestSignature, publicKey: string): void {
    const answer = verifySignature(messageOf(c), signature, publicKey, clock.now());
    if (answer.kind === 'refused') throw badSignature(answer);
  }

  async function authenticate(c: Context): Promise<{ worker: Worker; signature: RequestSignature; holder: Holder }> {
    const signature = signatureOf(c);
    // An unknown worker and a wrong key look the same from outside.
    verify(c, signature, (await publicKeyOf(signature.keyId)) ?? '');
    const name = signature.keyId;
    const answer = await admitRequest(db, { worker: name, nonce: signature.nonce }, clock.now());
    if (answer.kind === 'admitted')
      return { worker: answer.worker, signature, holder: holderOf(c, answer.worker.name) };
    if (answer.kind === 'replayed') throw refusal(401, 'replayed', 'this request was made before');
    throw answer.state === 'disabled'
      ? refusal(403, 'worker-disabled', `worker ${name} is disabled`, `sheaf worker approve ${name}`)
      : refusal(403, 'worker-pending', `worker ${name} waits for approval`, `sheaf worker approve ${name}`);
  }

  /** A worker's key never changes; whether it may build is asked every time. */
  async function publicKeyOf(name: string): Promise<string | undefined> {
    const known = keys.get(name) ?? (await findWorker(db, name))?.publicKey;
    if (known !== undefined) keys.set(name, known);
    return known;
  }

  function holderOf(c: Context, worker: Label): Holder {
    const { job, attempt } = c.req.param() as { job?: string; attempt?: string };
    if (job === undefined) return { job: 0, attempt: 0, worker };
    return { job: numberOf(job, 'job'), attempt: numberOf(attempt, 'attempt'), worker };
  }

  async function leaseOf(holder: Holder): Promise<Lease> {
    const lease = await currentLease(db, holder);
    if (lease !== undefined) return lease;
    throw refusal(409, 'lost', `worker ${holder.worker} does not hold attempt ${holder.attempt} of job ${holder.job}`);
  }

  function builderIdOf(worker: Worker): string {
    return `${distribution.url}/workers/${worker.name}`;
  }

  async function check(worker: Worker, holder: Holder, lease: Lease, result: AttemptResult): Promise<CheckedResult> {
    if (result.outcome === 'failed') return result;
    const { spec } = lease;
    const texts = new Map<string, string>();
    const missing: string[] = [];
    // That a file is here proves nothing: whoever has read the archive knows its hash.
    const brought = await uploadsOf(db, holder);
    const given = new Set(spec.inputs.map((input) => input.sha256));
    for (const file of result.files) {
      const isBrought = brought.has(file.sha256) || given.has(file.sha256);
      const info = isBrought ? await blobs.info(file.sha256) : undefined;
      if (info === undefined) missing.push(`${file.name} was not uploaded`);
      else if (info.size !== file.size) missing.push(`${file.name} has ${info.size} bytes, not ${file.size}`);
      else if (isControlFile(file.name) && file.size <= mostControlBytes) {
        texts.set(file.name, (await blobs.read(file.sha256)).toString('utf8'));
      }
    }
    const lock = deps.parseLock((await blobs.read(spec.lock)).toString('utf8'), 'lock');
    const log = await digestLog(db, lease.job, lease.attempt);
    const facts = { ...lease, lock, files: result.files, builderId: builderIdOf(worker), log };
    const reasons =
      missing.length > 0
        ? missing
        : [
            ...checkFiles(spec, result.files, texts),
            ...checkProvenance(result.provenance, facts, worker.publicKey, verifyEd25519),
          ];
    if (reasons.length > 0) return { outcome: 'refused', reason: reasons.join('; '), timings: result.timings };
    const stored = await blobs.putBytes(result.provenance);
    return { ...result, statement: { sha256: stored.sha256, predicateType: provenanceType } };
  }
}

/** How much each attempt has uploaded, so that no worker fills the server's disk. */
class UploadBudget {
  readonly #taken = new Map<string, number>();

  take(holder: Holder, size: number, most: number): boolean {
    const key = keyOf(holder);
    const taken = (this.#taken.get(key) ?? 0) + size;
    if (taken > most) return false;
    this.#taken.set(key, taken);
    // Attempts that were lost are never forgotten by name: drop the oldest.
    if (this.#taken.size > 10_000) this.#taken.delete(this.#taken.keys().next().value!);
    return true;
  }

  forget(holder: Holder): void {
    this.#taken.delete(keyOf(holder));
  }
}

const keyOf = ({ job, attempt }: Holder): string => `${job}/${attempt}`;

const enrolmentRefusals = {
  'bad-token': ['the enrolment token is unknown, used or expired', 'On the server, make another: sheaf worker token'],
  'name-taken': ['another worker has this name', 'Choose another one: --name'],
  'key-taken': ['another worker has this key', 'Enrol it with a folder of its own: --home'],
} as const;

type Status = 400 | 401 | 403 | 404 | 409 | 413 | 422 | 500;

class Refused extends Error {
  readonly status: Status;
  readonly code: string;
  readonly hint: string | undefined;

  constructor(status: Status, code: string, message: string, hint: string | undefined) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

function refusal(status: Status, code: string, message: string, hint?: string): Refused {
  return new Refused(status, code, message, hint);
}

function badSignature(answer: SignatureRefusal): Refused {
  const hint = answer.code === 'clock-skew' ? `Set the clocks: at most ${mostSkew / 60_000} minutes apart.` : undefined;
  return refusal(401, answer.code, answer.message, hint);
}

function answerRefusal(c: Context, { status, code, message, hint }: Refused): Response {
  return c.json({ error: { code, message, ...(hint === undefined ? {} : { hint }) } }, status);
}

/** As it was sent: the path below whatever this is mounted at included. */
function messageOf(c: Context): HttpMessage {
  const url = new URL(c.req.url);
  return { method: c.req.method, path: url.pathname, query: url.search, header: (name) => c.req.header(name) };
}

async function readBody(c: Context, signature: RequestSignature, limit: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of c.req.raw.body ?? []) {
    size += part.length;
    if (size > limit) throw refusal(413, 'too-large', `the request is larger than ${limit} bytes`);
    parts.push(part);
  }
  const bytes = Buffer.concat(parts);
  if (sha256(bytes) !== signature.body) throw refusal(401, 'bad-signature', 'the body is not the one that was signed');
  return bytes;
}

async function readJson<T extends z.ZodType>(
  c: Context,
  signature: RequestSignature,
  limit: number,
  shape: T,
): Promise<z.infer<T>> {
  const bytes = await readBody(c, signature, limit);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw refusal(400, 'bad-request', 'the body is not JSON');
  }
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, 5).map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw refusal(400, 'bad-request', `the body does not have the expected form: ${issues.join('; ')}`);
}

function numberOf(text: string | undefined, what: string): number {
  if (text === undefined || !/^\d{1,15}$/.test(text)) throw refusal(400, 'bad-request', `${what} is not a number`);
  return Number(text);
}

function digestOf(text: string): Sha256 {
  if (!isSha256(text)) throw refusal(400, 'bad-request', 'the address does not end in a SHA-256');
  return text;
}
