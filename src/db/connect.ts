/** A pool of connections to PostgreSQL, with kysely over it. */
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import pg from 'pg';

import { describeError, SheafError } from '../kit/error.ts';
import * as foundation from './migrations/0001-foundation.ts';
import * as history from './migrations/0002-history.ts';
import * as publishing from './migrations/0003-publishing.ts';
import * as managing from './migrations/0004-managing.ts';
import * as rebuild from './migrations/0005-rebuild.ts';
import * as rebuildTasks from './migrations/0006-rebuild-tasks.ts';
import * as sameTables from './migrations/0007-same-tables.ts';
import * as rebuilderKeys from './migrations/0008-rebuilder-keys.ts';
import * as obstacles from './migrations/0009-obstacles.ts';
import type { Database } from './schema.ts';

/** bigint as number: our ids and sizes stay far below 2^53. */
pg.types.setTypeParser(pg.types.builtins.INT8, (text) => Number(text));

/** Everything reads and writes through this; inside a transaction it is the transaction. */
export type Db = Kysely<Database>;

export type Connection = {
  readonly db: Db;
  readonly pool: pg.Pool;
  readonly close: () => Promise<void>;
};

/**
 * Opens a pool. `config` is a connection string, or host, port and user of a cluster of our own. Of connections that were
 * not used for some seconds, `min` stay.
 */
export function connect(
  config: string | pg.PoolConfig,
  { max = 10, min = 0 }: { readonly max?: number; readonly min?: number } = {},
): Connection {
  const base = typeof config === 'string' ? { connectionString: config } : config;
  const pool = new pg.Pool({ ...base, max, min, application_name: 'sheaf' });
  // A broken idle connection must not end the process: the next query opens another.
  pool.on('error', () => {});
  // Nor one that breaks between two statements of a transaction: the second one fails.
  pool.on('connect', (client) => client.on('error', () => {}));
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  return { db, pool, close: () => db.destroy() };
}

const migrations = {
  '0001-foundation': foundation,
  '0002-history': history,
  '0003-publishing': publishing,
  '0004-managing': managing,
  '0005-rebuild': rebuild,
  '0006-rebuild-tasks': rebuildTasks,
  '0007-same-tables': sameTables,
  '0008-rebuilder-keys': rebuilderKeys,
  '0009-obstacles': obstacles,
};

/**
 * Brings the database to this version's tables, all or nothing; safe to run from several processes at once. Throws
 * `newer-database` where a later version of Sheaf has been, `migration-failed`.
 */
export async function migrate(db: Db): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) await refuseNewer(db, error);
  if (error !== undefined) {
    const reason = describeError(error);
    throw new SheafError('migration-failed', `Cannot bring the database to the version of this program: ${reason}`, {
      kind: 'environment',
      hint: 'Its user must be its owner, who may make tables there: alter database NAME owner to USER',
      cause: error,
    });
  }
}

/** The tables of a later version may mean something else: nothing is read or written there. */
async function refuseNewer(db: Db, cause: unknown): Promise<void> {
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name desc limit 1`
    .execute(db)
    .catch(() => ({ rows: [] }));
  const newest = rows[0]?.name;
  if (newest === undefined || newest in migrations) return;
  throw new SheafError(
    'newer-database',
    `Cannot use the database: a later version of Sheaf has changed its tables (${newest}), this one ends at ${Object.keys(migrations).at(-1)}`,
    {
      kind: 'environment',
      hint: 'Use that version, or restore a copy of the database and the folder from before: docs/operate-an-archive.md, “Update Sheaf”.',
      cause,
    },
  );
}

/** Throws `old-postgres` below version 15, `wrong-encoding` for a database that cannot hold every text. */
export async function checkServer(db: Db): Promise<void> {
  const { rows } = await sql<{ version: number; encoding: string }>`
    select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding`.execute(
    db,
  );
  const { version, encoding } = rows[0]!;
  if (version < 150_000) {
    throw new SheafError(
      'old-postgres',
      `Cannot use PostgreSQL ${Math.floor(version / 10_000)}: 15 or newer is needed`,
      {
        kind: 'environment',
      },
    );
  }
  if (encoding !== 'UTF8') {
    throw new SheafError('wrong-encoding', `Cannot use the database: its encoding is ${encoding}, UTF8 is needed`, {
      kind: 'environment',
      hint: "Make another one: create database NAME encoding 'UTF8' template template0",
    });
  }
}
