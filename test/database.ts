/**
 * Databases for tests: one cluster a machine and user, one migrated template, a clone for each caller.
 * SHEAF_TEST_DATABASE_URL names a real server to use instead.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import pg from 'pg';

import { connect, migrate, type Connection } from '../src/db/connect.ts';
import { startCluster } from '../src/plumbing/postgres/cluster.ts';

export type TestDatabase = Connection & {
  /** For a second process: what SHEAF_DATABASE_URL takes. */
  readonly url: string;
};

export const testClusterDirectory = join(tmpdir(), `sheaf-test-postgres-${process.getuid!()}`);

/** Nobody needs these clusters after a power cut. */
const fastAndUnsafe = { fsync: 'off', full_page_writes: 'off', max_connections: '400' };

/** A fresh database with all tables; `close` drops it. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = await serverConfig();
  const template = `sheaf_template_${migrationsHash()}`;
  await makeTemplate(server, template);
  const name = `sheaf_test_${randomUUID().replaceAll('-', '')}`;
  await asAdministrator(server, (client) => client.query(`create database ${name} template ${template}`));
  const connection = connect(
    server.connectionString === undefined ? { ...server, database: name } : urlOf({ ...server, database: name }),
  );
  return {
    ...connection,
    url: urlOf({ ...server, database: name }),
    close: async () => {
      await connection.close();
      await asAdministrator(server, (client) => client.query(`drop database ${name} with (force)`));
    },
  };
}

async function serverConfig(): Promise<pg.PoolConfig> {
  const url = process.env['SHEAF_TEST_DATABASE_URL'];
  if (url !== undefined) return { connectionString: url };
  const cluster = await startCluster(testClusterDirectory, { settings: fastAndUnsafe });
  return cluster.connection;
}

async function makeTemplate(server: pg.PoolConfig, template: string): Promise<void> {
  await asAdministrator(server, async (client) => {
    await client.query('select pg_advisory_lock(7242)');
    const { rows } = await client.query('select 1 from pg_database where datname = $1', [template]);
    if (rows.length > 0) return;
    await client.query(`drop database if exists ${template}_making with (force)`);
    await client.query(`create database ${template}_making`);
    const making = { ...server, database: `${template}_making` };
    const connection = connect(server.connectionString === undefined ? making : urlOf(making));
    try {
      await migrate(connection.db);
    } finally {
      await connection.close();
    }
    await client.query(`alter database ${template}_making rename to ${template}`);
  });
}

async function asAdministrator<T>(server: pg.PoolConfig, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...server, ...databaseOf(server, 'postgres') });
  client.on('error', () => {});
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** pg prefers the connection string's database: rewrite it there. */
function databaseOf(server: pg.PoolConfig, database: string): pg.PoolConfig {
  return server.connectionString === undefined ? { database } : { connectionString: urlOf({ ...server, database }) };
}

function urlOf(config: pg.PoolConfig): string {
  if (config.connectionString !== undefined) {
    const url = new URL(config.connectionString);
    if (config.database !== undefined) url.pathname = `/${config.database}`;
    return url.href;
  }
  return `postgresql://sheaf@/${config.database}?host=${encodeURIComponent(config.host!)}`;
}

function migrationsHash(): string {
  const directory = join(import.meta.dirname, '../src/db/migrations');
  const hash = createHash('sha256');
  for (const file of readdirSync(directory).sort()) hash.update(readFileSync(join(directory, file)));
  return hash.digest('hex').slice(0, 16);
}
