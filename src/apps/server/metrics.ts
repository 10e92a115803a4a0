/**
 * `GET /metrics` for Prometheus: what waits, moves and is stuck, who builds, how long each Release is good, how old what we
 * know of upstreams is, and the process itself. Text format 0.0.4; nothing is kept between two answers but the process's own.
 */
import { Hono } from 'hono';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

import type { Distribution } from '../../model/distribution.ts';
import { countTasks } from '../../rebuild/mod.ts';
import { listSuites, overview } from '../../tracker/mod.ts';
import type { Db } from '../../tracker/store.ts';
import { listNewUploads } from '../../upload/mod.ts';
import { followedUpstreams } from '../web/followed.ts';

export type MetricsDeps = {
  readonly db: Db;
  readonly distribution: Distribution;
  readonly now: () => Date;
  /** The keys of a repository. */
  readonly signer: (repository: string) => Promise<{ readonly keys: readonly SigningKey[] }>;
};

type SigningKey = { readonly fingerprint: string; readonly expires: Date | undefined };

export function metrics(deps: MetricsDeps): Hono {
  const own = new Registry();
  collectDefaultMetrics({ register: own });
  // Whoever asks meanwhile gets the same answer: many askers are no more work than one.
  let asked: Promise<string> | undefined;
  const app = new Hono();
  app.get('/metrics', async (c) => {
    asked ??= collect(deps, own).finally(() => (asked = undefined));
    return c.body(await asked, 200, { 'Content-Type': own.contentType, 'Cache-Control': 'no-store' });
  });
  return app;
}

async function collect(deps: MetricsDeps, own: Registry): Promise<string> {
  const registry = new Registry();
  for (const { name, help, values } of await read(deps)) {
    // A gauge without labels would say nought of what is not there.
    if (values.length === 0) continue;
    const labelNames = [...new Set(values.flatMap(([labels]) => Object.keys(labels)))];
    const gauge = new Gauge({ name: `sheaf_${name}`, help, labelNames, registers: [registry] });
    for (const [labels, value] of values) gauge.set(labels, value);
  }
  return Registry.merge([registry, own]).metrics();
}

type Labels = Readonly<Record<string, string>>;

type Metric = {
  /** Without `sheaf_`; with its unit, as Prometheus wants names. */
  readonly name: string;
  readonly help: string;
  readonly values: readonly (readonly [Labels, number])[];
};

async function read({ db, distribution, now: clock, signer }: MetricsDeps): Promise<Metric[]> {
  const now = clock();
  const [current, suites, tasks, uploads, upstreams, keys] = await Promise.all([
    overview(db, now),
    listSuites(db, distribution.suites.values(), now),
    countTasks(db),
    listNewUploads(db, { all: false }),
    followedUpstreams({ db, distribution }),
    expiringKeys([...distribution.repositories.keys()], signer),
  ]);
  const waiting = new Map(current.waiting.map((each) => [each.architecture, each.count]));
  const architectures = new Set([...suites.flatMap((each) => each.architectures), ...waiting.keys()]);
  const snapshots = suites.flatMap(({ name, snapshot }) => (snapshot === undefined ? [] : [{ name, ...snapshot }]));
  const followed = upstreams.flatMap(({ name, suites: own }) => own.map((each) => ({ upstream: name, ...each })));
  return [
    {
      name: 'tag_builds',
      help: 'Tags that are not done, of the newest 200: moving, or stuck with a failed job.',
      values: [
        [{ state: 'moving' }, current.moving.length],
        [{ state: 'stuck' }, current.stuck.length],
      ],
    },
    {
      name: 'jobs_waiting',
      help: 'Jobs that no worker has taken yet.',
      values: [...architectures].map((architecture) => [{ architecture }, waiting.get(architecture) ?? 0]),
    },
    {
      name: 'workers',
      help: 'Workers by what they do; silent ones are approved and were not heard of for two minutes.',
      values: Object.entries(current.workers).map(([activity, count]) => [{ activity }, count]),
    },
    {
      name: 'new_uploads',
      help: 'Uploads that wait in NEW for a decision, 1000 at most.',
      values: [...distribution.suites.keys()].map((suite) => [
        { suite },
        uploads.filter((each) => each.suite === suite).length,
      ]),
    },
    {
      name: 'rebuild_tasks',
      help: 'Rebuilds that workers are still to make.',
      values: [...distribution.suites.keys()].flatMap((suite) => {
        const { waiting: due, running } = tasks.get(suite) ?? { waiting: 0, running: 0 };
        return [[{ suite, state: 'waiting' }, due] as const, [{ suite, state: 'running' }, running] as const];
      }),
    },
    {
      name: 'suite_packages',
      help: 'Packages of a suite, those of its next snapshot included.',
      values: suites.flatMap(({ name: suite, sources, binaries }) => [
        [{ suite, kind: 'source' }, sources] as const,
        [{ suite, kind: 'binary' }, binaries] as const,
      ]),
    },
    {
      name: 'suite_snapshot_number',
      help: 'Number of the newest snapshot of a suite.',
      values: snapshots.map((each) => [{ suite: each.name }, each.number]),
    },
    {
      name: 'suite_published_timestamp_seconds',
      help: 'When the newest snapshot of a suite was published.',
      values: snapshots.map((each) => [{ suite: each.name }, seconds(each.createdAt)]),
    },
    {
      name: 'suite_valid_until_timestamp_seconds',
      help: 'From then on apt refuses the Release of a suite.',
      values: snapshots.map((each) => [{ suite: each.name }, seconds(each.validUntil)]),
    },
    {
      name: 'signing_key_expires_timestamp_seconds',
      help: 'From then on a key signs no Release any more. Keys that never expire are not listed.',
      values: keys,
    },
    {
      name: 'upstream_checked_timestamp_seconds',
      help: 'When a suite of an upstream was last looked at, whatever came of it.',
      values: followed.flatMap(({ upstream, suite, check }) =>
        check === undefined ? [] : [[{ upstream, suite }, seconds(check.finishedAt)] as const],
      ),
    },
    {
      name: 'upstream_check_failed',
      help: '1 when the last look at a suite of an upstream was refused or failed.',
      values: followed.flatMap(({ upstream, suite, check }) =>
        check === undefined ? [] : [[{ upstream, suite }, check.code === undefined ? 0 : 1] as const],
      ),
    },
  ];
}

/** One that cannot be read is said by what needs it. */
async function expiringKeys(repositories: readonly string[], signer: MetricsDeps['signer']): Promise<Metric['values']> {
  const values = repositories.map(async (repository) => {
    const { keys } = await signer(repository).catch(() => ({ keys: [] }));
    return keys.flatMap(({ fingerprint, expires }) =>
      expires === undefined ? [] : [[{ repository, fingerprint }, seconds(expires)] as const],
    );
  });
  return (await Promise.all(values)).flat();
}

function seconds(date: Date): number {
  return date.getTime() / 1000;
}
