import { sql } from 'kysely';
import { mkdtemp, rm } from 'node:fs/promises';
import { startCluster } from '/work/main/src/plumbing/postgres/cluster.ts';
import { connect, migrate } from '/work/main/src/db/connect.ts';
import { LeaseDesk } from '/work/main/src/apps/server/lease-desk.ts';
import { completeAttempt, findWorker } from '/work/main/src/build/mod.ts';
import { jobSpec, noNotifiers, approvedWorker } from '/work/main/test/jobs.ts';
const directory = await mkdtemp('/tmp/sheaf-bench-');
const cluster = await startCluster(directory, { maxConnections: 100 });
const { db, pool, close } = connect(cluster.connection, { max: 12 });
await migrate(db);
await sql`insert into job (kind, architecture, builds, state, spec, max_attempts, priority, created_at)
    select 'source', case when n % 10 = 0 then 'arm64' else 'amd64' end, 'source', 'Needs-Build',
           ${JSON.stringify(jobSpec())}::jsonb, 1000, n % 3, now() from generate_series(1, 100000) as n`.execute(db);
await sql`analyze job`.execute(db);
const clock = { now: () => new Date() };
const desk = await LeaseDesk.open({ db, pool, clock, distribution: noNotifiers, leaseMs: 60000, onError: console.error });
const ws = [];
for (let i = 0; i < 50; i++) { const n = (await approvedWorker(db, 'w' + i)).name; ws.push({ ...(await findWorker(db, n))!, architectures: ['amd64','arm64'] as any }); }
const times: number[] = [];
const until = Date.now() + 5000;
await Promise.all(ws.map(async (w) => {
  while (Date.now() < until) {
    const b = performance.now();
    const l = await desk.lease(w, [], 10000, new AbortController().signal);
    times.push(performance.now() - b);
    if (l === undefined) { console.log('none'); continue; }
    await completeAttempt(db, { job: l.job, attempt: l.attempt, worker: w.name }, { outcome: 'failed', fault: 'package', reason: 'x', timings: {} }, new Date(), noNotifiers);
  }
}));
times.sort((a, b) => a - b);
console.log(times.length / 5, 'per s', times[times.length >> 1], times[Math.floor(times.length * .99)], times.at(-1));
await desk.close(); await close(); await cluster.stop({ always: true }); await rm(directory, { recursive: true });
