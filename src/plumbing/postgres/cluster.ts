/**
 * A PostgreSQL cluster of our own below the distribution's folder: made at first use, reached by a Unix socket only,
 * never run as root. It outlives the process that started it, so that nothing is lost with a killed server.
 */
import { spawn } from 'node:child_process';
import { chown, lchown, lstat, mkdir, open, readdir, readFile, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import pg from 'pg';

import { diskFull } from '../../kit/disk-full.ts';
import { SheafError } from '../../kit/error.ts';
import { withFileLock } from '../file-lock.ts';
import { choosePostgres, type PostgresBinaries } from './binaries.ts';

export type Cluster = {
  /** How to reach it. */
  readonly connection: { readonly host: string; readonly user: string; readonly database: string };
  readonly binaries: PostgresBinaries;
  /** Whether this call started it, or found it running. */
  readonly started: boolean;
  /** Stops it, unless other programs are connected (then it stays for them) or `always` is said. */
  readonly stop: (options?: { readonly always?: boolean }) => Promise<void>;
};

export type ClusterOptions = {
  readonly binaries?: PostgresBinaries;
  /** PostgreSQL's own settings, beside ours. */
  readonly settings?: Readonly<Record<string, string>>;
};

const asUser = join(dirname(fileURLToPath(import.meta.url)), 'as-user.sh');

/** Starts (and first makes) the cluster in `directory`. Throws `no-postgres` or `postgres-failed`. */
export async function startCluster(directory: string, options: ClusterOptions = {}): Promise<Cluster> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const major = await existingMajor(directory);
  const binaries = options.binaries ?? (await choosePostgres(major));
  const owner = process.getuid!() === 0 ? await giveOwner(directory, major !== undefined) : undefined;
  const programs: Programs = { directory, binaries, owner };
  if (major === undefined) await makeCluster(programs);
  const host = await socketHost(directory);
  const connection = { host, user: 'sheaf', database: 'postgres' };
  // pg_ctl takes a server that is started while it stops another for the one that does not stop.
  const alone = async <T>(work: () => Promise<T>) => withFileLock(directory, work);
  const start = async () => {
    if (await answers(connection)) return false;
    await startServer(programs, options, connection);
    return true;
  };
  return {
    connection,
    binaries,
    started: !(await answers(connection)) && (await alone(start)),
    stop: ({ always = false } = {}) =>
      alone(async () => {
        if (!always && (await hasClients(connection))) return;
        await runProgram(programs, 'pg_ctl', ['stop', '-D', at(programs, 'data'), '-m', 'fast', '-w']);
      }),
  };
}

/** How to reach the cluster in `directory`, if it is running; nothing is started. */
export async function findCluster(directory: string): Promise<Cluster['connection'] | undefined> {
  if ((await existingMajor(directory)) === undefined) return undefined;
  const host = await socketHost(directory).catch(() => undefined);
  if (host === undefined) return undefined;
  const connection = { host, user: 'sheaf', database: 'postgres' };
  return (await answers(connection)) ? connection : undefined;
}

type Programs = {
  readonly directory: string;
  readonly binaries: PostgresBinaries;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
};

/** A path below the cluster's folder as the programs see it. */
function at(programs: Programs, name: string): string {
  return join(programs.owner === undefined ? programs.directory : '/mnt', name);
}

async function existingMajor(directory: string): Promise<number | undefined> {
  const text = await readFile(join(directory, 'data/PG_VERSION'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : Number(text.trim());
}

/**
 * Whom root runs it as: whoever has it already, an ordinary user's stays theirs. One that root owns is a copy that did not
 * keep its owner; that user gets all of it, because PostgreSQL reads no other's.
 */
async function giveOwner(directory: string, isMade: boolean): Promise<{ uid: number; gid: number }> {
  const { uid, gid } = await stat(isMade ? join(directory, 'data') : directory);
  if (isMade && uid !== 0) return { uid, gid };
  const owner = await unprivilegedOwner();
  const inside = isMade ? await readdir(directory, { recursive: true }) : [];
  for (const name of inside) await lchown(join(directory, name), owner.uid, owner.gid);
  await chown(directory, owner.uid, owner.gid);
  return owner;
}

/** The user `postgres` where the host has one, else `nobody`: initdb wants a user that has a name. */
async function unprivilegedOwner(): Promise<{ uid: number; gid: number }> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const entry = lines.find(([name]) => name === 'postgres') ?? lines.find(([name]) => name === 'nobody');
  return { uid: Number(entry?.[2] ?? 65534), gid: Number(entry?.[3] ?? 65534) };
}

/** Made under another name and renamed: a crash or a second process never leaves half a cluster. */
async function makeCluster(programs: Programs): Promise<void> {
  const name = `data.${process.pid}.tmp`;
  for (const left of await readdir(programs.directory)) {
    if (/^data\.\d+\.tmp$/.test(left) && !isAlive(Number(left.split('.')[1]))) {
      await rm(join(programs.directory, left), { recursive: true, force: true });
    }
  }
  const run = join(programs.directory, 'run');
  await mkdir(run, { recursive: true, mode: 0o700 });
  if (programs.owner !== undefined) await chown(run, programs.owner.uid, programs.owner.gid);
  const args = ['-D', at(programs, name), '-U', 'sheaf', '--auth=trust', '--locale=C', '--encoding=UTF8'];
  await runProgram(programs, 'initdb', [...args, '--no-instructions']);
  try {
    await rename(join(programs.directory, name), join(programs.directory, 'data'));
  } catch (error) {
    if ((await existingMajor(programs.directory)) === undefined) throw error;
    await rm(join(programs.directory, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function startServer(programs: Programs, options: ClusterOptions, connection: pg.ClientConfig): Promise<void> {
  const settings = {
    listen_addresses: '',
    unix_socket_directories: '../run',
    max_connections: '200',
    // The system's cache serves as well, and a small machine has other uses for the rest.
    shared_buffers: '48MB',
    wal_compression: 'on',
    max_wal_size: '512MB',
    ...options.settings,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const quoted = flags.map((flag) => `'${flag}'`).join(' ');
  const args = ['start', '-D', at(programs, 'data'), '-l', at(programs, 'log'), '-w', '-t', '60', '-o', quoted];
  for (let tries = 1; ; tries += 1) {
    try {
      await runProgram(programs, 'pg_ctl', args);
      return;
    } catch (error) {
      // Another process may have been quicker; or the children of a killed server have not noticed its end yet.
      if (await answers(connection)) return;
      if (tries === longestStart) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
      if (await answers(connection)) return;
    }
  }
}

/** Tries at a start, half a second apart. */
const longestStart = 15;

async function runProgram(programs: Programs, program: string, args: readonly string[]): Promise<void> {
  const { directory, binaries, owner } = programs;
  const argv =
    owner === undefined
      ? [join(binaries.directory, 'bin', program), ...args]
      : ['unshare', '--mount', '--propagation', 'private', '--', 'sh', asUser, directory, binaries.directory,
         String(owner.uid), String(owner.gid), program, ...args]; // prettier-ignore
  // A file rather than a pipe: the server inherits it and would keep a pipe open for ever.
  const output = await open(join(directory, 'startup.log'), 'w', 0o600);
  try {
    if (owner !== undefined) await output.chown(owner.uid, owner.gid);
    const child = spawn(argv[0]!, argv.slice(1), {
      stdio: ['ignore', output.fd, output.fd],
      cwd: '/',
      detached: true,
      env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', resolve);
    });
    if (code !== 0) {
      const { bavail, bsize } = await statfs(directory);
      if (bavail * bsize < leastRoom) {
        throw await diskFull(
          `run ${program}`,
          { directory, needs: 'PostgreSQL writes there when it starts' },
          undefined,
        );
      }
      const text = await readFile(join(directory, 'startup.log'), 'utf8');
      const log = await readFile(join(directory, 'log'), 'utf8').catch(() => '');
      const said = [text.trim().slice(-2000), ...log.split('\n').slice(-4)].join('\n').trim();
      throw new SheafError('postgres-failed', `Cannot run ${program}: ${said}`, {
        kind: 'environment',
        place: { file: join(directory, 'log') },
        hint: 'A server of your own is used instead when SHEAF_DATABASE_URL names it.',
      });
    }
  } finally {
    await output.close();
  }
}

/** With less a server does not even start. */
const leastRoom = 2 ** 20;

const longestSocketPath = 107;

/** The folder of the socket; a short name for it where the path is longer than the kernel takes (unix(7)). */
async function socketHost(directory: string): Promise<string> {
  const run = join(directory, 'run');
  if (Buffer.byteLength(join(run, '.s.PGSQL.5432')) <= longestSocketPath) return run;
  const existing = heldDirectories.get(run);
  const handle = existing ?? (await open(run, 'r'));
  heldDirectories.set(run, handle);
  return `/proc/${process.pid}/fd/${handle.fd}`;
}

/** Kept open for the life of the process: the short names above point through them. */
const heldDirectories = new Map<string, Awaited<ReturnType<typeof open>>>();

async function answers(connection: pg.ClientConfig): Promise<boolean> {
  if ((await lstat(join(connection.host!, '.s.PGSQL.5432')).catch(() => undefined)) === undefined) return false;
  return withClient(connection, async () => true).catch(() => false);
}

/** A backend ends some moments after the connection that it served: who is there must be there for a while. */
async function hasClients(connection: pg.ClientConfig): Promise<boolean> {
  return withClient(connection, async (client) => {
    for (let look = 0; look < looks; look++) {
      if (look > 0) await sleep(betweenLooks);
      const { rows } = await client.query(
        `select 1 from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
      );
      if (rows.length === 0) return false;
    }
    return true;
  }).catch(() => false);
}

const looks = 10;
const betweenLooks = 50;

async function withClient<T>(connection: pg.ClientConfig, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...connection, connectionTimeoutMillis: 5000 });
  client.on('error', () => {});
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
