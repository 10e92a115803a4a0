/** Jobs as lists and pages show them. */
import { sql, type Selectable } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { JobTable } from '../../db/schema.ts';
import type { AttemptResult, InputFile, JobId, JobKind, JobSpec, JobState } from '../../model/job.ts';

export type JobSummary = {
  readonly id: JobId;
  readonly tagBuild: number | undefined;
  readonly kind: JobKind;
  readonly source: string;
  readonly version: string;
  /** Undefined for rebuilds. */
  readonly suite: string | undefined;
  readonly architecture: string;
  readonly builds: JobSpec['builds'];
  readonly pool: string;
  readonly priority: number;
  readonly state: JobState;
  /** One plain sentence: why it is in this state. */
  readonly reason: string;
  readonly attempt: number;
  readonly maxAttempts: number;
  /** Who builds it or built it last. */
  readonly worker: string | undefined;
  readonly leaseExpiresAt: Date | undefined;
  readonly notBefore: Date | undefined;
  readonly createdAt: Date;
  readonly finishedAt: Date | undefined;
};

export type JobAttempt = {
  readonly number: number;
  readonly worker: string;
  readonly startedAt: Date;
  readonly finishedAt: Date | undefined;
  readonly outcome: 'built' | 'failed' | 'expired' | 'cancelled' | 'refused' | undefined;
  readonly fault: 'package' | 'environment' | 'worker' | undefined;
  readonly reason: string;
  readonly files: readonly InputFile[];
  readonly provenance: string | undefined;
  readonly timings: AttemptResult['timings'];
  readonly logBytes: number;
};

export type JobDetails = JobSummary & { readonly spec: JobSpec; readonly attempts: readonly JobAttempt[] };

export type JobFilter = {
  readonly states?: readonly JobState[];
  readonly source?: string;
  readonly tagBuild?: number;
  readonly worker?: string;
  /** The newest first; 100 unless told. */
  readonly limit?: number;
  /** Only jobs with smaller ids: the next page. */
  readonly before?: JobId;
};

export async function listJobs(db: Db, filter: JobFilter = {}): Promise<JobSummary[]> {
  const rows = await db
    .selectFrom('job')
    .selectAll()
    .$if(filter.states !== undefined, (query) => query.where('state', 'in', [...filter.states!]))
    .$if(filter.source !== undefined, (query) => query.where(sql`spec ->> 'source'`, '=', filter.source!))
    .$if(filter.tagBuild !== undefined, (query) => query.where('tag_build', '=', filter.tagBuild!))
    .$if(filter.worker !== undefined, (query) => query.where('worker', '=', filter.worker!))
    .$if(filter.before !== undefined, (query) => query.where('id', '<', filter.before!))
    .orderBy('id', 'desc')
    .limit(filter.limit ?? 100)
    .execute();
  return rows.map(toSummary);
}

export async function showJob(db: Db, id: JobId): Promise<JobDetails | undefined> {
  // Both as they are at one moment: a job whose attempt has ended is not Building any more.
  if (!db.isTransaction) {
    return db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute((transaction) => showJob(transaction, id));
  }
  const row = await db.selectFrom('job').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) return undefined;
  const attempts = await db.selectFrom('attempt').selectAll().where('job', '=', id).orderBy('number').execute();
  return {
    ...toSummary(row),
    spec: row.spec,
    attempts: attempts.map((attempt) => ({
      number: attempt.number,
      worker: attempt.worker,
      startedAt: attempt.started_at,
      finishedAt: attempt.finished_at ?? undefined,
      outcome: attempt.outcome ?? undefined,
      fault: attempt.fault ?? undefined,
      reason: attempt.reason,
      files: attempt.files,
      provenance: attempt.provenance_sha256 ?? undefined,
      timings: attempt.timings,
      logBytes: attempt.log_bytes,
    })),
  };
}

function toSummary(row: Selectable<JobTable>): JobSummary {
  return {
    id: row.id,
    tagBuild: row.tag_build ?? undefined,
    kind: row.kind,
    source: row.spec.source,
    version: row.spec.version,
    suite: 'suite' in row.spec.origin ? row.spec.origin.suite : undefined,
    architecture: row.architecture,
    builds: row.builds,
    pool: row.pool,
    priority: row.priority,
    state: row.state,
    reason: row.reason,
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    worker: row.worker ?? undefined,
    leaseExpiresAt: row.lease_expires_at ?? undefined,
    notBefore: row.not_before ?? undefined,
    createdAt: row.created_at,
    finishedAt: row.finished_at ?? undefined,
  };
}
