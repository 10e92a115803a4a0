/** The end of an attempt: its result, recorded once. */
import type { Db } from '../../db/connect.ts';
import { notify } from '../../db/notify.ts';
import { inTransaction } from '../../db/transaction.ts';
import type { Sha256 } from '../../kit/digest.ts';
import type { AttemptResult, Fault, InputFile } from '../../model/job.ts';
import { describeSpec, toSentence } from '../describe.ts';
import type { Holder } from './leases.ts';
import { afterFailure, lockJob, tell, type JobRow, type Notifying } from './row.ts';

/** What a server found out about a result before it offers it to the queue. */
export type CheckedResult =
  | (Extract<AttemptResult, { outcome: 'built' }> & {
      /** The stored envelope, and its subjects for the index of statements. */
      readonly statement: { readonly sha256: Sha256; readonly predicateType: string };
    })
  | Extract<AttemptResult, { outcome: 'failed' }>
  | { readonly outcome: 'refused'; readonly reason: string; readonly timings: AttemptResult['timings'] };

export type Completion =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'lost' }
  | { readonly kind: 'cancelled' };

/**
 * Ends an attempt with its result. Said again, by the same worker for the same attempt, it changes nothing and
 * answers the same; from anybody but the holder of the current lease it answers `lost`.
 */
export async function completeAttempt(
  db: Db,
  holder: Holder,
  result: CheckedResult,
  now: Date,
  distribution: Notifying,
): Promise<Completion> {
  return inTransaction(db, async (trx) => {
    const job = await lockJob(trx, holder.job);
    const held =
      job !== undefined && job.state === 'Building' && job.attempt === holder.attempt && job.worker === holder.worker;
    if (!held) return earlierCompletion(trx, holder);
    switch (result.outcome) {
      case 'built':
        await recordBuilt(trx, holder, job, result, now);
        await tell(trx, distribution, now, job, {
          kind: 'job-built',
          message: `${describeSpec(job.spec)} was built by worker ${holder.worker}`,
        });
        return { kind: 'accepted' };
      case 'failed':
        await endAttempt(trx, holder, now, { ...result, reason: toSentence(result.reason) });
        await afterFailure(trx, job, now, distribution, result.fault, toSentence(result.reason));
        return { kind: 'accepted' };
      case 'refused': {
        const reason = toSentence(result.reason, 2000);
        await endAttempt(trx, holder, now, { ...result, fault: 'worker', reason });
        await tell(trx, distribution, now, job, {
          kind: 'result-refused',
          message: `The result of worker ${holder.worker} for ${describeSpec(job.spec)} was refused: ${reason}`,
        });
        await afterFailure(trx, job, now, distribution, 'worker', `The server refused the result: ${reason}`);
        return { kind: 'refused', reason };
      }
    }
  });
}

async function recordBuilt(
  trx: Db,
  holder: Holder,
  job: JobRow,
  result: Extract<CheckedResult, { outcome: 'built' }>,
  now: Date,
): Promise<void> {
  const { sha256, predicateType } = result.statement;
  await endAttempt(trx, holder, now, { ...result, reason: '', provenance: sha256 });
  await trx
    .updateTable('job')
    .set({ state: 'Built', reason: `Worker ${holder.worker} built it`, lease_expires_at: null, finished_at: now })
    .where('id', '=', job.id)
    .execute();
  const rows = result.files.map((file) => ({
    sha256,
    subject_sha256: file.sha256,
    subject_name: file.name,
    predicate_type: predicateType,
    signer: holder.worker,
    job: job.id,
    created_at: now,
  }));
  await trx
    .insertInto('statement')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** What an attempt that holds no lease any more was told when it ended. */
export async function earlierCompletion(trx: Db, holder: Holder): Promise<Completion> {
  const row = await trx
    .selectFrom('attempt')
    .select(['outcome', 'reason'])
    .where('job', '=', holder.job)
    .where('number', '=', holder.attempt)
    .where('worker', '=', holder.worker)
    .executeTakeFirst();
  switch (row?.outcome) {
    case 'built':
    case 'failed':
      return { kind: 'accepted' };
    case 'refused':
      return { kind: 'refused', reason: row.reason };
    case 'cancelled':
      return { kind: 'cancelled' };
    default:
      return { kind: 'lost' };
  }
}

type Ending = {
  readonly outcome: 'built' | 'failed' | 'refused';
  readonly fault?: Fault;
  readonly reason: string;
  readonly files?: readonly InputFile[];
  readonly provenance?: string;
  readonly timings: AttemptResult['timings'];
};

async function endAttempt(trx: Db, holder: Holder, now: Date, ending: Ending): Promise<void> {
  await trx
    .updateTable('attempt')
    .set({
      finished_at: now,
      outcome: ending.outcome,
      fault: ending.fault ?? null,
      reason: ending.reason,
      files: JSON.stringify(ending.files ?? []),
      provenance_sha256: ending.provenance ?? null,
      timings: JSON.stringify(ending.timings),
    })
    .where('job', '=', holder.job)
    .where('number', '=', holder.attempt)
    .execute();
  // A live log ends here.
  await notify(trx, 'log', holder.job);
}
