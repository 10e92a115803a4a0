/** The one transaction in which a rebuild becomes known. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import { recordEvent } from '../../db/events.ts';
import { inTransaction } from '../../db/transaction.ts';
import type { Sha256 } from '../../kit/digest.ts';
import { SheafError } from '../../kit/error.ts';
import type { Distribution } from '../../model/distribution.ts';
import type { RebuildResult } from '../../model/rebuild.ts';
import { describeRebuild } from '../describe.ts';
import { rebuildType, type RebuildStatement } from '../statement.ts';

export type NewRebuild = RebuildStatement & {
  /** The envelope's blob. */
  readonly statement: Sha256;
  readonly origin: 'own' | 'foreign';
  /** Of another rebuilder, by which its statement is taken. */
  readonly key?: string | undefined;
  /** By the names of here. */
  readonly place: string | undefined;
  readonly job?: number | undefined;
  readonly actor?: string | undefined;
};

type Deps = { readonly db: Db; readonly distribution: Pick<Distribution, 'notifiers'>; readonly now: () => Date };

/** First key of an advisory lock: one rebuilder's statements follow one another. */
const rebuilderLock = 7502;

/**
 * Returns the id; that of before when this very statement is known. Throws `replayed` when the rebuilder has said
 * something else under this invocation, or, one that is not of this house, something newer of one of the files.
 */
export async function insertRebuild(deps: Deps, said: NewRebuild): Promise<number> {
  return inTransaction(deps.db, async (trx) => {
    await sql`select pg_advisory_xact_lock(${rebuilderLock}::int, hashtext(${said.rebuilder}))`.execute(trx);
    const known = await trx
      .selectFrom('rebuild')
      .select('id')
      .where('statement', '=', said.statement)
      .executeTakeFirst();
    if (known !== undefined) return known.id;
    await refuseReplayed(trx, said);
    const id = await insert(trx, said, deps.now());
    await recordEvent(trx, deps.distribution, deps.now(), {
      kind: 'rebuild-recorded',
      message: `${said.rebuilder}: ${describeRebuild(said.result)}`,
      source: said.result.source,
      ...(said.job === undefined ? {} : { job: said.job }),
      ...(said.actor === undefined ? {} : { actor: said.actor }),
    });
    return id;
  });
}

async function refuseReplayed(trx: Db, { origin, rebuilder, key, invocation, result }: NewRebuild): Promise<void> {
  const what = `Cannot record what ${rebuilder} says of ${result.source} ${result.version}`;
  const same = await trx
    .selectFrom('rebuild')
    .select('id')
    .where('origin', '=', origin)
    .where('rebuilder', '=', rebuilder)
    .where('invocation', '=', invocation)
    .executeTakeFirst();
  if (same !== undefined) {
    throw new SheafError(
      'replayed',
      `${what}: it said something else of invocation "${invocation}" (rebuild ${same.id})`,
    );
  }
  // Two of our own may end in one order and be recorded in another: nobody has brought either of them again.
  if (origin === 'own') return;
  const newer = await trx
    .selectFrom('rebuild')
    .innerJoin('rebuild_file', 'rebuild_file.rebuild', 'rebuild.id')
    .select(['rebuild.id', 'rebuild_file.file'])
    .where('rebuild.origin', '=', 'foreign')
    // Another name in sheaf.toml makes no other rebuilder, and a new key is not bound by what the old one signed.
    .where((eb) =>
      eb.or([
        eb('rebuild.key', '=', key ?? null),
        eb('rebuild.key', 'is', null).and('rebuild.rebuilder', '=', rebuilder),
      ]),
    )
    .where('rebuild.finished_at', '>', new Date(result.finishedOn))
    .where(
      'rebuild_file.sha256',
      'in',
      result.files.map(({ original }) => original.sha256),
    )
    .executeTakeFirst();
  if (newer !== undefined) {
    throw new SheafError('replayed', `${what}: it has said something newer of ${newer.file} (rebuild ${newer.id})`);
  }
}

async function insert(trx: Db, said: NewRebuild, now: Date): Promise<number> {
  const { result, statement, rebuilder } = said;
  const { id } = await trx
    .insertInto('rebuild')
    .values({
      ...{
        statement,
        origin: said.origin,
        rebuilder,
        key: said.key ?? null,
        invocation: said.invocation,
        job: said.job ?? null,
      },
      ...{ source: result.source, version: result.version, architecture: result.architecture },
      ...{ place: said.place ?? null, verdict: result.verdict, result: JSON.stringify(result) },
      ...{ finished_at: new Date(result.finishedOn), recorded_at: now },
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await trx
    .insertInto('rebuild_file')
    .values(result.files.map((each) => toFileRow(id, each)))
    .execute();
  // Statements of every kind are found by any hash in one table.
  await trx
    .insertInto('statement')
    .values(
      result.files.map(({ file, original }) => ({
        ...{ sha256: statement, subject_sha256: original.sha256, subject_name: file },
        ...{ predicate_type: rebuildType, signer: rebuilder, job: said.job ?? null, created_at: now },
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return id;
}

function toFileRow(rebuild: number, each: RebuildResult['files'][number]) {
  return {
    ...{ rebuild, file: each.file, name: each.name, version: each.version, architecture: each.architecture },
    ...{ sha256: each.original.sha256, rebuilt_sha256: each.rebuilt?.sha256 ?? null, verdict: each.verdict },
  };
}

/** A refused statement, for the audit trail. */
export async function recordRefusal(
  { db, distribution, now }: Deps,
  { actor, ...event }: { readonly message: string; readonly source: string; readonly actor?: string | undefined },
): Promise<void> {
  await inTransaction(db, (trx) =>
    recordEvent(trx, distribution, now(), {
      kind: 'rebuild-refused',
      ...event,
      ...(actor === undefined ? {} : { actor }),
    }),
  );
}
