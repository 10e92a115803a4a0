/** The wiring: one opened distribution with everything that the server and the command line work through. */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';

import type pg from 'pg';

import { aptSources, type ArchiveDeps } from '../archive/mod.ts';
import { checkServer, connect, migrate, type Db } from '../db/connect.ts';
import { listen } from '../db/notify.ts';
import { Environments } from '../flows/environment.ts';
import { settlePublication } from '../flows/settle-publication.ts';
import type { CreateLockDeps } from '../flows/create-lock.ts';
import type { TagToSuite } from '../flows/tag-to-suite.ts';
import type { IntakeDeps } from '../intake/mod.ts';
import { systemClock, type Clock } from '../kit/clock.ts';
import { parseSha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { Distribution } from '../model/distribution.ts';
import { parseSuiteName } from '../model/names.ts';
import type { NotifyDeps } from '../notify/mod.ts';
import { createApt } from '../plumbing/apt.ts';
import type { Blobs } from '../plumbing/blobs.ts';
import * as compression from '../plumbing/compression.ts';
import { decompressStream } from '../plumbing/decompress.ts';
import { Git } from '../plumbing/git.ts';
import { sendHttp } from '../plumbing/http-client.ts';
import { packBlock } from '../plumbing/index-blocks.ts';
import { startCluster, type Cluster } from '../plumbing/postgres/cluster.ts';
import { readSecretFile } from '../plumbing/secret-file.ts';
import { signatureVerifier } from '../plumbing/signature.ts';
import { loadSigner, type Signer } from '../plumbing/signer.ts';
import { treeFiles } from '../plumbing/tree-files.ts';
import { readDistribution } from '../policy/mod.ts';
import { parseLock } from '../lock/mod.ts';
import { actionsOf } from './actions.ts';
import { openHistory, type HouseHistory } from './house-history.ts';
import { lockDeps } from './house-lock.ts';
import { openBlobs, openStorage, type Storage } from './house-storage.ts';
import type { WebDeps } from './web/mod.ts';
import { ownSource } from './own-source.ts';
import { databaseAddress, databaseAddressHint, describeRefusal } from './database-address.ts';
import { pathsOf, signingKeyFile, type Paths } from './paths.ts';

export type House = HouseHistory & {
  readonly distribution: Distribution;
  readonly paths: Paths;
  readonly db: Db;
  readonly pool: pg.Pool;
  readonly blobs: Blobs;
  /** Where a bucket has the blobs. */
  readonly storage: Storage | undefined;
  readonly clock: Clock;
  readonly intake: IntakeDeps;
  readonly archive: ArchiveDeps;
  readonly flow: TagToSuite;
  readonly lock: CreateLockDeps;
  readonly notify: NotifyDeps;
  readonly web: (report: (error: unknown) => void) => WebDeps;
  /** The key of a repository. Throws `key-missing`, `key-exposed`, `bad-key`. */
  readonly signer: (repository: string) => Promise<Signer>;
  /** Starts the cluster of our own again where it has ended; nothing where the database is another's, or runs. */
  readonly reviveDatabase: () => Promise<void>;
  /** Disconnects; stops the cluster when this process started it and nobody else uses it. */
  readonly close: () => Promise<void>;
};

export type HouseOptions = {
  /** Bytes of decoded indexes that are kept in memory. */
  readonly cacheBytes?: number;
};

/**
 * Opens the distribution in `directory`: reads its settings, starts or reaches its database, brings the tables up to
 * date. Throws `bad-settings`, `no-postgres`, `postgres-failed`, `old-postgres`.
 */
export async function openHouse(directory: string, options: HouseOptions = {}): Promise<House> {
  const clock = systemClock;
  const paths = pathsOf(resolve(directory));
  const distribution = await readDistribution(paths.directory);
  await mkdir(paths.state, { recursive: true });
  const database = await openDatabase(paths);
  try {
    return await furnish(distribution, paths, clock, { ...database, ...options });
  } catch (error) {
    await database.close();
    throw error;
  }
}

type Furnishing = Awaited<ReturnType<typeof openDatabase>> & HouseOptions;

async function furnish(
  distribution: Distribution,
  paths: Paths,
  clock: Clock,
  { connection, revive, close, cacheBytes }: Furnishing,
): Promise<House> {
  const { db, pool } = connection;
  const { blobs, bucket } = await openBlobs(distribution, paths, clock);
  const signer = keptByName((repository) => loadSigner(signingKeyFile(paths, repository)));
  const archive: ArchiveDeps = {
    ...{ db, distribution, blobs, compression, packBlock, decompressStream, signer },
    files: treeFiles,
    directory: paths.archive,
    onPublished: settlePublication(distribution),
  };
  const intake: IntakeDeps = {
    ...{ db, distribution, blobs, clock, signatures: signatureVerifier },
    git: new Git({ directory: paths.git, policy: distribution.git, env: process.env }),
  };
  const kept = await openHistory({ db, distribution, paths, blobs, clock, signer, cacheBytes });
  const environments = new Environments({
    ...{ distribution, blobs, clock },
    // Our own suites are named by snapshot, and a snapshot never changes.
    solve: { solver: createApt({ directory: paths.apt, now: clock.now, ownAge: Number.POSITIVE_INFINITY }) },
    ownSource: (suite) => ownSource(db, distribution, paths, suite),
  });
  return {
    ...{ distribution, paths, db, pool, blobs, clock, intake, archive, signer },
    ...kept,
    storage: openStorage(archive, bucket, clock),
    reviveDatabase: revive,
    close: async () => {
      await kept.indexStore.close();
      await close();
    },
    flow: { db, distribution, clock, intake, archive, environments },
    lock: lockDeps({ db, distribution, history: kept.history, paths }),
    notify: { db, distribution, send: sendHttp, readSecret: readSecretFile },
    web: (report) => ({
      ...{ db, distribution, blobs, report },
      now: clock.now,
      listen: (channels, onMessage, onReconnect) => listen(pool, channels, onMessage, onReconnect),
      countLocked: countLocked(blobs),
      history: kept.history,
      storeNumbers: () => kept.indexStore.stats(),
      compare: kept.compare,
      actions: actionsOf(archive, clock, () => readDistribution(paths.directory)),
      archive: {
        keys: async (repository) => (await signer(repository)).keys,
        publicKey: async (repository) => (await signer(repository)).publicKeyArmored,
        aptSources: async (name) => {
          const suite = distribution.suites.get(parseSuiteName(name))!;
          return aptSources(distribution, suite, (await signer(suite.repository)).publicKeyArmored);
        },
      },
    }),
  };
}

async function openDatabase(paths: Paths) {
  const url = databaseAddress();
  const cluster: Cluster | undefined = url === undefined ? await startCluster(paths.postgres) : undefined;
  let isOurs = cluster?.started === true;
  // One connection stays, or another command that ends would stop the server under a long build.
  const connection = connect(url ?? cluster!.connection, { max: 20, min: 1 });
  let reviving: Promise<void> = Promise.resolve();
  const close = async () => {
    // A start that is under way would outlive the stop.
    await reviving.catch(() => {});
    await connection.close();
    if (isOurs) await cluster!.stop();
  };
  const revive = async () => {
    if (cluster === undefined) return;
    reviving = startCluster(paths.postgres).then(({ started }) => {
      if (started) isOurs = true;
    });
    await reviving;
  };
  const prepare = async () => {
    await checkServer(connection.db);
    await migrate(connection.db);
  };
  try {
    await prepare().catch(async (error) => {
      if (cluster === undefined) throw error;
      // It may just have been stopped by the command that had started it.
      await revive();
      await prepare();
    });
  } catch (error) {
    await close();
    throw error instanceof SheafError
      ? error
      : new SheafError('no-database', `Cannot reach the database: ${describeRefusal(error)}`, {
          kind: 'environment',
          hint: databaseAddressHint,
          cause: error,
        });
  }
  return { connection, revive, close };
}

function countLocked(blobs: Blobs): WebDeps['countLocked'] {
  return keptByName(async (digest) => {
    const info = await blobs.info(parseSha256(digest));
    return info === undefined ? undefined : parseLock((await blobs.read(info.sha256)).toString()).packages.length;
  });
}

/** Asked once for each name; a failure is not kept. */
function keptByName<T>(read: (name: string) => Promise<T>): (name: string) => Promise<T> {
  const kept = new Map<string, Promise<T>>();
  return (name) => {
    const found = kept.get(name) ?? read(name);
    kept.set(name, found);
    found.catch(() => kept.delete(name));
    return found;
  };
}
