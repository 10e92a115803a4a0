/** Rebuilds that the server has the workers make: asked for, taken, ended. */
import { randomUUID } from 'node:crypto';

import { sql, type Selectable } from 'kysely';

import type { Db } from '../../db/connect.ts';
import { recordEvent } from '../../db/events.ts';
import { notify, notifyAll } from '../../db/notify.ts';
import type { RebuildTaskTable } from '../../db/schema.ts';
import { inTransaction } from '../../db/transaction.ts';
import { SheafError } from '../../kit/error.ts';
import type { Distribution } from '../../model/distribution.ts';
import type { Architecture, PackageName, Version } from '../../model/names.ts';
import type { RebuildMode, RebuildTaskState, Verdict } from '../../model/rebuild.ts';

export type NewTask = {
  readonly source: PackageName;
  readonly version: Version;
  readonly architecture: Architecture;
  /** Where it is published: `stable`, `debian/bookworm`; and with the snapshot. */
  readonly suite: string;
  readonly place: string;
  /** When not said: `exact` where the first build is on record. */
  readonly mode?: RebuildMode | undefined;
  /** Places that dependencies come from, when not where it is published. */
  readonly dependencies: readonly string[];
  readonly nocheck: boolean;
  /** Restores nothing that the published files tell. */
  readonly plain: boolean;
  /** Most builds to find a cause. */
  readonly experiments: number;
  /** Higher goes first. */
  readonly priority: number;
};

export type RebuildTask = NewTask & {
  readonly id: number;
  readonly state: RebuildTaskState;
  /** One plain sentence: what it waits for, what is being done, how it ended. */
  readonly reason: string;
  /** How often it was begun. */
  readonly attempts: number;
  readonly notBefore: Date | undefined;
  /** What its statement calls it. */
  readonly invocation: string;
  /** The recorded rebuild that it ended with. */
  readonly rebuild: number | undefined;
  readonly verdict: Verdict | undefined;
  readonly askedBy: string;
  readonly askedAt: Date;
  readonly startedAt: Date | undefined;
  readonly finishedAt: Date | undefined;
};

type Telling = { readonly db: Db; readonly distribution: Pick<Distribution, 'notifiers'>; readonly now: () => Date };

/**
 * Asks for rebuilds; answers the tasks in the order of `asked`. For what is asked for already there is one task: its
 * priority becomes the higher of both.
 */
export async function addTasks(
  { db, distribution, now }: Telling,
  asked: readonly NewTask[],
  askedBy: string,
): Promise<RebuildTask[]> {
  return inTransaction(db, async (trx) => {
    const tasks: RebuildTask[] = [];
    for (const task of asked) tasks.push(await addTask(trx, task, askedBy, now()));
    if (tasks.length === 0) return [];
    const places = [...new Set(asked.map(({ suite }) => suite))].join(', ');
    const names = asked.map(({ source, version, architecture }) => `${source} ${version} (${architecture})`);
    const rest = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : '';
    await recordEvent(trx, distribution, now(), {
      kind: 'rebuild-asked',
      message: `Rebuilds of ${places} were asked for by ${askedBy}: ${names.slice(0, mostNamed).join(', ')}${rest}`,
      actor: askedBy,
      ...(asked.length === 1 ? { source: asked[0]!.source } : {}),
    });
    await notifyAll(
      trx,
      'rebuild_task',
      tasks.map(({ id }) => id),
    );
    return tasks;
  });
}

const mostNamed = 5;

async function addTask(trx: Db, { mode, ...task }: NewTask, askedBy: string, now: Date): Promise<RebuildTask> {
  const row = await trx
    .insertInto('rebuild_task')
    .values({
      ...task,
      ...{ mode: mode ?? null, dependencies: [...task.dependencies], reason: waits, invocation: randomUUID() },
      ...{ not_before: null, rebuild: null, asked_by: askedBy, asked_at: now, started_at: null, finished_at: null },
    })
    .onConflict((conflict) =>
      conflict
        .columns(['suite', 'source', 'version', 'architecture'])
        .where('state', 'in', sql<never>`('waiting', 'running')`)
        .doUpdateSet({ priority: sql`greatest(rebuild_task.priority, excluded.priority)` }),
    )
    .returningAll()
    .executeTakeFirstOrThrow();
  return toTask(row);
}

const waits = 'Waits for the server';

/**
 * The next to work on, and it is running then: the highest priority first, then the oldest. One that was running goes on
 * when nobody (`except`) has it in hand: the server before was killed. Only the one server that holds the lock asks.
 */
export async function takeTask(db: Db, except: readonly number[], now: Date): Promise<RebuildTask | undefined> {
  const { rows } = await sql<Selectable<RebuildTaskTable>>`
    update rebuild_task set state = 'running', started_at = ${now}, not_before = null,
      attempts = attempts + (state = 'waiting')::int
    where id = (
      select id from rebuild_task
      where (state = 'running' or state = 'waiting' and not no_pool and (not_before is null or not_before <= ${now}))
        and not id = any(${[...except]}::bigint[])
      order by priority desc, id limit 1)
    returning *`.execute(db);
  return rows[0] && toTask(rows[0]);
}

/** What is being done now. */
export async function tellTask(db: Db, id: number, reason: string): Promise<void> {
  await db.updateTable('rebuild_task').set({ reason }).where('id', '=', id).where('state', '=', 'running').execute();
}

/** Puts a running task off: until a time, or until other workers are there, which does not count as a try. */
export async function putTaskOff(db: Db, id: number, reason: string, until: Date | 'workers'): Promise<void> {
  await db
    .updateTable('rebuild_task')
    .set((eb) => ({
      ...{ state: 'waiting', reason, not_before: until === 'workers' ? null : until, no_pool: until === 'workers' },
      attempts: until === 'workers' ? eb('attempts', '-', 1) : eb.ref('attempts'),
    }))
    .where('id', '=', id)
    .where('state', '=', 'running')
    .execute();
}

/** Lets those that wait for other workers be looked at again. */
export async function wakeTasksWithoutPool(db: Db): Promise<void> {
  await db.updateTable('rebuild_task').set({ no_pool: false }).where('no_pool', '=', true).execute();
}

/** In the transaction that records the rebuild. False: the task was cancelled meanwhile, and nothing may be recorded. */
export async function finishTask(db: Db, id: number, rebuild: number, reason: string, now: Date): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('rebuild_task')
    .set({ state: 'done', rebuild, reason, finished_at: now })
    .where('id', '=', id)
    .where('state', '=', 'running')
    .executeTakeFirst();
  await notify(db, 'rebuild_task', id);
  return numUpdatedRows === 1n;
}

/** Ends a task without a verdict, unless it has ended. `actor`: the person who wants it so. */
export async function giveUpTask(
  { db, distribution, now }: Telling,
  id: number,
  reason: string,
  actor?: string,
): Promise<void> {
  await inTransaction(db, async (trx) => {
    const task = await trx
      .updateTable('rebuild_task')
      .set({ state: 'given-up', reason, finished_at: now(), not_before: null, no_pool: false })
      .where('id', '=', id)
      .where('state', 'in', ['waiting', 'running'])
      .returning(['source', 'version', 'architecture'])
      .executeTakeFirst();
    if (task === undefined) return;
    await recordEvent(trx, distribution, now(), {
      kind: 'rebuild-given-up',
      message: `The rebuild of ${task.source} ${task.version} (${task.architecture}), task ${id}, was given up: ${reason}`,
      source: task.source,
      ...(actor === undefined ? {} : { actor }),
    });
    await notify(trx, 'rebuild_task', id);
  });
}

/** Throws `no-such-task`. */
export async function findTask(db: Db, id: number): Promise<RebuildTask> {
  const [task] = await listTasks(db, { ids: [id] });
  if (task !== undefined) return task;
  throw new SheafError('no-such-task', `Cannot find rebuild task ${id}: there is no such task`, {
    kind: 'usage',
    hint: 'See which there are: sheaf rebuild list --waiting',
  });
}

export type TaskFilters = {
  readonly ids?: readonly number[] | undefined;
  readonly source?: string | undefined;
  readonly suite?: string | undefined;
  readonly architecture?: string | undefined;
};

/** Those that wait and run, as they will be taken; with `ids`, exactly these, ended or not. */
export async function listTasks(db: Db, filters: TaskFilters, limit = 1000): Promise<RebuildTask[]> {
  const { ids, ...equal } = filters;
  let query = db
    .selectFrom('rebuild_task as t')
    .leftJoin('rebuild as r', 'r.id', 't.rebuild')
    .selectAll('t')
    .select('r.verdict')
    .orderBy('t.priority', 'desc')
    .orderBy('t.id')
    .limit(limit);
  query =
    ids === undefined
      ? query.where('t.state', 'in', ['waiting', 'running'])
      : query.where(sql<boolean>`t.id = any(${[...ids]}::bigint[])`);
  for (const column of ['source', 'suite', 'architecture'] as const) {
    const value = equal[column];
    if (value !== undefined) query = query.where(`t.${column}`, '=', value);
  }
  return (await query.execute()).map(toTask);
}

export type TaskCounts = Readonly<Record<'waiting' | 'running', number>>;

/** How many wait and run, by suite. */
export async function countTasks(db: Db): Promise<ReadonlyMap<string, TaskCounts>> {
  const { rows } = await sql<TaskCounts & { readonly suite: string }>`
    select suite, count(*) filter (where state = 'waiting') as waiting, count(*) filter (where state = 'running') as running
    from rebuild_task where state in ('waiting', 'running') group by suite order by suite`.execute(db);
  return new Map(rows.map(({ suite, ...counts }) => [suite, counts]));
}

/**
 * What of a suite of ours, with `archAll` for what is for all architectures, neither has a verdict of this house nor was
 * ever asked for.
 */
export async function findUnjudged(db: Db, suite: string, archAll: string) {
  const { rows } = await sql<Pick<NewTask, 'source' | 'version' | 'architecture'>>`
    with wanted as (
      select distinct b.source, b.source_version as version,
        case b.architecture when 'all' then ${archAll} else b.architecture end as architecture
      from publication p join binary_package b on b.id = p.binary_package
      where p.suite = ${suite} and p.state = 'PUBLISHED' and not exists (
        select from rebuild_file f join rebuild r on r.id = f.rebuild
        where f.sha256 = b.sha256 and r.origin = 'own'))
    select * from wanted w where not exists (
      select from rebuild_task t
      where t.suite = ${suite} and t.source = w.source and t.version = w.version and t.architecture = w.architecture)
    order by source, version, architecture`.execute(db);
  return rows;
}

function toTask(row: Selectable<RebuildTaskTable> & { readonly verdict?: Verdict | null }): RebuildTask {
  const { id, suite, place, dependencies, nocheck, plain, experiments, priority, state, reason, attempts, invocation } =
    row;
  return {
    ...{ id, suite, place, dependencies, nocheck, plain, experiments, priority, state, reason, attempts, invocation },
    ...{ source: row.source as PackageName, version: row.version as Version },
    ...{ architecture: row.architecture as Architecture, mode: row.mode ?? undefined },
    ...{ notBefore: row.not_before ?? undefined, rebuild: row.rebuild ?? undefined, verdict: row.verdict ?? undefined },
    ...{ askedBy: row.asked_by },
    ...{ askedAt: row.asked_at, startedAt: row.started_at ?? undefined, finishedAt: row.finished_at ?? undefined },
  };
}
