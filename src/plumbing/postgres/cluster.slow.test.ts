/** The cluster that we start ourselves, with every PostgreSQL that this machine has, and a server reached by address. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chown, lchown, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { sql } from 'kysely';

import { asOrdinaryUser, noOrdinaryUser, ordinaryUser } from '../../../test/ordinary-user.ts';
import { checkServer, connect, migrate } from '../../db/connect.ts';
import { choosePostgres, findPostgres } from './binaries.ts';
import { startCluster, type Cluster } from './cluster.ts';

const execute = promisify(execFile);
const sheaf = join(import.meta.dirname, '../../../sheaf');
const installations = await findPostgres();
const folders: string[] = [];

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'sheaf-cluster-'));
  folders.push(made);
  return made;
}
after(async () => {
  for (const each of folders) await rm(each, { recursive: true, force: true });
});

test('findPostgres finds the host’s PostgreSQL 15 or newer first, and the bundled one after it', () => {
  assert.ok(installations.length > 0);
  assert.equal(installations.at(-1)!.origin, 'bundled');
  assert.ok(installations.every(({ major }) => major >= 15));
});

test('choosePostgres says which packages bring a version that is not here', async () => {
  await assert.rejects(choosePostgres(99), { code: 'no-postgres', hint: /postgresql-99/ });
});

for (const binaries of installations) {
  const name = `${binaries.origin} ${binaries.major}`;

  test(`startCluster makes, finds again and stops a cluster of PostgreSQL ${name}`, async () => {
    const directory = join(await folder(), 'a folder with spaces');
    const cluster = await startCluster(directory, { binaries });
    assert.equal(cluster.started, true);
    await useDatabase(cluster);
    const again = await startCluster(directory, { binaries });
    assert.equal(again.started, false);
    const client = connect(cluster.connection);
    await client.db.selectFrom('event').select('id').execute();
    await cluster.stop();
    assert.equal((await startCluster(directory, { binaries })).started, false, 'it stays for those that use it');
    await client.close();
    const idle = connect({ ...cluster.connection, idleTimeoutMillis: 1 }, { min: 1 });
    await Promise.all([useDatabase(cluster), idle.db.selectFrom('event').select('id').execute()]);
    await sleep(100);
    await cluster.stop();
    assert.equal((await startCluster(directory, { binaries })).started, false, 'also while they do something else');
    await idle.close();
    await cluster.stop();
    const next = await startCluster(directory, { binaries });
    assert.equal(next.started, true);
    await next.stop();
  });

  test(`a cluster of PostgreSQL ${name} killed with -9 has lost nothing when it is started again`, async () => {
    const directory = await folder();
    const cluster = await startCluster(directory, { binaries });
    await useDatabase(cluster);
    const { db, close } = connect(cluster.connection);
    await db
      .insertInto('tag_seen')
      .values({ ...seen, first_seen: new Date() })
      .execute();
    const postmaster = Number((await readFile(join(directory, 'data/postmaster.pid'), 'utf8')).split('\n')[0]);
    process.kill(postmaster, 'SIGKILL');
    await close();
    await sleep(500);
    const next = await startCluster(directory, { binaries });
    const reopened = connect(next.connection);
    assert.deepEqual(await reopened.db.selectFrom('tag_seen').select('tag').execute(), [{ tag: seen.tag }]);
    await reopened.close();
    await next.stop();
  });
}

test(
  'startCluster leaves an ordinary user their cluster, running or not, when root uses it',
  { skip: noOrdinaryUser },
  async () => {
    const { uid, gid } = ordinaryUser!;
    const directory = await folder();
    await chown(directory, uid, gid);
    const module = join(import.meta.dirname, 'cluster.ts');
    const asUser = async (script: string) => {
      const text = `const { startCluster } = await import(${JSON.stringify(module)});
      const cluster = await startCluster(${JSON.stringify(directory)}); ${script}`;
      const [program, ...words] = asOrdinaryUser([process.execPath, '--input-type=module', '--eval', text]);
      return (await execute(program, words, { cwd: '/' })).stdout;
    };
    await asUser('');
    assert.equal((await startCluster(directory)).started, false);
    assert.equal(await asUser('await cluster.stop(); console.log(cluster.started)'), 'false\n');
    await rm(join(directory, 'startup.log'));
    await (await startCluster(directory)).stop();
    assert.equal(await asUser('await cluster.stop(); console.log(cluster.started)'), 'true\n');
  },
);

test('startCluster starts a copy that root has made without its owners', { skip: noOrdinaryUser }, async () => {
  const directory = await folder();
  const cluster = await startCluster(directory);
  await useDatabase(cluster);
  await cluster.stop();
  const { uid } = await stat(join(directory, 'data'));
  for (const name of ['.', ...(await readdir(directory, { recursive: true }))])
    await lchown(join(directory, name), 0, 0);
  const copy = await startCluster(directory);
  assert.equal(copy.started, true);
  const { db, close } = connect(copy.connection);
  assert.deepEqual(await db.selectFrom('tag_seen').select('tag').execute(), []);
  await close();
  await copy.stop();
  assert.equal((await stat(join(directory, 'data'))).uid, uid);
});

test('startCluster says what PostgreSQL wrote into its log when it does not start', async () => {
  const directory = await folder();
  await (await startCluster(directory)).stop();
  await writeFile(join(directory, 'data/postgresql.conf'), 'no_such_setting = 1\n');
  await assert.rejects(startCluster(directory), { code: 'postgres-failed', message: /pg_ctl: .*no_such_setting/s });
});

test('a path that is too long for a Unix socket is reached all the same', async () => {
  const directory = join(await folder(), 'x'.repeat(60), 'y'.repeat(60));
  const cluster = await startCluster(directory);
  await useDatabase(cluster);
  await cluster.stop();
});

test('sheaf works with a server by connection string, and never shows its password', async () => {
  const directory = await folder();
  const cluster = await startCluster(join(directory, 'server'));
  await requirePassword(cluster, join(directory, 'server/data/pg_hba.conf'));
  const { port, close } = await listenFor(join(cluster.connection.host, '.s.PGSQL.5432'));
  await execute(sheaf, ['init', join(directory, 'grove')]);
  const status = (password?: string) => {
    const user = password === undefined ? 'sheaf' : `sheaf:${encodeURIComponent(password)}`;
    const url = `postgresql://${user}@127.0.0.1:${port}/grove`;
    const env = { ...process.env, SHEAF_DATABASE_URL: url };
    return execute(sheaf, ['-C', join(directory, 'grove'), 'status', '--json'], { env });
  };
  assert.ok('suites' in JSON.parse((await status('correct horse')).stdout));
  await assert.rejects(status('wrong horse'), (error: { code: number; stderr: string }) => {
    assert.equal(error.code, 3);
    assert.match(error.stderr, /"code":"no-database"/);
    assert.doesNotMatch(error.stderr, /horse/);
    return true;
  });
  await assert.rejects(status(), (error: { code: number; stderr: string }) => {
    assert.equal(error.code, 3);
    assert.match(error.stderr, /Cannot reach the database: the server asks for a password, and there is none/);
    return true;
  });
  await close();
  await cluster.stop({ always: true });
});

const seen = { repository: 'https://git.example.org/hello', tag: 'debian/1', tag_object: 'a'.repeat(40) };

async function useDatabase(cluster: Cluster): Promise<void> {
  const { db, close } = connect(cluster.connection);
  await checkServer(db);
  await migrate(db);
  await close();
}

async function requirePassword(cluster: Cluster, hba: string): Promise<void> {
  const client = connect(cluster.connection);
  await sql`alter user sheaf password 'correct horse'`.execute(client.db);
  await sql`create database grove`.execute(client.db);
  await writeFile(hba, 'local all all scram-sha-256\n');
  await sql`select pg_reload_conf()`.execute(client.db);
  await client.close();
}

/** A TCP port that leads to a Unix socket. */
async function listenFor(socket: string): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer((client) => {
    const upstream = createConnection(socket);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { port, close: () => new Promise((resolve) => server.close(() => resolve())) };
}
