/**
 * What workers and servers say to one another: JSON over HTTP, every request signed (http-signature.ts). Both sides
 * check what they are told with the shapes below, so that a worker can be any program.
 */
import { z } from 'zod';

import { isSha256, type Sha256 } from '../kit/digest.ts';
import type { AttemptResult, InputFile, JobSpec, Lease } from '../model/job.ts';
import {
  isArchitecture,
  isLabel,
  isPackageName,
  isVersion,
  type Architecture,
  type Label,
  type PackageName,
  type Version,
} from '../model/names.ts';
import { isPublicKey } from './keys.ts';

export const protocolPath = '/api/worker';

/** Bytes. */
export const limits = {
  /** A request in JSON, except the result. */
  request: 64 * 1024,
  /** A result: it carries the provenance. */
  result: 16 * 2 ** 20,
  /** One chunk of a log. */
  chunk: 1024 * 1024,
  /** Any answer in JSON. */
  answer: 4 * 2 ** 20,
};

/** Longest time in milliseconds that a server holds a request that waits. */
export const longestWait = 30_000;

const text = (limit: number) => z.string().max(limit);
const branded = <T extends string>(is: (value: string) => value is T, what: string) =>
  z.custom<T>((value) => typeof value === 'string' && is(value), `is not a ${what}`);
const digest = branded<Sha256>(isSha256, 'SHA-256');
const label = branded<Label>(isLabel, 'name');
const architecture = branded<Architecture>(isArchitecture, 'architecture');
const count = z.int().nonnegative();
const size = z.int().nonnegative();
/** One path component, not hidden. */
const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9+.,~_:@%=-]{0,254}$/);
const timings = z
  .record(z.string().regex(/^[a-z][a-z0-9-]{0,40}$/), z.number().nonnegative())
  .refine((value) => Object.keys(value).length <= 50, 'has more than 50 entries');

/** Of a one-time token. */
export const tokenForm = /^[A-Za-z0-9_-]{20,200}$/;

export const inputFile = z.object({ name: fileName, sha256: digest, size });

export const enrolRequest = z.strictObject({
  token: z.string().max(200),
  name: label,
  publicKey: z.string().refine(isPublicKey, 'is not an Ed25519 public key'),
  architectures: z.array(architecture).min(1).max(10),
  pool: label,
});
export type EnrolRequest = z.infer<typeof enrolRequest>;

export const enrolAnswer = z.object({ name: label, state: z.enum(['pending', 'approved', 'disabled']) });

const running = z.object({ job: count, attempt: count });
export const leaseRequest = z.strictObject({
  running: z.array(running).max(200),
  wait: z.int().min(0).max(longestWait),
});

export const heartbeatRequest = z.strictObject({ wait: z.int().min(0).max(longestWait) });
export const heartbeatAnswer = z.object({ answer: z.enum(['ok', 'lost', 'cancelled']) });

export const logAnswer = z.object({
  kind: z.enum(['ok', 'gap', 'full', 'lost', 'cancelled']),
  position: count.optional(),
});

const buildLimits = z.object({
  wall: z.number().positive(),
  silence: z.number().positive(),
  memory: z.number().positive(),
  disk: z.number().positive(),
  log: z.number().positive(),
  processes: z.number().positive(),
});

const word = text(1000).exactOptional();
const libraryName = z.strictObject({
  source: text(1000),
  packages: z.array(text(1000)).max(1000),
  version: text(100),
  called: text(100),
});
const headerPatch = z.strictObject({ source: text(1000), version: text(1000), patch: text(1000), text: text(2 ** 20) });
// Strict, as all that says how to build: what a worker does not know it cannot leave out without building something else.
const conditions = z.strictObject({
  buildPath: word,
  clock: z.int().exactOptional(),
  locale: word,
  timezone: word,
  umask: word,
  hostname: word,
  user: word,
  parallel: z.int().positive().exactOptional(),
  processors: z.number().int().min(1).max(1024).exactOptional(),
  kernel: text(100).exactOptional(),
  fileOrder: z.enum(['sorted', 'reversed']).exactOptional(),
  elementIds: z.literal('ordered').exactOptional(),
  environment: z.record(text(200), text(100_000)).exactOptional(),
  tools: z
    .strictObject({ compiler: word, debhelper: word, pod2man: word, perl: word, java: word, libtool: word })
    .exactOptional(),
  libraries: z.array(libraryName).max(100).exactOptional(),
  headers: z.array(headerPatch).max(1000).exactOptional(),
  changelogEntry: text(2 ** 20).exactOptional(),
});

export const jobSpec = z.strictObject({
  kind: z.enum(['source', 'binary']),
  source: branded<PackageName>(isPackageName, 'package name'),
  version: branded<Version>(isVersion, 'version'),
  architecture,
  builds: z.enum(['source', 'any', 'all', 'any+all']),
  inputs: z.array(inputFile).max(10_000),
  lock: digest,
  baseLock: digest,
  limits: buildLimits,
  sourceDateEpoch: z.int(),
  origin: z.union([
    z.object({
      repository: text(2000),
      tag: text(1000),
      tagObject: text(64),
      commit: text(64),
      tree: text(64),
      signer: text(200),
      suite: text(100),
    }),
    z.object({ upload: z.object({ name: text(300), sha256: text(64) }), signer: text(200), suite: text(100) }),
    z.object({ rebuild: count, place: text(300), signer: text(200) }),
  ]),
  conditions: conditions.exactOptional(),
});

export const leaseAnswer = z.object({
  lease: z.object({ job: count, attempt: count, expiresAt: z.coerce.date(), spec: jobSpec }),
  /** How long the lease lasts from each heartbeat on, in milliseconds: clocks need not agree. */
  leaseMs: z.int().positive(),
  /** What this worker is called in provenance. */
  builderId: text(2000),
});
export type LeaseAnswer = z.infer<typeof leaseAnswer>;

/** What is understood even of a lease whose job is not. */
export const leasedAttempt = z.object({ lease: z.object({ job: count, attempt: count, spec: z.unknown() }) });

export const attemptResult = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z.literal('built'),
    files: z.array(inputFile).min(1).max(10_000),
    provenance: z.string(),
    timings,
  }),
  z.strictObject({
    outcome: z.literal('failed'),
    fault: z.enum(['package', 'environment', 'worker']),
    reason: text(4000),
    timings,
  }),
]);

export const completeAnswer = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('accepted') }),
  z.object({ kind: z.literal('refused'), reason: z.string() }),
  z.object({ kind: z.literal('lost') }),
  z.object({ kind: z.literal('cancelled') }),
]);
export type CompleteAnswer = z.infer<typeof completeAnswer>;

export const errorAnswer = z.object({
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }),
});

// The shapes and the model's types are the same thing said twice: this does not compile when they part.
type Same<Shape extends Type, Type> = Shape;
export type ProtocolTypes = [
  Same<z.infer<typeof jobSpec>, JobSpec>,
  Same<z.infer<typeof leaseAnswer>['lease'], Lease>,
  Same<z.infer<typeof attemptResult>, AttemptResult>,
  Same<z.infer<typeof inputFile>, InputFile>,
];
