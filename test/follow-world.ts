/** Everything that following an upstream needs, for tests: a real store and database, a client of the fake mirror. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { countChanges } from '../src/compare/mod.ts';
import { connect, type Db } from '../src/db/connect.ts';
import { followUpstream, type FollowDeps } from '../src/flows/follow-upstream.ts';
import type { Upstream } from '../src/model/distribution.ts';
import { parseArchitecture, parseLabel } from '../src/model/names.ts';
import { Blobs } from '../src/plumbing/blobs.ts';
import { decompressIndex } from '../src/plumbing/decompress.ts';
import { encoders } from '../src/plumbing/history/encoders.ts';
import { openIndexStore } from '../src/plumbing/history/store.ts';
import { createMirrorClient, type MirrorClientOptions } from '../src/plumbing/mirror/client.ts';
import { verifyRelease } from '../src/plumbing/signature/release.ts';

export type FollowWorld = FollowDeps & { readonly blobs: Blobs; readonly close: () => Promise<void> };

/** `now` is asked at every look at the clock. */
export async function followWorld(
  directory: string,
  db: Db,
  now: () => Date,
  options: Partial<MirrorClientOptions> = {},
): Promise<FollowWorld> {
  await mkdir(directory, { recursive: true });
  const store = await openIndexStore(join(directory, 'history'));
  const blobs = new Blobs(join(directory, 'blobs'));
  const partial = { directory: join(directory, 'partial'), version: '0', pauses: [1, 1], stall: 5000 };
  return {
    ...{ db, store, blobs, encoders, countChanges, verifyRelease },
    decompress: decompressIndex,
    mirror: createMirrorClient({ ...partial, ...options }),
    clock: { now },
    pauses: [1, 1],
    close: () => store.close(),
  };
}

export function fakeUpstream(url: string, keyring: string, more: Partial<Upstream> = {}): Upstream {
  return {
    ...{ name: parseLabel('toy'), url, keyring, suites: ['trixie'], components: ['main'] },
    ...{ architectures: [parseArchitecture('amd64')], sources: true, contents: false, translations: [] },
    ...{ expired: 'refuse', every: undefined },
    ...more,
  };
}

export type KilledFollow = {
  readonly directory: string;
  readonly database: string;
  readonly url: string;
  readonly keyring: string;
  readonly suite: string;
  readonly now: string;
  /** The step at which the process is killed; a step is a request, or something that is written. */
  readonly step: number;
};

/** What a child process does: see follow-upstream.test.ts. */
export async function followAndDie(setup: KilledFollow): Promise<void> {
  const connection = connect(setup.database);
  const world = await followWorld(setup.directory, connection.db, () => new Date(setup.now));
  let steps = 0;
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    if (++steps === setup.step) process.kill(process.pid, 'SIGKILL');
    const result = await work();
    if (++steps === setup.step) process.kill(process.pid, 'SIGKILL');
    return result;
  };
  const { mirror, store } = world;
  const deps: FollowDeps = {
    ...world,
    mirror: {
      read: (url, options) => step(() => mirror.read(url, options)),
      fetch: (url, expect, options) => step(() => mirror.fetch(url, expect, options)),
    },
    store: {
      id: store.id,
      put: (bytes, options) => step(() => store.put(bytes, options)),
      info: (sha256) => store.info(sha256),
      read: (sha256) => store.read(sha256),
      pieces: (sha256) => store.pieces(sha256),
      readPieces: (numbers) => store.readPieces(numbers),
    },
  };
  const [report] = await followUpstream(deps, fakeUpstream(setup.url, setup.keyring, { suites: [setup.suite] }));
  process.stdout.write(`${report!.outcome} after ${steps} steps\n`);
  await world.close();
  await connection.close();
}

if (process.argv[1] === import.meta.filename) await followAndDie(JSON.parse(process.argv[2]!) as KilledFollow);
