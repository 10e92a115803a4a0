/** Jobs with their attempts, as pages, the API and the CLI show them. */
import type { InputFile, JobState } from '../model/job.ts';
import { limitOf, numberAfter, toPage, type Page, type PageRequest } from './page.ts';
import * as store from './store.ts';
import type { AttemptRow, Db, JobFilters, JobRow, StatementRow } from './store.ts';
import { counted, faultWords, purpose, sentence } from './words.ts';

export type JobView = {
  readonly id: number;
  readonly tagBuild: number | undefined;
  readonly kind: 'source' | 'binary';
  readonly builds: string;
  /** What it makes: `source package`, `binary packages for amd64`. */
  readonly purpose: string;
  readonly source: string;
  readonly version: string;
  /** That it builds for; undefined for a rebuild, which enters none. */
  readonly suite: string | undefined;
  /** What is rebuilt is published at `place`; `recorded` is the rebuild that came of it. */
  readonly rebuild:
    | { readonly task: number; readonly place: string; readonly recorded: number | undefined }
    | undefined;
  readonly architecture: string;
  readonly pool: string;
  readonly state: JobState;
  /** One plain sentence: why it is in this state. */
  readonly sentence: string;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly worker: string | undefined;
  readonly leaseExpiresAt: Date | undefined;
  readonly createdAt: Date;
  readonly finishedAt: Date | undefined;
  /** Hash of the lock of its environment: a blob. */
  readonly lock: string | undefined;
};

export type AttemptView = {
  readonly number: number;
  readonly worker: string;
  readonly startedAt: Date;
  readonly finishedAt: Date | undefined;
  readonly outcome: 'built' | 'failed' | 'expired' | 'cancelled' | 'refused' | undefined;
  /** One plain sentence: how it goes or how it ended. */
  readonly sentence: string;
  readonly logBytes: number;
  readonly timings: Readonly<Record<string, number>>;
  readonly files: readonly InputFile[];
  /** Hash of the signed SLSA provenance: a blob. */
  readonly provenance: string | undefined;
};

export type StatementView = {
  /** Hash of the DSSE envelope: a blob. */
  readonly sha256: string;
  readonly subject: { readonly name: string; readonly sha256: string };
  readonly predicateType: string;
  readonly signer: string;
  readonly job: number | undefined;
  readonly createdAt: Date;
};

export type JobDetail = JobView & {
  readonly attempts: readonly AttemptView[];
  readonly inputs: readonly InputFile[];
  readonly statements: readonly StatementView[];
  readonly baseLock: string | undefined;
  readonly commit: string | undefined;
};

/** Newest first. */
export async function listJobs(db: Db, filters: JobFilters, request: PageRequest = {}): Promise<Page<JobView>> {
  const limit = limitOf(request);
  const rows = await store.listJobs(db, filters, numberAfter(request), limit + 1);
  return toPage(rows, limit, (row) => row.id, viewJob);
}

export async function showJob(db: Db, id: number): Promise<JobDetail | undefined> {
  const [row] = await store.readJobs(db, [id]);
  if (row === undefined) return undefined;
  const [attempts, spec] = await Promise.all([store.readAttempts(db, [id]), store.readJobSpec(db, id)]);
  const envelopes = attempts.flatMap((attempt) => attempt.provenance_sha256 ?? []);
  const statements = await store.readStatementsOf(db, id, envelopes);
  return {
    ...viewJob(row),
    attempts: attempts.map(viewAttempt),
    inputs: spec?.inputs ?? [],
    statements: statements.map(viewStatement),
    baseLock: row.base_lock ?? undefined,
    commit: spec !== undefined && 'commit' in spec.origin ? spec.origin.commit : undefined,
  };
}

/**
 * The name under which a job's evidence with this hash may be read by everybody: its locks, its signed provenance
 * and the small text files among its results. Packages themselves are read from the archive.
 */
export async function findEvidence(db: Db, id: number, sha256: string): Promise<string | undefined> {
  const [row] = await store.readJobs(db, [id]);
  if (row === undefined) return undefined;
  if (row.lock === sha256) return `${row.source}_${row.architecture}.lock`;
  if (row.base_lock === sha256) return `base_${row.architecture}.lock`;
  for (const attempt of await store.readAttempts(db, [id])) {
    if (attempt.provenance_sha256 === sha256) return `job-${id}-attempt-${attempt.number}.provenance.json`;
    const file = attempt.files.find((candidate) => candidate.sha256 === sha256);
    if (file !== undefined && isPublicFile(file.name)) return file.name;
  }
  return undefined;
}

/** Result files that are texts about the build. */
export function isPublicFile(name: string): boolean {
  return /\.(?:buildinfo|changes|dsc)$/.test(name);
}

export function viewJob(row: JobRow): JobView {
  return {
    id: row.id,
    tagBuild: row.tag_build ?? undefined,
    kind: row.kind,
    builds: row.builds,
    purpose: purpose(row),
    source: row.source,
    version: row.version,
    suite: row.suite ?? undefined,
    rebuild:
      row.rebuild_task === null
        ? undefined
        : { task: row.rebuild_task, place: row.place ?? '', recorded: row.rebuild ?? undefined },
    architecture: row.architecture,
    pool: row.pool,
    state: row.state,
    sentence: jobSentence(row),
    attempt: row.attempt,
    maxAttempts: row.max_attempts,
    worker: row.state === 'Building' ? (row.worker ?? undefined) : undefined,
    leaseExpiresAt: row.state === 'Building' ? (row.lease_expires_at ?? undefined) : undefined,
    createdAt: row.created_at,
    finishedAt: row.finished_at ?? undefined,
    lock: row.lock ?? undefined,
  };
}

export type JobFacts = Pick<
  JobRow,
  'state' | 'reason' | 'kind' | 'builds' | 'architecture' | 'attempt' | 'max_attempts' | 'worker' | 'pool'
>;

/** Why a job is in its state. What the queue recorded comes first; without it, what the state means. */
export function jobSentence(job: JobFacts): string {
  const recorded = sentence(job.reason);
  switch (job.state) {
    case 'Needs-Build': {
      const next = `Waits for a free worker for ${job.architecture} in pool ${job.pool}.`;
      if (job.attempt === 0) return `${recorded} ${next}`.trim();
      return `${recorded || next} Attempt ${job.attempt + 1} of ${job.max_attempts} comes next.`;
    }
    case 'Building':
      return `Worker ${job.worker ?? 'unknown'} makes the ${purpose(job)}, attempt ${job.attempt} of ${job.max_attempts}.`;
    case 'BD-Uninstallable':
      return recorded || 'Its build dependencies cannot be installed.';
    case 'Built':
      return recorded || 'Built; the results are being checked.';
    case 'Uploaded':
      return recorded || 'Built and accepted into the archive; the suite is about to be published.';
    case 'Installed':
      return recorded || `Built, and what it made is published.`;
    case 'Build-Attempted':
      return recorded || 'The build failed, and not by the fault of the package alone.';
    case 'Failed':
      return recorded || 'The build failed.';
    case 'Cancelled':
      return recorded || 'Cancelled by an administrator.';
  }
}

export function viewAttempt(row: AttemptRow): AttemptView {
  return {
    number: row.number,
    worker: row.worker,
    startedAt: row.started_at,
    finishedAt: row.finished_at ?? undefined,
    outcome: row.outcome ?? undefined,
    sentence: attemptSentence(row),
    logBytes: row.log_bytes,
    timings: row.timings,
    files: row.files,
    provenance: row.provenance_sha256 ?? undefined,
  };
}

function attemptSentence(row: AttemptRow): string {
  const recorded = sentence(row.reason);
  switch (row.outcome) {
    case null:
      return `Running on ${row.worker}.`;
    case 'built':
      return recorded || `Built on ${row.worker}: ${counted(row.files.length, 'file')}.`;
    case 'failed': {
      const fault = row.fault === null ? '' : ` (${faultWords(row.fault)})`;
      return `Failed on ${row.worker}${fault}. ${recorded}`.trim();
    }
    case 'expired':
      return recorded || `Worker ${row.worker} went silent and its lease ended.`;
    case 'cancelled':
      return recorded || 'Cancelled by an administrator.';
    case 'refused':
      return `The results were refused. ${recorded}`.trim();
  }
}

export function viewStatement(row: StatementRow): StatementView {
  return {
    sha256: row.sha256,
    subject: { name: row.subject_name, sha256: row.subject_sha256 },
    predicateType: row.predicate_type,
    signer: row.signer,
    job: row.job ?? undefined,
    createdAt: row.created_at,
  };
}

/** Statements about a file, or the subjects of one envelope. */
export async function listStatements(db: Db, sha256: string): Promise<StatementView[]> {
  return (await store.readStatements(db, sha256)).map(viewStatement);
}
