/** Jobs and workers for the tests of the queue. */
import { generateKeyPairSync } from 'node:crypto';

import type { Db } from '../src/db/connect.ts';
import { sha256 } from '../src/kit/digest.ts';
import type { JobSpec, Lease } from '../src/model/job.ts';
import { parseArchitecture, parseLabel, parsePackageName, parseVersion, type Label } from '../src/model/names.ts';
import { toSigningKey, type SigningKey } from '../src/plumbing/keys.ts';
import { addJob, approveWorker, claim, createEnrolmentToken, enrolWorker, type NewJob } from '../src/build/mod.ts';
import { unjudged } from './tag-build-row.ts';

export const start = new Date('2026-11-21T10:00:00Z');
export const after = (milliseconds: number): Date => new Date(start.getTime() + milliseconds);
export const leaseMs = 60_000;
export const noNotifiers = { notifiers: new Map() };
export const amd64 = parseArchitecture('amd64');
export const defaultPool = parseLabel('default');

export function jobSpec(changes: Partial<JobSpec> = {}): JobSpec {
  return {
    kind: 'source',
    source: parsePackageName('hello'),
    version: parseVersion('2.10-3'),
    architecture: amd64,
    builds: 'source',
    inputs: [{ name: 'tree.tar', sha256: sha256('tree'), size: 4 }],
    lock: sha256('lock'),
    baseLock: sha256('base'),
    limits: { wall: 60_000, silence: 30_000, memory: 2 ** 30, disk: 2 ** 30, log: 1000, processes: 100 },
    sourceDateEpoch: 1_700_000_000,
    origin: {
      repository: 'https://git.example.org/hello.git',
      tag: 'debian/2.10-3',
      tagObject: 'a'.repeat(40),
      commit: 'b'.repeat(40),
      tree: 'c'.repeat(40),
      signer: 'ann',
      suite: 'stable',
    },
    ...changes,
  };
}

export function newJob(changes: Partial<NewJob> = {}): NewJob {
  return {
    tagBuild: undefined,
    spec: jobSpec(),
    pool: defaultPool,
    priority: 0,
    maxAttempts: 3,
    state: 'Needs-Build',
    reason: 'The tag was admitted',
    ...changes,
  };
}

export const add = (db: Db, changes: Partial<NewJob> = {}): Promise<number> =>
  addJob(db, newJob(changes), start, noNotifiers);

export async function approvedWorker(db: Db, name: string): Promise<{ name: Label; key: SigningKey }> {
  const worker = { name: parseLabel(name), key: toSigningKey(generateKeyPairSync('ed25519').privateKey) };
  const token = await createEnrolmentToken(db, 60_000, start);
  const enrolment = {
    token,
    name: worker.name,
    publicKey: worker.key.publicKey,
    architectures: [amd64],
    pool: defaultPool,
  };
  await enrolWorker(db, enrolment, start, noNotifiers);
  await approveWorker(db, name, start, noNotifiers);
  return worker;
}

export const claimFor = (db: Db, worker: Label, now = start): Promise<Lease | undefined> =>
  claim(db, { worker, architectures: ['amd64'], pool: 'default', leaseMs, now });

export async function tagBuild(db: Db, tag = 'debian/2.10-3'): Promise<number> {
  const { id } = await db
    .insertInto('tag_build')
    .values({
      repository: 'r',
      tag,
      suite: 'stable',
      origin: 'cli',
      received_at: start,
      ...unjudged,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}
