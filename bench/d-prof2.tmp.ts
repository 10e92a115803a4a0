import { sql } from 'kysely';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { startCluster } from '/work/main/src/plumbing/postgres/cluster.ts';
import { connect, migrate } from '/work/main/src/db/connect.ts';
import { LeaseDesk } from '/work/main/src/apps/server/lease-desk.ts';
import { workerApi } from '/work/main/src/apps/server/worker-api.ts';
import { WorkerClient } from '/work/main/src/plumbing/worker-client.ts';
import { Blobs } from '/work/main/src/plumbing/blobs.ts';
import { jobSpec, noNotifiers, approvedWorker } from '/work/main/test/jobs.ts';
const directory = await mkdtemp('/tmp/sheaf-bench-');
const cluster = await startCluster(directory, { maxConnections: 100 });
const { db, pool, close } = connect(cluster.connection, { max: 12 });
await migrate(db);
await sql`insert into job (kind, architecture, builds, state, spec, max_attempts, priority, created_at)
    select 'source', 'amd64', 'source', 'Needs-Build',
           ${JSON.stringify(jobSpec())}::jsonb, 1000, n % 3, now() from generate_series(1, 100000) as n`.execute(db);
await sql`analyze job`.execute(db);
const clock = { now: () => new Date() };
const desk = await LeaseDesk.open({ db, pool, clock, distribution: noNotifiers, leaseMs: 60000, onError: console.error });
const app = new Hono().route('/api/worker', workerApi({ db, blobs: new Blobs('/tmp/nix'), clock, distribution: { ...noNotifiers, url: 'http://x' }, desk, parseLock: (() => {}) as any, onError: console.error }));
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
await once(server, 'listening');
const origin = `http://127.0.0.1:${(server.address() as any).port}`;
const N = Number(process.argv[2] ?? 50);
const ws: any[] = [];
for (let i = 0; i < N; i++) ws.push(await approvedWorker(db, 'w' + i));
const t: Record<string, number[]> = { lease: [], log: [], complete: [] };
const time = async (k: string, f: () => Promise<any>) => { const b = performance.now(); const r = await f(); t[k]!.push(performance.now() - b); return r; };
const until = Date.now() + 8000;
const cpu0 = process.cpuUsage();
await Promise.all(ws.map(async (w) => {
  const c = new WorkerClient({ server: origin, signer: { keyId: w.name, sign: w.key.sign }, clock });
  while (Date.now() < until) {
    const l = await time('lease', () => c.lease([], 10000));
    if (!l) { console.log('none'); continue; }
    await time('log', () => c.appendLog(l.lease, 0, Buffer.from('x')));
    await time('complete', () => c.complete(l.lease, { outcome: 'failed', fault: 'package', reason: 'x', timings: {} }));
  }
  c.close();
}));
const cpu = process.cpuUsage(cpu0);
for (const [k, v] of Object.entries(t)) { v.sort((a, b) => a - b); console.log(k, v.length / 8, 'per s', v[v.length >> 1], v[Math.floor(v.length * .99)], v.at(-1)); }
console.log('cpu s', (cpu.user + cpu.system) / 1e6, 'per request ms', (cpu.user + cpu.system) / 1e3 / (t.lease.length * 3));
await desk.close(); server.close(); await close(); await cluster.stop({ always: true }); await rm(directory, { recursive: true });
