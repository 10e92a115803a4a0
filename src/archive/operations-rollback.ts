/**
 * Rolling a suite back: an older snapshot's packages, exactly those versions, as its newest snapshot.
 *
 * What came later ends as DELETED, not as SUPERSEDED: no newer version took its place, somebody decided. So it does not
 * come back by itself, and what is published afterwards goes on from the older versions. So it is with what came later and
 * was superseded already: a build of it may still end. Sources that wait for their first binaries go on waiting: they were
 * in no snapshot.
 */
import { SheafError } from '../kit/error.ts';
import type { Suite } from '../model/distribution.ts';
import { findSuite } from './accept.ts';
import { endReason } from './end-of-life.ts';
import { frozenReason } from './freeze.ts';
import { because, type OperationBy, type OperationResult } from './operations.ts';
import { describeRow } from './operations-remove.ts';
import type { ArchiveDeps } from './ports.ts';
import { publishSuite } from './publish.ts';
import { insertPublication, lockRepository, recordEvent, type Db } from './store.ts';
import {
  findSnapshotNumber,
  listPublications,
  setEndedRemoved,
  setRemoved,
  type PublicationRow,
} from './store-removal.ts';

export type RollbackRequest = OperationBy & {
  readonly suite: string;
  /** `141`, `stable@141` or `20261121T030000Z`. */
  readonly snapshot: string;
};

/** Throws `unknown-suite`, `no-snapshot`. */
export async function rollBack(deps: ArchiveDeps, request: RollbackRequest, now: Date): Promise<OperationResult> {
  const suite = findSuite(deps, request.suite);
  const end = endReason(suite, now);
  if (end !== undefined) return { kind: 'refused', reasons: [end] };
  const result = await deps.db.transaction().execute(async (transaction): Promise<OperationResult> => {
    await lockRepository(transaction, suite.repository);
    const frozen = await frozenReason(transaction, suite);
    if (frozen !== undefined) return { kind: 'refused', reasons: [frozen] };
    const number = await findSnapshot(transaction, suite, request.snapshot);
    const change = await planRollback(transaction, suite, number);
    if (!request.dryRun) await apply(transaction, deps, suite, request, number, change, now);
    const { back, stay, leaving } = change;
    const entering = [...back, ...stay].map(describeRow);
    return {
      kind: 'done',
      entering,
      leaving: leaving.map(describeRow),
      leftOut: [],
      number: undefined,
    } as const;
  });
  if (result.kind === 'refused' || request.dryRun) return result;
  return { ...result, number: (await publishSuite(deps, suite.name, now)).number };
}

type Change = {
  /** Packages of the snapshot that the suite no longer has. */
  readonly back: readonly PublicationRow[];
  /** Packages of the snapshot that were about to be removed. */
  readonly stay: readonly PublicationRow[];
  /** What came later. */
  readonly leaving: readonly PublicationRow[];
};

async function planRollback(db: Db, suite: Suite, snapshot: number): Promise<Change> {
  const wanted = await listPublications(db, suite.name, { snapshot });
  const live = await listPublications(db, suite.name, { live: true });
  const keep = new Set(wanted.map(keyOf));
  const here = new Set(live.map(keyOf));
  const built = new Set(live.filter((row) => row.kind === 'binary').map((row) => `${row.source} ${row.sourceVersion}`));
  const waits = (row: PublicationRow) =>
    row.kind === 'source' && row.state === 'PENDING' && !built.has(`${row.name} ${row.version}`);
  return {
    back: wanted.filter((row) => !here.has(keyOf(row))),
    stay: live.filter((row) => keep.has(keyOf(row)) && row.removed),
    leaving: live.filter((row) => !keep.has(keyOf(row)) && !row.removed && !waits(row)),
  };
}

async function apply(
  transaction: Db,
  deps: ArchiveDeps,
  suite: Suite,
  request: RollbackRequest,
  number: number,
  { back, stay, leaving }: Change,
  now: Date,
): Promise<void> {
  await setEndedRemoved(transaction, suite.name, number);
  if (back.length + stay.length + leaving.length === 0) return;
  await setRemoved(
    transaction,
    leaving.map((row) => row.publication),
    true,
  );
  await setRemoved(
    transaction,
    stay.map((row) => row.publication),
    false,
  );
  for (const { kind, thing } of back) {
    await insertPublication(transaction, suite.name, kind === 'source' ? { source: thing } : { binary: thing }, now);
  }
  await recordEvent(transaction, deps.distribution, now, {
    kind: 'suite-rolled-back',
    message: `Suite ${suite.name} rolled back to ${suite.name}@${number} by ${request.by}${because(request)}: ${back.length} packages back, ${leaving.length} gone`,
    suite: suite.name,
    actor: request.by,
  });
}

async function findSnapshot(db: Db, suite: Suite, text: string): Promise<number> {
  const match = /^(?:(.+)@)?(\d{1,9})$/.exec(text);
  const number =
    match === null
      ? await findSnapshotNumber(db, suite.name, { id: text })
      : match[1] === undefined || match[1] === suite.name
        ? await findSnapshotNumber(db, suite.name, { number: Number(match[2]) })
        : undefined;
  if (number !== undefined) return number;
  throw new SheafError('no-snapshot', `Cannot find snapshot ${text}: suite "${suite.name}" was never published as it`, {
    kind: 'usage',
    hint: `See: sheaf suite show ${suite.name}`,
  });
}

function keyOf(row: PublicationRow): string {
  return `${row.kind} ${row.thing}`;
}
