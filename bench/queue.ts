/**
 * The queue: claims and completions a second with 100,000 waiting jobs, against the naive query; then 1,000 workers over
 * HTTP, first in peace (how long a lease takes), then while servers and workers are killed at random (no job lost, none
 * run twice). All on loopback and a PostgreSQL cluster of its own that flushes what it commits.
 *
 *     ./run bench queue [--json] [--write] [--workers 1000] [--jobs 100000]
 */
import { fork, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { sql } from 'kysely';

import { LeaseDesk } from '../src/apps/server/lease-desk.ts';
import { workerApi } from '../src/apps/server/worker-api.ts';
import { addJob, claim, completeAttempt } from '../src/build/mod.ts';
import { connect, migrate, type Db } from '../src/db/connect.ts';
import { systemClock } from '../src/kit/clock.ts';
import type { Label } from '../src/model/names.ts';
import { Blobs } from '../src/plumbing/blobs.ts';
import { toSigningKey, type SigningKey } from '../src/plumbing/keys.ts';
import { startCluster } from '../src/plumbing/postgres/cluster.ts';
import { isPassing, WorkerClient } from '../src/plumbing/worker-client.ts';
import type { LeaseAnswer } from '../src/plumbing/worker-protocol.ts';
import { parseLock } from '../src/lock/mod.ts';
import { jobSpec, newJob, noNotifiers } from '../test/jobs.ts';
import { publishReport, reportFlags, type ReportRow } from './report.ts';

const { values: options } = parseArgs({
  options: {
    ...reportFlags,
    workers: { type: 'string', default: '1000' },
    jobs: { type: 'string', default: '100000' },
    server: { type: 'string' },
    'lease-ms': { type: 'string', default: '60000' },
  },
});
const workerCount = Number(options.workers);
const jobCount = Number(options.jobs);
const say = (line: string): void => void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
const architectures = ['amd64', 'arm64'];

/** A server as a process of its own: the same desk and routes as `sheaf serve`. */
async function runServer(url: string, leaseMs: number): Promise<void> {
  const { db, pool } = connect(url, { max: 12 });
  const onError = (error: unknown): void => console.error(error);
  const desk = await LeaseDesk.open({ db, pool, clock: systemClock, distribution: noNotifiers, leaseMs, onError });
  const blobs = new Blobs(join(tmpdir(), 'sheaf-bench-no-blobs'));
  const distribution = { ...noNotifiers, url: 'http://localhost' };
  const api = workerApi({ db, blobs, clock: systemClock, distribution, desk, parseLock, onError });
  const server = serve({ fetch: new Hono().route('/api/worker', api).fetch, port: 0, hostname: '127.0.0.1' });
  await once(server, 'listening');
  process.send!((server.address() as AddressInfo).port);
}

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-bench-'));
  const cluster = await startCluster(directory);
  const { host, user, database } = cluster.connection;
  const url = `postgresql://${user}@/${database}?host=${encodeURIComponent(host)}`;
  const { db, close } = connect(url, { max: 20 });
  const servers: Server[] = [];
  try {
    await migrate(db);
    const keys = await addWorkers(db);
    const rows = [...(await benchQueue(db)), ...(await benchHttp(db, url, keys, servers))];
    await publishReport(
      {
        bench: 'queue',
        title: 'The queue on PostgreSQL, and workers over HTTP',
        peer: 'naive query',
        rows,
        notes: [
          'The naive query is one subselect over all architectures, ordered, for update skip locked.',
          'PostgreSQL flushes every completion. Servers, workers and database share this machine.',
          `In peace a build takes ${peacefulBuild / 1000} s and a lease 60 s; in trouble 1.5 s and 6 s.`,
        ],
      },
      options,
    );
  } finally {
    for (const server of servers) server.kill();
    await close();
    await cluster.stop({ always: true });
    await rm(directory, { recursive: true, force: true });
  }
}

type Keys = ReadonlyMap<Label, SigningKey>;

async function addWorkers(db: Db): Promise<Keys> {
  const keys = new Map<Label, SigningKey>();
  for (let count = 0; count < workerCount; count++) {
    keys.set(`worker-${count}` as Label, toSigningKey(generateKeyPairSync('ed25519').privateKey));
  }
  const values = [...keys].map(([name, { publicKey }]) => ({
    name,
    public_key: publicKey,
    architectures,
    state: 'approved' as const,
    enrolled_at: new Date(),
    last_seen_at: null,
  }));
  await db.insertInto('worker').values(values).execute();
  return keys;
}

async function addJobs(db: Db, count: number): Promise<void> {
  await sql`
    insert into job (kind, architecture, builds, state, spec, max_attempts, priority, created_at)
    select 'source', case when n % 10 = 0 then 'arm64' else 'amd64' end, 'source', 'Needs-Build',
           ${JSON.stringify(jobSpec())}::jsonb, 1000, n % 3, now()
    from generate_series(1, ${count}) as n`.execute(db);
  await sql`analyze job`.execute(db);
  await sql`select pg_notify('job_ready', 'amd64'), pg_notify('job_ready', 'arm64')`.execute(db);
}

// --- the queue itself ---

const result = { outcome: 'failed', fault: 'package', reason: 'It is a benchmark', timings: {} } as const;
const claimers = 8;
const seconds = 4;

async function benchQueue(db: Db): Promise<ReportRow[]> {
  await addJobs(db, jobCount);
  const naive = await perSecond((worker) => naiveRound(db, worker));
  await sql`truncate job restart identity cascade`.execute(db);
  await addJobs(db, jobCount);
  const ours = await perSecond((worker) => ourRound(db, worker));
  await sql`truncate job restart identity cascade`.execute(db);
  return [
    { what: `claims and completions, ${jobCount} jobs waiting, ${claimers} at once`, ours, peer: naive, unit: '1/s' },
  ];
}

async function ourRound(db: Db, worker: Label): Promise<void> {
  const lease = await claim(db, { worker, architectures, pool: 'default', leaseMs: 60_000, now: new Date() });
  if (lease === undefined) throw new Error('no job was left');
  await completeAttempt(db, { job: lease.job, attempt: lease.attempt, worker }, result, new Date(), noNotifiers);
}

/** One subselect over all architectures: its order fits no index, so every claim sorts all that waits. */
async function naiveRound(db: Db, worker: Label): Promise<void> {
  const { rows } = await sql<{ id: number }>`
    update job set state = 'Building', worker = ${worker}, attempt = attempt + 1
    where id = (
      select id from job where state = 'Needs-Build' and pool = 'default' and architecture = any(${architectures}::text[])
      order by priority desc, id
      for update skip locked
      limit 1
    )
    returning id`.execute(db);
  await sql`update job set state = 'Build-Attempted' where id = ${rows[0]!.id}`.execute(db);
}

async function perSecond(round: (worker: Label) => Promise<void>): Promise<number> {
  const until = performance.now() + seconds * 1000;
  let done = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: claimers }, async (_, index) => {
      while (performance.now() < until) {
        await round(`worker-${index}` as Label);
        done++;
      }
    }),
  );
  return (1000 * done) / (performance.now() - began);
}

// --- over HTTP ---

type Server = { readonly address: () => string; readonly kill: () => void; readonly start: () => Promise<void> };

async function startServer(url: string, leaseMs: number): Promise<Server> {
  let child: ChildProcess;
  let port = 0;
  const start = async (): Promise<void> => {
    child = fork(import.meta.filename, ['--server', url, '--lease-ms', String(leaseMs)], { stdio: 'inherit' });
    [port] = (await once(child, 'message')) as [number];
  };
  await start();
  return { address: () => `http://127.0.0.1:${port}`, kill: () => void child.kill('SIGKILL'), start };
}

async function benchHttp(db: Db, url: string, keys: Keys, servers: Server[]): Promise<ReportRow[]> {
  servers.push(await startServer(url, 60_000), await startServer(url, 60_000));
  const peace = await inPeace(db, keys, servers);
  for (const server of servers.splice(0)) server.kill();
  servers.push(await startServer(url, 6000), await startServer(url, 6000));
  await sql`truncate job restart identity cascade`.execute(db);
  return [...peace, ...(await inTrouble(db, keys, servers))];
}

/** What the workers saw, by job and attempt. */
type Seen = {
  readonly leases: number[];
  readonly accepted: Map<number, number>;
  killed: number;
};

const peacefulBuild = 20_000;

/** Workers that build for a while each: how long a lease takes when jobs wait, and when workers wait. */
async function inPeace(db: Db, keys: Keys, servers: readonly Server[]): Promise<ReportRow[]> {
  await addJobs(db, jobCount);
  const busy = await withCrowd(keys, servers, { build: peacefulBuild, deaths: 0, spread: 10_000 }, async (seen) => {
    seen.leases.length = 0;
    const began = performance.now();
    await sleep(12_000);
    return { rate: (1000 * seen.leases.length) / (performance.now() - began), leases: [...seen.leases] };
  });
  await sql`truncate job restart identity cascade`.execute(db);
  const wakes = await withCrowd(keys, servers, { build: peacefulBuild, deaths: 0, spread: 5000 }, async (seen) => {
    const times: number[] = [];
    for (let count = 0; count < 50; count++) {
      const leased = seen.leases.length;
      const began = performance.now();
      await addJob(db, newJob(), new Date(), noNotifiers);
      while (seen.leases.length === leased) await sleep(1);
      times.push(performance.now() - began);
    }
    return times;
  });
  const quiet = `${keys.size} workers waiting`;
  return [
    { what: `leases to ${keys.size} workers over HTTP, ${jobCount} jobs waiting`, ours: busy.rate, unit: '1/s' },
    { what: 'p50 of a lease over HTTP', ours: quantile(busy.leases, 0.5), unit: 'ms' },
    { what: 'p99 of a lease over HTTP', ours: quantile(busy.leases, 0.99), unit: 'ms', aim: '≤ 100' },
    { what: `p50 from adding a job to its worker, ${quiet}`, ours: quantile(wakes, 0.5), unit: 'ms' },
    { what: `p99 from adding a job to its worker, ${quiet}`, ours: quantile(wakes, 0.99), unit: 'ms' },
  ];
}

type Crowd = { readonly build: number; readonly deaths: number; readonly spread: number };

/** Starts all workers within `spread` milliseconds, does the work, and stops them. */
async function withCrowd<T>(
  keys: Keys,
  servers: readonly Server[],
  { spread, ...crowd }: Crowd,
  work: (seen: Seen) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const seen: Seen = { leases: [], accepted: new Map(), killed: 0 };
  const workers = [...keys].map(([name, key], index) =>
    simulate({ name, key, servers, index, seen, stop: stop.signal, ...crowd, delay: (spread * index) / keys.size }),
  );
  try {
    await sleep(spread + 1000);
    return await work(seen);
  } finally {
    stop.abort();
    await Promise.all(workers);
  }
}

/** Short builds while workers die without a word and servers are killed and started again. */
async function inTrouble(db: Db, keys: Keys, servers: readonly Server[]): Promise<ReportRow[]> {
  const jobs = 2000;
  await addJobs(db, jobs);
  let kills = 0;
  const seen = await withCrowd(keys, servers, { build: 1500, deaths: 0.05, spread: 2000 }, async (seen) => {
    const began = performance.now();
    const most = 90_000;
    while (performance.now() - began < most) {
      await sleep(1500 + 2000 * Math.random());
      if (performance.now() - began < 20_000) {
        const server = servers[kills++ % servers.length]!;
        server.kill();
        await server.start();
      } else if ((await unfinished(db)) === 0) break;
    }
    return seen;
  });
  const lost = await unfinished(db);
  const { rows } = await sql<{ twice: number; attempts: number; expired: number }>`
    select count(*) filter (where ended > 1)::int as twice, sum(tries)::int as attempts, sum(expired)::int as expired
    from (
      select job, count(*) as tries, count(*) filter (where outcome in ('built', 'failed')) as ended,
             count(*) filter (where outcome = 'expired') as expired
      from attempt group by job
    ) as each`.execute(db);
  const { twice, attempts, expired } = rows[0]!;
  const told = [...seen.accepted.values()].filter((times) => times > 1).length;
  say(
    `trouble: ${jobs} jobs, ${kills} kills of a server, ${seen.killed} of a worker, ${attempts} attempts, ${expired} expired`,
  );
  if (lost > 0 || twice > 0 || told > 0) process.exitCode = 1;
  return [
    {
      what: `jobs lost of ${jobs}, with ${kills} servers and ${seen.killed} workers killed`,
      ours: lost,
      unit: 'jobs',
      aim: '0',
    },
    { what: 'jobs whose result was accepted twice', ours: Math.max(twice, told), unit: 'jobs', aim: '0' },
  ];
}

async function unfinished(db: Db): Promise<number> {
  const { count } = await db
    .selectFrom('job')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('state', '!=', 'Build-Attempted')
    .executeTakeFirstOrThrow();
  return Number(count);
}

type Simulated = {
  readonly name: Label;
  readonly key: SigningKey;
  readonly servers: readonly Server[];
  readonly index: number;
  readonly seen: Seen;
  readonly stop: AbortSignal;
  /** Milliseconds that a build takes. */
  readonly build: number;
  /** Chance that the worker dies in a build. */
  readonly deaths: number;
  /** Milliseconds before it begins. */
  readonly delay: number;
};

async function simulate(worker: Simulated): Promise<void> {
  await sleep(worker.delay);
  let turn = worker.index;
  // One server after the other, as a worker behind a load balancer sees them.
  const say = async <T>(ask: (client: WorkerClient) => Promise<T>): Promise<T> => {
    while (true) {
      const server = worker.servers[turn % worker.servers.length]!.address();
      const signer = { keyId: worker.name, sign: worker.key.sign };
      const known = clients.get(worker.name);
      const client = known?.server === server ? known.client : new WorkerClient({ server, signer, clock: systemClock });
      if (known?.client !== client) known?.client.close();
      clients.set(worker.name, { server, client });
      try {
        return await ask(client);
      } catch (error) {
        if (worker.stop.aborted || !isPassing(error)) throw error;
        turn++;
        await sleep(100 + 200 * Math.random());
      }
    }
  };
  try {
    while (!worker.stop.aborted) {
      const began = performance.now();
      const answer = await say((client) => client.lease([], 10_000, worker.stop));
      if (answer === undefined) continue;
      worker.seen.leases.push(performance.now() - began);
      await buildFor(worker, answer, say);
    }
  } catch (error) {
    if (!worker.stop.aborted) throw error;
  } finally {
    clients.get(worker.name)?.client.close();
    clients.delete(worker.name);
  }
}

const clients = new Map<Label, { server: string; client: WorkerClient }>();

async function buildFor(
  worker: Simulated,
  { lease, leaseMs }: LeaseAnswer,
  say: <T>(ask: (client: WorkerClient) => Promise<T>) => Promise<T>,
): Promise<void> {
  const until = performance.now() + worker.build * (0.5 + Math.random());
  const dies = Math.random() < worker.deaths ? performance.now() + Math.random() * worker.build : Infinity;
  await say((client) => client.appendLog(lease, 0, Buffer.from(`${worker.name} builds\n`)));
  while (performance.now() < until) {
    await sleep(Math.max(0, Math.min(until - performance.now(), leaseMs / 3)), undefined, { signal: worker.stop });
    if (performance.now() > dies) {
      // As kill -9 does: nothing is said, and the next process knows nothing.
      worker.seen.killed++;
      return;
    }
    if (performance.now() < until && (await say((client) => client.heartbeat(lease, 0))) !== 'ok') return;
  }
  const answer = await say((client) => client.complete(lease, result));
  if (answer.kind === 'accepted') {
    worker.seen.accepted.set(lease.job, (worker.seen.accepted.get(lease.job) ?? 0) + 1);
  }
}

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}

if (options.server !== undefined) await runServer(options.server, Number(options['lease-ms']));
else await main();
